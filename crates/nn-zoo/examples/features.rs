//! How long a pre-trained network takes for images: `features FILE.h5|resnet50 [SIDE] [IMAGES]`.
//!
//! The images are random, and the weights of ResNet50, too: the time does not depend on them. `benches/peers/features.py`
//! times Keras on the same.

use std::env;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use nn_core::model::Network;
use nn_core::rng::{Purpose, Stream};
use nn_core::tensor;
use nn_zoo::{Pooling, Pretrained, resnet50};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let weights = arguments.next().ok_or("give a weight file of Keras, or resnet50")?;
    let side = arguments.next().map_or(Ok(48), |side| side.parse())?;
    let images = arguments.next().map_or(Ok(4096), |images| images.parse())?;
    let input = [side, side, 3];
    let mut network: Network<f32> = match weights.as_str() {
        "resnet50" => resnet50(input, Pooling::Average)?.build(0)?,
        file => Pretrained::read(Path::new(file))?.network(input, Pooling::Average)?,
    };
    network.set_trainable(false);
    let mut pixels = vec![0.0; images * side * side * 3];
    Stream::new(0, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 0.5);
    let x = tensor(&[images, side, side, 3], pixels);
    for round in 0..4 {
        let start = Instant::now();
        let y = network.predict(&x);
        let seconds = start.elapsed().as_secs_f64();
        // The first round also finds its memory.
        if round > 0 {
            println!("{} {:?}: {seconds:.3} s", network.name(), y.shape());
        }
    }
    Ok(())
}
