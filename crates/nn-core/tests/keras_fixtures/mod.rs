//! The files in `tests/golden/keras_files` and what Keras says is in them.

// Each test file uses a part.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use nn_core::Tensor;
use nn_core::keras::config::{Chain, Step};
use nn_core::keras::weights::LayerWeights;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The path of a fixture.
pub fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "tests", "golden", "keras_files", name].iter().collect()
}

/// What `expected.json` tells.
#[derive(Deserialize)]
pub struct Expected {
    pub models: BTreeMap<String, Model>,
    /// SHA-256 of the two arrays of the files `form_*.h5`.
    pub form: BTreeMap<String, String>,
    /// Bad files and the words that an error has to contain.
    pub errors: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
pub struct Model {
    pub name: String,
    pub input_shape: Vec<Option<usize>>,
    pub output: String,
    pub parameters: usize,
    pub layers: Vec<Layer>,
    /// A name is a layer, a list `[sum, main, shortcut]` a block.
    pub steps: Value,
}

#[derive(Deserialize)]
pub struct Layer {
    pub name: String,
    pub class: String,
    pub arrays: Vec<Array>,
}

#[derive(Deserialize, Debug, PartialEq)]
pub struct Array {
    pub name: String,
    pub shape: Vec<usize>,
    pub sha256: String,
}

impl Expected {
    pub fn read() -> Self {
        let json = std::fs::read(file("expected.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }
}

/// Name, shape and checksum of an array.
pub fn described((name, array): &(String, Tensor<f32>)) -> Array {
    Array { name: name.clone(), shape: array.shape().to_vec(), sha256: sha256(array) }
}

/// The checksum of an array's elements in row-major order, in little-endian bytes.
pub fn sha256(array: &Tensor<f32>) -> String {
    let bytes: Vec<u8> = array.iter().flat_map(|value| value.to_le_bytes()).collect();
    Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A chain in the notation of `expected.json`.
pub fn steps(chain: &Chain) -> Value {
    let step = |step: &Step| match step {
        Step::Layer(layer) => json!(layer.name),
        Step::Residual { name, main, shortcut } => json!([name, steps(main), steps(shortcut)]),
    };
    chain.iter().map(step).collect()
}

/// All numbers that some layers hold.
pub fn parameters(layers: &[LayerWeights]) -> usize {
    layers.iter().map(LayerWeights::count).sum()
}
