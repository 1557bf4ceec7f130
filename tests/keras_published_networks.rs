//! MobileNetV2 with its published weights sees in real faces what it sees in Keras.
//!
//! Needs the weight files in the folder `FER_WEIGHTS` and FER-2013 in `FER_DATA`; `tests/golden/make_published.py` tells
//! how the expected features were made.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use fer::data::csv;
use fer::transform::{Scaling, Transform};
use nn_core::tensor;
use nn_zoo::{Pooling, Pretrained};
use safetensors::SafeTensors;

const FACES: usize = 16;

/// Both sides round differently in each of 52 convolutions: a few units of 2⁻²⁴ times the square root of that.
const TOLERANCE: f64 = 1e-5;

fn folder(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).filter(|path| path.exists())
}

#[test]
fn published_networks_compute_what_keras_computes_of_real_faces() {
    let (Some(weights), Some(data)) = (folder("FER_WEIGHTS"), folder("FER_DATA")) else {
        // Past the test runner's capture, so that it shows for a passing test as well.
        let needed = "skipped: published networks on real faces (needs FER_WEIGHTS and FER_DATA)";
        let _ = writeln!(std::io::stderr(), "{needed}");
        return;
    };
    let faces = csv::load(&data, &csv::Options::default()).unwrap().test;
    let transform = Transform::from(Scaling::Symmetric);
    let bytes =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/published.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let mut worst = 0.0;
    for alpha in [0.35, 1.0] {
        let file = nn_zoo::Base::MobileNetV2 { alpha }.weight_file();
        let network =
            Pretrained::read(&weights.join(file)).unwrap().network([48, 48, 3], Pooling::Average).unwrap();
        let shape = [48, 48, 3];
        let mut x = vec![0.0; FACES * shape.iter().product::<usize>()];
        for (i, x) in x.chunks_exact_mut(shape.iter().product()).enumerate() {
            transform.apply(faces.image(i), &shape, x);
        }
        let y = network.predict(&tensor(&[&[FACES], &shape[..]].concat(), x));
        let alpha = if alpha == 1.0 { "1.0".into() } else { alpha.to_string() };
        let wanted = expected.tensor(&format!("{alpha}/48/features")).unwrap();
        assert_eq!(y.shape(), wanted.shape());
        let element = |bytes: &[u8]| f64::from(f32::from_le_bytes(bytes.try_into().unwrap()));
        let wanted: Vec<f64> = wanted.data().chunks_exact(4).map(element).collect();
        let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
        for (i, (y, wanted)) in y.outer_iter().zip(wanted.chunks_exact(y.shape()[1])).enumerate() {
            let difference = squares(&mut y.iter().zip(wanted).map(|(&a, &b)| f64::from(a) - b)).sqrt();
            let relative = difference / squares(&mut wanted.iter().copied()).sqrt();
            assert!(relative <= TOLERANCE, "width {alpha}, face {i}: off by {relative:e}");
            worst = relative.max(worst);
        }
    }
    println!("published networks on real faces: worst relative difference {worst:.1e}");
}
