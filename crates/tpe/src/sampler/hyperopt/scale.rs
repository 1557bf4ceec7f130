//! The scale of a numeric parameter.

use crate::rng::Stream;
use crate::space::Domain;

/// What stands for zero where a logarithm is needed; hyperopt's densities have nothing below.
pub(super) const ZERO: f64 = 1e-12;

/// A scale on which kernels are normal, and the prior on it.
///
/// `mu`, `sigma` and `bounds` are on the scale, that is, logarithms where `log`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// The centre of the prior.
    pub mu: f64,
    /// The deviation of the prior; for a bounded parameter its whole range.
    pub sigma: f64,
    /// The bounds, unless the prior is normal.
    pub bounds: Option<(f64, f64)>,
    /// Whether the scale is logarithmic.
    pub log: bool,
    /// The distance of discrete values, not on the scale.
    pub step: Option<f64>,
    /// One of the discrete values.
    origin: f64,
}

impl Scale {
    /// The scale of `domain`; `None` for choices without an order.
    pub fn new(domain: &Domain) -> Option<Self> {
        Some(match *domain {
            Domain::Float { low, high, log, step } => Self::bounded(low, high, log, step),
            Domain::Int { low, high, log, step } => {
                Self::bounded(low as f64, high as f64, log, Some(step as f64))
            }
            Domain::Ordinal { ref choices } if choices.len() > 1 => {
                Self::bounded(0.0, choices.len() as f64 - 1.0, false, Some(1.0))
            }
            // A single choice leaves no range to have a density on.
            Domain::Ordinal { .. } | Domain::Categorical { .. } => return None,
            Domain::Normal { mu, sigma, log, step } => {
                Self { mu, sigma, bounds: None, log, step, origin: 0.0 }
            }
        })
    }

    fn bounded(low: f64, high: f64, log: bool, step: Option<f64>) -> Self {
        let origin = if log { 0.0 } else { low };
        let (low, high) = if log { (libm::log(low), libm::log(high)) } else { (low, high) };
        Self { mu: 0.5 * (high + low), sigma: high - low, bounds: Some((low, high)), log, step, origin }
    }

    /// The place of an observed value on the scale. Rounding may have moved it below the bound of a logarithm.
    pub fn inner(&self, x: f64) -> f64 {
        if !self.log {
            return x;
        }
        if self.step.is_none() {
            return libm::log(x);
        }
        let least = self.bounds.map_or(0.0, |(low, _)| libm::exp(low));
        libm::log(x.max(ZERO.max(least)))
    }

    /// The value at a place of the scale.
    pub fn outer(&self, z: f64) -> f64 {
        let x = if self.log { libm::exp(z) } else { z };
        self.step.map_or(x, |step| self.origin + ((x - self.origin) / step).round_ties_even() * step)
    }

    /// The ends, on the scale, of what is rounded to `x`.
    pub fn cell(&self, x: f64, step: f64) -> (f64, f64) {
        let end = |x: f64| if self.log { libm::log(x.max(ZERO)) } else { x };
        let (left, right) = (end(x - 0.5 * step), end(x + 0.5 * step));
        self.bounds.map_or((left, right), |(low, high)| (left.max(low), right.min(high)))
    }

    /// A value before anything is known: uniform or normal on the scale, rounded.
    pub fn draw_prior(&self, random: &mut Stream) -> f64 {
        self.outer(match self.bounds {
            Some((low, high)) => low + random.uniform() * (high - low),
            None => self.mu + self.sigma * random.normal(),
        })
    }
}
