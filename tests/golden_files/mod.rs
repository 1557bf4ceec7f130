//! Reads the fixtures in `tests/golden` and collects what differs from them.

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::fs;
use std::path::PathBuf;

use nn_core::{Real, Tensor, tensor};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;

fn read(file: &str) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", file].iter().collect();
    fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The contents of a JSON file.
pub fn json<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_slice(&read(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The tensors of a safetensors file.
pub struct Tensors(HashMap<String, Tensor<f64>>);

impl Tensors {
    pub fn open(file: &str) -> Self {
        let bytes = read(file);
        let tensors = SafeTensors::deserialize(&bytes).unwrap_or_else(|e| panic!("{file}: {e}"));
        let decoded = tensors.iter().map(|(name, view)| (name.into(), decode(&view)));
        Self(decoded.collect())
    }

    /// The tensor of that name, rounded to `R`.
    pub fn get<R: Real>(&self, name: &str) -> Tensor<R> {
        let tensor = self.0.get(name).unwrap_or_else(|| panic!("no tensor {name:?}"));
        tensor.map(|&value| R::of(value)).into_shared()
    }
}

fn decode(view: &TensorView) -> Tensor<f64> {
    let element: fn(&[u8]) -> f64 = match view.dtype() {
        Dtype::F64 => |bytes| f64::from_le_bytes(bytes.try_into().unwrap()),
        Dtype::F32 => |bytes| f32::from_le_bytes(bytes.try_into().unwrap()).into(),
        Dtype::I32 => |bytes| i32::from_le_bytes(bytes.try_into().unwrap()).into(),
        other => panic!("no fixture has elements of type {other:?}"),
    };
    tensor(view.shape(), view.data().chunks_exact(view.dtype().bitsize() / 8).map(element).collect())
}

/// The comparisons of one test: all failures are told at its end, and how close the closest call was.
pub struct Report {
    title: String,
    comparisons: usize,
    failures: Vec<String>,
    /// Share of the tolerance that the worst comparison used up, and that comparison.
    worst: (f64, String),
}

impl Report {
    pub fn new(title: impl Display) -> Self {
        let worst = (0.0, "none inexact".into());
        Self { title: title.to_string(), comparisons: 0, failures: Vec::new(), worst }
    }

    /// Demands equality.
    pub fn equal<T: PartialEq + Debug>(&mut self, what: impl Display, actual: T, expected: T) {
        self.comparisons += 1;
        if actual != expected {
            self.failures.push(format!("{what}: is {actual:?}, expected {expected:?}"));
        }
    }

    /// Demands that [`error`] does not exceed `tolerance`; 0 demands equal numbers.
    pub fn close<'a, R: Real>(
        &mut self,
        what: impl Display,
        actual: impl IntoIterator<Item = &'a R>,
        expected: impl IntoIterator<Item = &'a f64>,
        tolerance: f64,
    ) {
        self.comparisons += 1;
        let actual: Vec<f64> = actual.into_iter().map(|value| value.as_f64()).collect();
        let expected: Vec<f64> = expected.into_iter().copied().collect();
        let error = error(&actual, &expected);
        let line = format!("{what}: error {error:.1e}, tolerance {tolerance:.1e}");
        if error > tolerance {
            self.failures.push(line);
        } else if error / tolerance > self.worst.0 {
            self.worst = (error / tolerance, line);
        }
    }

    /// Fails if a comparison failed, or if there were not as many as the fixture is known to give.
    pub fn finish(self, comparisons: usize) {
        let Self { title, failures, worst, .. } = self;
        println!("{title}: {} comparisons, closest call {}", self.comparisons, worst.1);
        let (count, lines) = (failures.len(), failures.join("\n  "));
        assert!(
            failures.is_empty(),
            "{title}: {count} of {} comparisons failed\n  {lines}",
            self.comparisons
        );
        assert_eq!(self.comparisons, comparisons, "{title}: number of comparisons");
    }
}

/// The larger of two relative errors: of the L2 norm, and of the worst element measured by the largest one.
/// Infinite if the lengths differ, there are no elements, or one is not finite.
fn error(actual: &[f64], expected: &[f64]) -> f64 {
    let comparable = actual.len() == expected.len() && !expected.is_empty();
    if !comparable || actual.iter().chain(expected).any(|value| !value.is_finite()) {
        return f64::INFINITY;
    }
    let differences: Vec<f64> = actual.iter().zip(expected).map(|(a, e)| a - e).collect();
    let l2 = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let largest = |values: &[f64]| values.iter().fold(0.0, |max: f64, v| max.max(v.abs()));
    // Where zeros are expected the error is absolute.
    let relative = |error: f64, size: f64| if size == 0.0 { error } else { error / size };
    relative(l2(&differences), l2(expected)).max(relative(largest(&differences), largest(expected)))
}
