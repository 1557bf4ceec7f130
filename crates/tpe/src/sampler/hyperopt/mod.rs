//! The sampler of hyperopt 0.3 (`tpe.suggest`), for comparison.

mod choices;
mod estimator;
mod parzen;
mod scale;
#[cfg(test)]
mod tests;

use estimator::Estimator;

use super::ratio::Ratio;
use super::split::{Split, column};
use super::{Ask, Exhausted, Sampler, Suggestion};
use crate::history::{Observation, Outcome};
use crate::rng::{Purpose, Stream};
use crate::space::Domain;

/// hyperopt's tree of Parzen estimators: one parameter at a time, parents first (Bergstra, Bardenet, Bengio and Kégl
/// 2011, with the bandwidths of Bergstra, Yamins and Cox 2013).
///
/// The densities are hyperopt's own to the last digits; the random numbers are not. Of the domains, `float` is its
/// `uniform` (`loguniform`, `quniform`), `int` its `uniformint` (`qloguniform`), `ordinal` its `uniformint` over the
/// indices, `categorical` its `choice`, and `normal` its `normal` (`lognormal`, `qnormal`, `qlognormal`). Three things
/// differ at the edges:
///
/// - hyperopt rounds to multiples of the step, which may lie beyond the bounds, and its normal parameters have none.
///   Here the value that was chosen is clipped to the bounds of the domain.
/// - Multiples of the step are counted from the lower bound. In hyperopt they are counted from 0, which is the same
///   where the bound is a multiple.
/// - The order of equal losses is that of the trials. In hyperopt it is the order that NumPy's sort happens to leave.
///
/// Whatever has no loss, being evaluated, pruned or failed, is as bad as can be, and so is what breaks its constraints,
/// which hyperopt does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hyperopt {
    /// Below this number of known trials, pending ones included, points are drawn from the prior.
    pub startup: usize,
    /// How many values are drawn of which the best is taken; 0 counts as 1.
    pub candidates: usize,
}

impl Default for Hyperopt {
    /// As in hyperopt: 20 and 24.
    fn default() -> Self {
        Self { startup: 20, candidates: 24 }
    }
}

impl Sampler for Hyperopt {
    fn name(&self) -> &'static str {
        "hyperopt"
    }

    fn suggest(&self, ask: &Ask<'_>) -> Result<Suggestion, Exhausted> {
        let mut random = Stream::new(ask.seed, Purpose::Suggest, ask.number);
        let observations = ask.history.observations();
        let known: Vec<_> = observations.iter().filter(|other| other.number != ask.number).collect();
        let domain = |index: usize| ask.space.nodes()[index].domain();
        let clip = |index: usize, x: f64| {
            let (low, high) = domain(index).bounds();
            x.clamp(low, high)
        };
        if known.len() < self.startup {
            let point = ask.walk(|index| clip(index, estimator::draw_prior(domain(index), &mut random)));
            return Ok(Suggestion::unweighed(point));
        }
        let split = split(known);
        let mut reasons = vec![f64::NAN; ask.space.len()];
        let point = ask.space.walk(|index| {
            let ratio = ratio(domain(index), &split, index);
            let fixed = ask.fixed[index];
            let x = if fixed.is_nan() { ratio.best(self.candidates, &mut random) } else { fixed };
            reasons[index] = ratio.log(&x);
            clip(index, x)
        });
        Ok(Suggestion { point, reasons })
    }
}

/// The best `⌈√N / 4⌉` of `N` trials, at most 25, and the others.
fn split(mut known: Vec<&Observation>) -> Split<'_> {
    let loss = |observation: &Observation| match observation.outcome {
        // Zeros are equal, whatever their sign.
        Outcome::Complete { loss } if observation.violation == 0.0 => loss + 0.0,
        _ => f64::INFINITY,
    };
    known.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let n_below = (0.25 * (known.len() as f64).sqrt()).ceil().min(25.0) as usize;
    Split::new(known, n_below)
}

/// The densities of parameter `index`.
fn ratio(domain: &Domain, split: &Split<'_>, index: usize) -> Ratio<Estimator> {
    let fit = |observations: &[&Observation]| Estimator::fit(domain, &column(observations, index));
    Ratio { below: fit(&split.below), above: fit(&split.above) }
}
