//! Giving up on what is significantly worse than the best trial, step by step.

use std::collections::BTreeMap;

use super::error::{PrunerError, require};
use super::signed_rank::p_value;
use super::{Pruner, Race, Verdict};

/// How sure [`Wilcoxon`] must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WilcoxonOptions {
    /// The probability, from 0 to 1, below which being worse is no chance.
    pub p_threshold: f64,
    /// How many steps both trials must have reported; 2 at least, whatever is said here.
    pub n_startup_steps: usize,
}

impl Default for WilcoxonOptions {
    fn default() -> Self {
        Self { p_threshold: 0.1, n_startup_steps: 2 }
    }
}

/// Gives up on a trial that is worse than the best complete one by Wilcoxon's signed-rank test over the steps that both
/// have reported, unless its mean is no worse than the best one's.
///
/// For objectives that are means over instances or folds, with one step for each; the order of steps does not matter.
/// The best trial is the best among those that keep their constraints. NaN and infinite values, in the trial or in the
/// best one, forbid a judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Wilcoxon {
    options: WilcoxonOptions,
}

impl Wilcoxon {
    /// A test.
    ///
    /// # Errors
    /// A threshold that is not from 0 to 1.
    pub fn new(options: WilcoxonOptions) -> Result<Self, PrunerError> {
        let p = options.p_threshold;
        require((0.0..=1.0).contains(&p), "wilcoxon", "p_threshold", p, "from 0 to 1")?;
        Ok(Self { options })
    }

    fn prunes(&self, race: &Race<'_>) -> Option<bool> {
        let own = &race.trial.intermediate;
        let other = &race.direction.best(race.trials)?.intermediate;
        let finite = |value: &f64| value.is_finite();
        if own.is_empty() || other.is_empty() || !own.values().chain(other.values()).all(finite) {
            return None;
        }
        let loss = |value: f64| race.direction.loss(value);
        let pairs = own.iter().filter_map(|(step, &value)| Some(loss(value) - loss(*other.get(step)?)));
        let differences: Vec<f64> = pairs.collect();
        if differences.len() < self.options.n_startup_steps.max(2) {
            return None;
        }
        let mean = |values: &BTreeMap<i64, f64>| {
            values.values().map(|&value| loss(value)).sum::<f64>() / values.len() as f64
        };
        Some(p_value(&differences) < self.options.p_threshold && mean(own) > mean(other))
    }
}

impl Pruner for Wilcoxon {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        Verdict::new(self.prunes(race).unwrap_or(false))
    }
}
