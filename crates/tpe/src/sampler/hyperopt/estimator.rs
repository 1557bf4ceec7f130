//! The density of one parameter.

use super::choices::Choices;
use super::parzen::Parzen;
use super::scale::Scale;
use crate::rng::Stream;
use crate::sampler::ratio::Density;
use crate::space::Domain;

/// The density of one parameter given some of its values.
#[derive(Debug, Clone)]
pub(super) enum Estimator {
    /// Of a number, or of the index of an ordinal choice.
    Number(Parzen),
    /// Of a choice without an order.
    Choice(Choices),
}

impl Estimator {
    /// The density after `observations`, oldest first.
    pub fn fit(domain: &Domain, observations: &[f64]) -> Self {
        match Scale::new(domain) {
            Some(scale) => Self::Number(Parzen::fit(scale, observations)),
            None => Self::Choice(Choices::fit(domain.cardinality().unwrap_or(1), observations)),
        }
    }
}

impl Density for Estimator {
    type Point = f64;

    fn log_density(&self, x: &f64) -> f64 {
        match self {
            Self::Number(parzen) => parzen.log_density(*x),
            Self::Choice(choices) => choices.log_density(*x),
        }
    }

    fn sample(&self, random: &mut Stream) -> f64 {
        match self {
            Self::Number(parzen) => parzen.sample(random),
            Self::Choice(choices) => choices.sample(random),
        }
    }
}

/// A value before anything is known.
pub(super) fn draw_prior(domain: &Domain, random: &mut Stream) -> f64 {
    match Scale::new(domain) {
        Some(scale) => scale.draw_prior(random),
        None => Choices::fit(domain.cardinality().unwrap_or(1), &[]).sample(random),
    }
}
