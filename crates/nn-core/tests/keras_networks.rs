//! Models that Keras saved predict here what they predict there.

use std::path::{Path, PathBuf};

use nn_core::inspect::input_gradient;
use nn_core::keras::{KerasError, load_network};
use nn_core::{Tensor, tensor};
use safetensors::SafeTensors;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/keras_files")
}

fn numbers(file: &SafeTensors, name: &str) -> (Vec<usize>, Vec<f32>) {
    let stored = file.tensor(name).unwrap();
    let element = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    (stored.shape().to_vec(), stored.data().chunks_exact(4).map(element).collect())
}

/// Both sides round differently, and at most a dozen layers deep: a few units of 2⁻²⁴ for each.
const TOLERANCE: f64 = 1e-5;

#[test]
fn archives_predict_what_keras_predicts() {
    let bytes = std::fs::read(folder().join("outputs.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut archives: Vec<_> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|extension| extension == "keras"));
    assert_eq!(archives.len(), 10);
    let (mut inner, mut differentiated) = (0, 0);
    for path in archives {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let ((shape, x), (y_shape, expected)) =
            (numbers(&file, &format!("{name}/x")), numbers(&file, &format!("{name}/y")));
        let network =
            load_network::<f32>(&path, Some(&shape[1..])).unwrap_or_else(|error| panic!("{name}: {error}"));
        let x = tensor(&shape, x);
        close(&name, &network.predict(&x), &y_shape, &expected);
        let (dx_shape, expected) = numbers(&file, &format!("{name}/dx"));
        let k = 1.min(network.output_shape().elements() - 1);
        close(&format!("{name}: gradient"), &input_gradient(&network, &x, k), &dx_shape, &expected);
        differentiated += usize::from(expected.iter().any(|&dx| dx != 0.0));
        let layers = format!("{name}/layer/");
        for stored in file.names().into_iter().filter(|stored| stored.starts_with(&layers)) {
            let (shape, expected) = numbers(&file, stored);
            let cut = network.until(&stored[layers.len()..]).unwrap();
            close(stored, &cut.predict(&x), &shape, &expected);
            inner += 1;
        }
    }
    assert!(inner >= 8 && differentiated >= 9, "{inner} inner layers, {differentiated} gradients");
}

#[track_caller]
fn close(what: &str, y: &Tensor<f32>, shape: &[usize], expected: &[f32]) {
    assert_eq!(y.shape(), shape, "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut y.iter().zip(expected).map(|(a, b)| f64::from(a - b)));
    let size = norm(&mut expected.iter().map(|&v| f64::from(v)));
    assert!(difference <= TOLERANCE * size, "{what}: off by {difference:e} of {size:e}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let path = folder().join("sequential_cnn.keras");
    let error = load_network::<f32>(&path, Some(&[3, 3])).unwrap_err();
    assert!(matches!(error, KerasError::Model { .. }), "{error}");
    assert!(error.to_string().contains("takes inputs of"), "{error}");
    let weights_only = load_network::<f32>(&folder().join("numbering.weights.h5"), None).unwrap_err();
    assert!(weights_only.to_string().contains("without a configuration"), "{weights_only}");
}
