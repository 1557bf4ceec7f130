//! The default sampler of Optuna 5 (`TPESampler`), for comparison.

mod axis;
mod kernels;
mod parzen;
mod rank;
#[cfg(test)]
mod tests;

use axis::Axis;
use parzen::Parzen;

use super::ratio::Ratio;
use super::split::{Split, rows};
use super::{Ask, Exhausted, Sampler, Suggestion};
use crate::history::{Observation, Outcome};
use crate::rng::{Purpose, Stream};
use crate::space::Space;

/// Optuna 5's tree of Parzen estimators, for one objective (Watanabe 2023 describes it; `group` is not offered).
///
/// The densities and the split are Optuna's own to the last digits; the random numbers are not. Ordinal parameters are
/// whole numbers from 0 to it, normal ones real numbers within their bounds; Optuna has neither.
///
/// Values that are settled beforehand are not part of the joint density, as under Optuna's `PartialFixedSampler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Optuna5 {
    /// Whether the parameters that every complete or pruned trial has are chosen together. The others, and all
    /// parameters if not, are chosen one at a time.
    pub multivariate: bool,
    /// Below this number of complete and pruned trials points are drawn from the prior.
    pub startup: usize,
    /// How many points are drawn of which the best is taken; 0 counts as 1.
    pub candidates: usize,
}

impl Default for Optuna5 {
    /// As in Optuna: multivariate, 10 and 24.
    fn default() -> Self {
        Self { multivariate: true, startup: 10, candidates: 24 }
    }
}

impl Sampler for Optuna5 {
    fn name(&self) -> &'static str {
        "optuna5"
    }

    fn suggest(&self, ask: &Ask<'_>) -> Result<Suggestion, Exhausted> {
        let mut random = Stream::new(ask.seed, Purpose::Suggest, ask.number);
        let observations = ask.history.observations();
        let known = || observations.iter().filter(|other| other.number != ask.number);
        if known().filter(|other| is_finished(other)).count() < self.startup {
            let point = ask.walk(|index| axis(ask.space, index).draw_prior(&mut random));
            return Ok(Suggestion::unweighed(point));
        }
        let split = rank::split(known());
        let mut reasons = vec![f64::NAN; ask.space.len()];
        let mut together = vec![f64::NAN; ask.space.len()];
        if self.multivariate {
            let mut indices = common(ask.space, known());
            indices.retain(|&index| ask.fixed[index].is_nan());
            if !indices.is_empty() {
                let ratio = ratio(ask.space, &split, &indices);
                let best = ratio.best(self.candidates, &mut random);
                for (place, (&index, &x)) in indices.iter().zip(&best).enumerate() {
                    together[index] = x;
                    reasons[index] = ratio.below.log_marginal(place, x) - ratio.above.log_marginal(place, x);
                }
            }
        }
        let point = ask.space.walk(|index| {
            if !together[index].is_nan() {
                return together[index];
            }
            let ratio = ratio(ask.space, &split, &[index]);
            let fixed = ask.fixed[index];
            let x = if fixed.is_nan() { ratio.best(self.candidates, &mut random)[0] } else { fixed };
            reasons[index] = ratio.log(&vec![x]);
            x
        });
        for (reason, _) in reasons.iter_mut().zip(&point).filter(|(_, x)| x.is_nan()) {
            *reason = f64::NAN;
        }
        Ok(Suggestion { point, reasons })
    }
}

fn is_finished(observation: &Observation) -> bool {
    matches!(observation.outcome, Outcome::Complete { .. } | Outcome::Pruned { .. })
}

/// The parameters that every complete or pruned trial has, Optuna's intersection search space.
fn common<'a>(space: &Space, known: impl Iterator<Item = &'a Observation>) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..space.len()).collect();
    for observation in known.filter(|other| is_finished(other)) {
        indices.retain(|&index| !observation.point[index].is_nan());
    }
    indices
}

fn axis(space: &Space, index: usize) -> Axis {
    Axis::new(space.nodes()[index].domain())
}

/// The joint densities of the parameters `indices`.
fn ratio(space: &Space, split: &Split<'_>, indices: &[usize]) -> Ratio<Parzen> {
    let axes: Vec<Axis> = indices.iter().map(|&index| axis(space, index)).collect();
    let fit = |observations: &[&Observation]| Parzen::fit(&axes, &rows(observations, indices));
    Ratio { below: fit(&split.below), above: fit(&split.above) }
}
