//! How good predictions are.

use nn_kernels::Real;

use crate::tensor::{Elements, Tensor};

/// The class with the largest score, the first where several are equal; a NaN is never the largest.
pub fn argmax<R: Real>(scores: &[R]) -> usize {
    let better = |best: usize, i: usize| scores[i] > scores[best] || scores[best].is_nan();
    (1..scores.len()).fold(0, |best, i| if better(best, i) { i } else { best })
}

/// Whether fewer than `k` classes have a larger score than `class`, as Keras counts it.
pub fn in_top_k<R: Real>(scores: &[R], class: usize, k: usize) -> bool {
    scores.iter().filter(|&&score| score > scores[class]).count() < k
}

/// The class with the largest score in each row.
///
/// # Shapes
/// `scores`: `[n, classes]`.
pub fn predicted_classes<R: Real>(scores: &Tensor<R>) -> Vec<usize> {
    let classes = scores.len() / scores.shape()[0].max(1);
    scores.elements().chunks_exact(classes.max(1)).map(argmax).collect()
}

/// Counts of (true class, predicted class).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
}

impl Confusion {
    /// No samples yet.
    pub fn new(classes: usize) -> Self {
        Self { classes, counts: vec![0; classes * classes] }
    }

    /// Counts one sample.
    ///
    /// # Panics
    /// If a class is out of range.
    pub fn add(&mut self, truth: usize, predicted: usize) {
        assert!(truth < self.classes && predicted < self.classes, "class out of range");
        self.counts[truth * self.classes + predicted] += 1;
    }

    /// How many samples of class `truth` were predicted as `predicted`.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts[truth * self.classes + predicted]
    }

    /// The counts by true class.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks_exact(self.classes)
    }

    /// All samples.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Share of samples whose class was predicted; NaN without samples.
    pub fn accuracy(&self) -> f64 {
        let correct: u64 = (0..self.classes).map(|c| self.count(c, c)).sum();
        correct as f64 / self.total() as f64
    }
}
