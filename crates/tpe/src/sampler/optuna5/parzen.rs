//! The joint density of several parameters: a mixture of products of kernels.

use super::axis::Axis;
use super::kernels::Kernels;
use crate::rng::Stream;
use crate::sampler::mixture::{forgetting, log_sum_exp, normalize, pick};
use crate::sampler::ratio::Density;

/// A kernel on each observation and one for the prior.
#[derive(Debug, Clone)]
pub(super) struct Parzen {
    pub weights: Vec<f64>,
    log_weights: Vec<f64>,
    pub axes: Vec<Kernels>,
}

impl Parzen {
    /// The density after `rows` of values along `axes`, oldest first.
    pub fn fit(axes: &[Axis], rows: &[Vec<f64>]) -> Self {
        let mut weights = forgetting(rows.len());
        weights.push(1.0);
        normalize(&mut weights);
        let column = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<_>>();
        let axes = axes.iter().enumerate();
        let axes = axes.map(|(place, &axis)| Kernels::fit(axis, &column(place))).collect();
        Self { log_weights: weights.iter().map(|&weight| libm::log(weight)).collect(), weights, axes }
    }

    /// The logarithm of the density of axis `place` alone.
    pub fn log_marginal(&self, place: usize, x: f64) -> f64 {
        let mut logs = self.log_weights.clone();
        self.axes[place].add_log_densities(x, &mut logs);
        log_sum_exp(&logs)
    }
}

impl Density for Parzen {
    /// A value along each axis.
    type Point = Vec<f64>;

    fn log_density(&self, point: &Vec<f64>) -> f64 {
        let mut logs = self.log_weights.clone();
        for (axis, &x) in self.axes.iter().zip(point) {
            axis.add_log_densities(x, &mut logs);
        }
        log_sum_exp(&logs)
    }

    /// One kernel along all axes.
    fn sample(&self, random: &mut Stream) -> Vec<f64> {
        let kernel = pick(&self.weights, random.uniform());
        self.axes.iter().map(|axis| axis.sample(kernel, random)).collect()
    }
}
