//! A parameter as Optuna sees it.

use crate::rng::Stream;
use crate::space::Domain;

/// One axis of a joint density.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Axis {
    /// Choices without an order.
    Choice {
        /// How many.
        count: usize,
    },
    /// Numbers.
    Number(Number),
}

/// Numbers from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    low: f64,
    high: f64,
    /// Whether the scale is logarithmic.
    pub log: bool,
    /// Only `low + i·step`, where given.
    pub step: Option<f64>,
}

impl Axis {
    /// The axis of `domain`.
    pub fn new(domain: &Domain) -> Self {
        let (low, high) = domain.bounds();
        let (log, step) = match *domain {
            Domain::Categorical { ref choices } => return Self::Choice { count: choices.len() },
            Domain::Ordinal { .. } => (false, Some(1.0)),
            Domain::Int { log, step, .. } => (log, Some(step as f64)),
            Domain::Float { log, step, .. } => (log, step),
            Domain::Normal { log, step, .. } => (log && step.is_none(), step),
        };
        Self::Number(Number { low, high, log, step })
    }

    /// A value before anything is known.
    pub fn draw_prior(&self, random: &mut Stream) -> f64 {
        match self {
            Self::Choice { count } => random.below(*count) as f64,
            Self::Number(number) => {
                let (low, high) = number.range();
                number.outer(low + random.uniform() * (high - low))
            }
        }
    }
}

impl Number {
    /// The ends of the scale: those of the outermost cells where there are steps.
    pub fn range(&self) -> (f64, f64) {
        let half = 0.5 * self.step.unwrap_or(0.0);
        (self.inner(self.low - half), self.inner(self.high + half))
    }

    /// The ends, on the scale, of the cell around `x`.
    pub fn cell(&self, x: f64, step: f64) -> (f64, f64) {
        (self.inner(x - 0.5 * step), self.inner(x + 0.5 * step))
    }

    /// The place of `x` on the scale.
    pub fn inner(&self, x: f64) -> f64 {
        if self.log { libm::log(x) } else { x }
    }

    /// The value at a place of the scale.
    pub fn outer(&self, z: f64) -> f64 {
        let x = if self.log { libm::exp(z) } else { z };
        let x = self.step.map_or(x, |step| self.low + ((x - self.low) / step).round_ties_even() * step);
        x.clamp(self.low, self.high)
    }
}
