//! Asynchronous successive halving.

use std::sync::OnceLock;

use super::error::{PrunerError, require};
use super::{Pruner, Race, Verdict};
use crate::json;
use crate::trial::{Direction, State, Trial};

/// The ladder of [`SuccessiveHalving`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuccessiveHalvingOptions {
    /// The step of the lowest rung. `None`: a hundredth of the longest complete trial, at least 1, as soon as a trial is
    /// complete.
    pub min_resource: Option<u64>,
    /// Of how many trials one goes on, and how many times the steps of a rung the next has; at least 2.
    pub reduction_factor: u64,
    /// How many of the lowest rungs are left out.
    pub min_early_stopping_rate: u64,
    /// Nothing goes on before more than so many trials have come to the rung.
    pub bootstrap_count: usize,
}

impl Default for SuccessiveHalvingOptions {
    fn default() -> Self {
        Self { min_resource: None, reduction_factor: 4, min_early_stopping_rate: 0, bootstrap_count: 0 }
    }
}

/// Lets at each rung of a ladder only the best of those go on that have come so far (ASHA, Li et al. 2020).
///
/// Rung `k` is at step `r·ηˢ⁺ᵏ`, with `r` the `min_resource`, `η` the `reduction_factor` and `s` the
/// `min_early_stopping_rate`. What a trial has when it comes there is noted as its system attribute
/// `completed_rung_{k}`, and the trial goes on if it is among the best `1/η` of all notes there, or the best one.
///
/// An estimated `min_resource` stays as it was first estimated for as long as this object lives; use an object for one
/// study.
#[derive(Debug, Clone)]
pub struct SuccessiveHalving {
    min_resource: OnceLock<u64>,
    reduction_factor: u64,
    min_early_stopping_rate: u64,
    bootstrap_count: usize,
}

const NAME: &str = "successive halving";

impl SuccessiveHalving {
    /// A ladder.
    ///
    /// # Errors
    /// A `min_resource` of 0, a `reduction_factor` below 2, or a `bootstrap_count` without `min_resource`.
    pub fn new(options: SuccessiveHalvingOptions) -> Result<Self, PrunerError> {
        let SuccessiveHalvingOptions {
            min_resource,
            reduction_factor,
            min_early_stopping_rate,
            bootstrap_count,
        } = options;
        require(min_resource != Some(0), NAME, "min_resource", 0.0, "at least 1")?;
        require(reduction_factor >= 2, NAME, "reduction_factor", reduction_factor as f64, "at least 2")?;
        if bootstrap_count > 0 && min_resource.is_none() {
            return Err(PrunerError::BootstrapWithoutResource {
                pruner: NAME,
                bootstrap_count,
                resource: "min_resource",
            });
        }
        let min_resource = min_resource.map_or_else(OnceLock::new, OnceLock::from);
        Ok(Self { min_resource, reduction_factor, min_early_stopping_rate, bootstrap_count })
    }

    /// The verdict on `trial` among `rivals`, of which it may be one.
    pub(super) fn judge_among(&self, rivals: &[&Trial], direction: Direction, trial: &Trial) -> Verdict {
        let mut verdict = Verdict::new(false);
        let Some((step, value)) = trial.last_report() else { return verdict };
        let Some(min_resource) = self.min_resource(rivals) else { return verdict };
        let first = (0..).find(|&rung| !trial.system_attrs.contains_key(&key(rung))).unwrap_or(0);
        for rung in first.. {
            if i128::from(step) < self.step(min_resource, rung) {
                return verdict;
            }
            if value.is_nan() {
                verdict.prune = true;
                return verdict;
            }
            let key = key(rung);
            let noted = rivals.iter().filter_map(|rival| json::as_f64(rival.system_attrs.get(&key)?));
            let mut losses: Vec<f64> = noted.chain([value]).map(|value| direction.loss(value)).collect();
            verdict.notes.insert(key, json::number(value));
            let promoted = (losses.len() as u64 / self.reduction_factor).max(1) as usize;
            let (_, worst, _) = losses.select_nth_unstable_by(promoted - 1, f64::total_cmp);
            let goes_on = direction.loss(value) <= *worst;
            if losses.len() <= self.bootstrap_count || !goes_on {
                verdict.prune = true;
                return verdict;
            }
        }
        verdict
    }

    /// The step of the lowest rung, if it is known or can be estimated.
    fn min_resource(&self, trials: &[&Trial]) -> Option<u64> {
        if let Some(&known) = self.min_resource.get() {
            return Some(known);
        }
        let longest = longest(trials.iter().copied())?;
        Some(*self.min_resource.get_or_init(|| (longest / 100).max(1).unsigned_abs()))
    }

    /// The step of a rung; beyond all steps where that is no number any more.
    fn step(&self, min_resource: u64, rung: u64) -> i128 {
        let exponent = u32::try_from(self.min_early_stopping_rate.saturating_add(rung)).unwrap_or(u32::MAX);
        let factor = i128::from(self.reduction_factor).checked_pow(exponent);
        factor.and_then(|factor| factor.checked_mul(i128::from(min_resource))).unwrap_or(i128::MAX)
    }
}

impl Pruner for SuccessiveHalving {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        let rivals: Vec<&Trial> = race.trials.iter().collect();
        self.judge_among(&rivals, race.direction, race.trial)
    }
}

/// The last step of the longest complete trial.
pub(super) fn longest<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> Option<i64> {
    let complete = trials.into_iter().filter(|trial| trial.state == State::Complete);
    complete.filter_map(|trial| trial.last_report()).map(|(step, _)| step).max()
}

/// The attribute in which a rung is noted.
fn key(rung: u64) -> String {
    format!("completed_rung_{rung}")
}
