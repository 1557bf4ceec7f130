//! Inside a network at work: what each layer sees, and what the gradients say.
//!
//! `inspect::trace` runs a picture forward and backward and hands over everything. Shown here: each layer's
//! shape and activity and the lengths of two gradients, of its output (`|dy|`) and of its parameters; the
//! *saliency*, how strongly each pixel of the picture moves the loss; and what the first filters make of the
//! picture. Did each filter find a task of its own? At the end the weights go to disk and come back.

mod bars;

use std::error::Error;

use bars::{CLASSES, SIZE};
use ndarray::{Axis, concatenate};
use nn_core::checkpoint::{load_weights, save_weights};
use nn_core::layers::{ActivationFn, Conv2D, Dense, Flatten, MaxPooling2D};
use nn_core::loss::Loss;
use nn_core::model::Sequential;
use nn_core::optim::Adam;
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer};
use nn_core::{Tensor, inspect};

/// Trains for a moment, then looks inside.
pub fn main() -> Result<(), Box<dyn Error>> {
    let config = Sequential::new("bars", &[SIZE, SIZE, 1])
        .add(Conv2D::new(4, 3).activation(ActivationFn::Relu).name("edges"))
        .add(MaxPooling2D::new(2).name("pool"))
        .add(Conv2D::new(8, 3).activation(ActivationFn::Relu).name("shapes"))
        .add(Flatten::new().name("flat"))
        .add(Dense::new(CLASSES.len()).activation(ActivationFn::Softmax).name("classes"));
    let mut network = config.build::<f32>(7)?;
    let loss = Loss::sparse_categorical_crossentropy();
    let (x, classes) = bars::pictures(1000, 1);
    let training = ArrayDataset::new(x, Targets::Classes(classes))?;
    let options = FitOptions { epochs: 6, ..FitOptions::default() };
    Trainer::new(&mut network, loss, Adam::new(5e-3))?.fit(&training, None, &options, &mut [])?;

    // One picture that the network has not seen.
    let (x, classes) = bars::pictures(1, 12);
    let trace = inspect::trace(&network, &loss, &x, &Targets::Classes(classes.clone()), 0);
    println!("A {} bar. The network's answer, with a loss of {:.4}:", CLASSES[classes[0]], trace.loss);
    for (name, p) in CLASSES.iter().zip(&trace.prediction) {
        println!("{name:>12} {p:.3} {}", "#".repeat((p * 40.0).round() as usize));
    }

    // The softmax at the end is the network's own: the last layer's output are logits.
    println!("\nlayer   class         output           mean   active       |dy|   |dW, db|");
    for layer in &trace.layers {
        let (y, shape) = (&layer.output, format!("{:?}", layer.output.shape()));
        let active = y.iter().filter(|y| **y > 0.0).count() as f32 / y.len() as f32;
        let dw = norm(layer.params.iter().map(|(_name, _value, gradient)| gradient));
        let dy = norm([&layer.grad_output]);
        print!("{:<8}{:<14}{shape:<15}{:>6.3}", layer.name, layer.class_name, y.mean().unwrap_or(0.0));
        println!("{:>8.0}%{dy:>11.2e}{dw:>11.2e}", 100.0 * active);
    }

    println!("\nThe picture, and its saliency: where the network looks");
    let saliency = trace.grad_input.mapv(f32::abs);
    println!("{}", bars::draw(concatenate![Axis(3), x, saliency].view()));
    for layer in &trace.layers[..2] {
        println!("The four feature maps of layer {:?}\n{}", layer.name, bars::draw(layer.output.view()));
    }

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("bars.safetensors");
    save_weights(&network, &file)?;
    let mut stranger = config.build::<f32>(99)?;
    assert_ne!(stranger.predict(&x), network.predict(&x));
    load_weights(&mut stranger, &file)?;
    assert_eq!(stranger.predict(&x), network.predict(&x));
    println!("{} bytes on disk; a network that loads them gives the same answer.", file.metadata()?.len());
    Ok(())
}

/// Length of all tensors taken as one vector; 0 if there are none.
fn norm<'a>(tensors: impl IntoIterator<Item = &'a Tensor<f32>>) -> f32 {
    tensors.into_iter().flatten().fold(0.0, |sum: f32, value| sum + value * value).sqrt()
}
