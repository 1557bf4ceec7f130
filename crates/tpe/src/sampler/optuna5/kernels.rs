//! The kernels of a mixture along one axis, one for each observation and the last for the prior.

use super::axis::{Axis, Number};
use crate::normal;
use crate::rng::Stream;
use crate::sampler::mixture::{normalize, pick};

/// What each kernel of a joint density is along one axis.
#[derive(Debug, Clone)]
pub(super) enum Kernels {
    /// The probability of each choice.
    Choice(Vec<Vec<f64>>),
    /// Normal densities, each cut to the range and normalised.
    Number(Number, Vec<Normal>),
}

/// A normal kernel on the scale of its axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Normal {
    pub mu: f64,
    pub sigma: f64,
    /// The logarithm of its mass within the range.
    log_mass: f64,
}

impl Kernels {
    /// The kernels on `observations` and on the prior.
    pub fn fit(axis: Axis, observations: &[f64]) -> Self {
        match axis {
            Axis::Choice { count } => Self::Choice(choices(count, observations)),
            Axis::Number(number) => {
                let mus: Vec<f64> = observations.iter().map(|&x| number.inner(x)).collect();
                let (low, high) = number.range();
                let widths = widths(&mus, low, high);
                let prior = (0.5 * (low + high), high - low);
                let kernels = mus.into_iter().zip(widths).chain([prior]);
                let normal = |(mu, sigma)| {
                    let log_mass = normal::log_mass((low - mu) / sigma, (high - mu) / sigma);
                    Normal { mu, sigma, log_mass }
                };
                Self::Number(number, kernels.map(normal).collect())
            }
        }
    }

    /// Adds each kernel's log density at `x` (log probability of `x`, if discrete) to its place in `logs`.
    pub fn add_log_densities(&self, x: f64, logs: &mut [f64]) {
        match self {
            Self::Choice(rows) => {
                for (log, row) in logs.iter_mut().zip(rows) {
                    *log += libm::log(row[x as usize]);
                }
            }
            Self::Number(number, kernels) => {
                let (low, high) = number.range();
                match number.step {
                    Some(step) => {
                        let (left, right) = number.cell(x, step);
                        for (log, kernel) in logs.iter_mut().zip(kernels) {
                            *log += normal::log_mass(kernel.z(left), kernel.z(right)) - kernel.log_mass;
                        }
                    }
                    None => {
                        let place = number.inner(x);
                        let inside = (low..=high).contains(&place);
                        for (log, kernel) in logs.iter_mut().zip(kernels) {
                            let density = normal::log_density(kernel.z(place)) - libm::log(kernel.sigma);
                            *log += if inside { density - kernel.log_mass } else { f64::NEG_INFINITY };
                        }
                    }
                }
            }
        }
    }

    /// A value of kernel `index` at random.
    pub fn sample(&self, index: usize, random: &mut Stream) -> f64 {
        match self {
            Self::Choice(rows) => pick(&rows[index], random.uniform()) as f64,
            Self::Number(number, kernels) => {
                let (low, high) = number.range();
                let Normal { mu, sigma, .. } = kernels[index];
                number.outer(normal::sample(mu, sigma, low, high, random))
            }
        }
    }
}

impl Normal {
    fn z(&self, place: f64) -> f64 {
        (place - self.mu) / self.sigma
    }
}

/// The observed choice with weight 1 besides a prior that is spread over all kernels and choices.
fn choices(count: usize, observations: &[f64]) -> Vec<Vec<f64>> {
    let kernels = observations.len() + 1;
    let mut rows = vec![vec![1.0 / kernels as f64; count]; kernels];
    for (row, &choice) in rows.iter_mut().zip(observations) {
        row[choice as usize] += 1.0;
    }
    rows.iter_mut().for_each(|row| normalize(row));
    rows
}

/// As wide as the farther neighbour is away, the ends of the range among them for a single kernel only; between the
/// range and a part of it that shrinks with the number of kernels.
fn widths(mus: &[f64], low: f64, high: f64) -> Vec<f64> {
    let n = mus.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| mus[a].total_cmp(&mus[b]));
    let narrowest = (high - low) / (n as f64 + 2.0).min(100.0);
    let mut widths = vec![0.0; n];
    for (place, &index) in order.iter().enumerate() {
        let mu = mus[index];
        let left = (place > 0).then(|| mu - mus[order[place - 1]]);
        let right = (place + 1 < n).then(|| mus[order[place + 1]] - mu);
        let width = match (left, right) {
            (None, None) => (mu - low).max(high - mu),
            _ => left.unwrap_or(0.0).max(right.unwrap_or(0.0)),
        };
        widths[index] = width.clamp(narrowest, high - low);
    }
    widths
}
