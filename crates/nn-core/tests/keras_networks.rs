//! Models that Keras saved predict here what they predict there.

use std::path::{Path, PathBuf};

use nn_core::keras::{KerasError, load_network};
use nn_core::tensor;
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
    // It begins with a layer that the engine does not have.
    archives.retain(|path| !path.ends_with("padding_dropout.keras"));
    for path in archives {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let ((shape, x), (y_shape, expected)) =
            (numbers(&file, &format!("{name}/x")), numbers(&file, &format!("{name}/y")));
        let network =
            load_network::<f32>(&path, Some(&shape[1..])).unwrap_or_else(|error| panic!("{name}: {error}"));
        let y = network.predict(&tensor(&shape, x));
        assert_eq!(y.shape(), y_shape, "{name}");
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
        let difference = norm(&mut y.iter().zip(&expected).map(|(a, b)| f64::from(a - b)));
        let size = norm(&mut expected.iter().map(|&v| f64::from(v)));
        assert!(difference <= TOLERANCE * size, "{name}: off by {difference:e} of {size:e}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let path = folder().join("sequential_cnn.keras");
    let error = load_network::<f32>(&path, Some(&[3, 3])).unwrap_err();
    assert!(matches!(error, KerasError::Model { .. }), "{error}");
    assert!(error.to_string().contains("takes inputs of"), "{error}");
    let unsupported = load_network::<f32>(&folder().join("padding_dropout.keras"), None).unwrap_err();
    assert!(unsupported.to_string().contains("layer \"scale\": Rescaling is not supported"), "{unsupported}");
    let weights_only = load_network::<f32>(&folder().join("numbering.weights.h5"), None).unwrap_err();
    assert!(weights_only.to_string().contains("without a configuration"), "{weights_only}");
}
