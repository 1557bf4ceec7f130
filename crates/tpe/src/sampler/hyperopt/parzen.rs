//! The density of a number: a mixture of normal kernels, cut to the bounds as a whole.

use super::scale::Scale;
use crate::normal;
use crate::rng::Stream;
use crate::sampler::mixture::{forgetting, log_sum_exp, normalize, pick};

/// A normal kernel on each observation and a wide one for the prior, by their centres.
#[derive(Debug, Clone)]
pub(super) struct Parzen {
    scale: Scale,
    pub weights: Vec<f64>,
    pub mus: Vec<f64>,
    pub sigmas: Vec<f64>,
    /// The logarithm of the mixture's mass within the bounds.
    pub log_accepted: f64,
}

impl Parzen {
    /// The density after `observations`, oldest first.
    ///
    /// A kernel is as wide as the farther of its neighbours is away, the prior's among them; an outermost kernel has
    /// one neighbour. The widths stay between the prior's and a part of it that shrinks with the observations.
    pub fn fit(scale: Scale, observations: &[f64]) -> Self {
        let n = observations.len();
        let inner = observations.iter().map(|&x| scale.inner(x));
        let mut kernels: Vec<(f64, f64)> = inner.zip(forgetting(n)).collect();
        kernels.sort_by(|a, b| a.0.total_cmp(&b.0));
        // A single observation goes before a prior at its place, several after it.
        let place = kernels.partition_point(|&(mu, _)| if n == 1 { mu <= scale.mu } else { mu < scale.mu });
        kernels.insert(place, (scale.mu, 1.0));
        let (mus, mut weights): (Vec<_>, Vec<_>) = kernels.into_iter().unzip();
        normalize(&mut weights);

        let narrowest = scale.sigma / (1.0 + mus.len() as f64).min(100.0);
        let gap = |i: usize| mus.get(i + 1).map_or(0.0, |right| right - mus[i]);
        let width = |i: usize| match n {
            1 => 0.5 * scale.sigma,
            _ => gap(i).max(if i > 0 { gap(i - 1) } else { 0.0 }).clamp(narrowest, scale.sigma),
        };
        let mut sigmas: Vec<f64> = (0..mus.len()).map(width).collect();
        sigmas[place] = scale.sigma;

        let log_accepted = scale.bounds.map_or(0.0, |bounds| log_mass(&weights, &mus, &sigmas, bounds));
        Self { scale, weights, mus, sigmas, log_accepted }
    }

    /// The logarithm of the density at `x`, or of the probability of `x` where there are steps.
    ///
    /// Without steps on a logarithmic scale it is not divided by the mass within the bounds: hyperopt forgets to. The
    /// factor is the same for all `x`, so the choice among candidates is too.
    pub fn log_density(&self, x: f64) -> f64 {
        if let Some(step) = self.scale.step {
            let (left, right) = self.scale.cell(x, step);
            if left >= right {
                return f64::NEG_INFINITY;
            }
            return log_mass(&self.weights, &self.mus, &self.sigmas, (left, right)) - self.log_accepted;
        }
        let z = self.scale.inner(x);
        let mut logs = Vec::with_capacity(self.mus.len());
        for ((weight, mu), sigma) in self.weights.iter().zip(&self.mus).zip(&self.sigmas) {
            logs.push(libm::log(weight / sigma) + normal::log_density((z - mu) / sigma));
        }
        let log_density = log_sum_exp(&logs);
        // d ln x / dx = 1 / x.
        if self.scale.log { log_density - z } else { log_density - self.log_accepted }
    }

    /// A value at random.
    pub fn sample(&self, random: &mut Stream) -> f64 {
        loop {
            let kernel = pick(&self.weights, random.uniform());
            let z = self.mus[kernel] + self.sigmas[kernel] * random.normal();
            if self.scale.bounds.is_none_or(|(low, high)| low <= z && z < high) {
                return self.scale.outer(z);
            }
        }
    }
}

/// The logarithm of a mixture's mass between two ends.
fn log_mass(weights: &[f64], mus: &[f64], sigmas: &[f64], (left, right): (f64, f64)) -> f64 {
    let kernels = weights.iter().zip(mus).zip(sigmas);
    let masses = kernels.map(|((weight, mu), sigma)| {
        libm::log(*weight) + normal::log_mass((left - mu) / sigma, (right - mu) / sigma)
    });
    log_sum_exp(&masses.collect::<Vec<_>>())
}
