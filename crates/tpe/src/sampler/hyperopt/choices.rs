//! The distribution of a choice without an order.

use crate::rng::Stream;
use crate::sampler::mixture::{forgetting, normalize, pick};

/// How likely each choice is: how often it was seen, the older the less, and once more for each.
#[derive(Debug, Clone)]
pub(super) struct Choices {
    pub probabilities: Vec<f64>,
}

impl Choices {
    pub fn fit(count: usize, observations: &[f64]) -> Self {
        let mut probabilities = vec![1.0; count];
        for (&choice, weight) in observations.iter().zip(forgetting(observations.len())) {
            probabilities[choice as usize] += weight;
        }
        normalize(&mut probabilities);
        Self { probabilities }
    }

    pub fn log_density(&self, choice: f64) -> f64 {
        libm::log(self.probabilities[choice as usize])
    }

    pub fn sample(&self, random: &mut Stream) -> f64 {
        pick(&self.probabilities, random.uniform()) as f64
    }
}
