//! Successive halving with several lowest rungs at once.

use std::sync::OnceLock;

use super::error::{PrunerError, require};
use super::halving::{SuccessiveHalving, SuccessiveHalvingOptions, longest};
use super::{Pruner, Race, Verdict};
use crate::trial::Trial;

/// The brackets of [`Hyperband`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HyperbandOptions {
    /// The step of the lowest rung of all; at least 1.
    pub min_resource: u64,
    /// How many steps a trial has at most; at least 1. `None`: as many as the longest complete trial, as soon as a trial
    /// is complete.
    pub max_resource: Option<u64>,
    /// Of how many trials one goes on, and how many times the steps of a rung the next has; at least 2.
    pub reduction_factor: u64,
    /// Nothing goes on before more than so many trials of a bracket have come to the rung.
    pub bootstrap_count: usize,
}

impl Default for HyperbandOptions {
    fn default() -> Self {
        Self { min_resource: 1, max_resource: None, reduction_factor: 3, bootstrap_count: 0 }
    }
}

/// [`SuccessiveHalving`] in several brackets, of which bracket `b` leaves out the lowest `b` rungs (Li et al. 2018).
///
/// A hash of the study's name and a trial's number decides on the trial's bracket: see [`Hyperband::bracket`]. Trials of
/// different brackets do not compete. There are `⌊log_η(R/r)⌋ + 1` brackets, with `r` the `min_resource`, `R` the
/// `max_resource` and `η` the `reduction_factor`; with `R < r` there are none, and nothing is given up.
///
/// An estimated `max_resource` stays as it was first estimated for as long as this object lives; use an object for one
/// study.
#[derive(Debug, Clone)]
pub struct Hyperband {
    min_resource: u64,
    max_resource: Option<u64>,
    reduction_factor: u64,
    bootstrap_count: usize,
    brackets: OnceLock<Vec<Bracket>>,
}

#[derive(Debug, Clone)]
struct Bracket {
    /// Its share of the trials, relative to the other brackets.
    budget: u128,
    rule: SuccessiveHalving,
}

const NAME: &str = "hyperband";

impl Hyperband {
    /// Brackets.
    ///
    /// # Errors
    /// A `min_resource` or `max_resource` of 0, a `reduction_factor` below 2, or a `bootstrap_count` without
    /// `max_resource`.
    pub fn new(options: HyperbandOptions) -> Result<Self, PrunerError> {
        let HyperbandOptions { min_resource, max_resource, reduction_factor, bootstrap_count } = options;
        require(min_resource >= 1, NAME, "min_resource", 0.0, "at least 1")?;
        require(max_resource != Some(0), NAME, "max_resource", 0.0, "at least 1")?;
        require(reduction_factor >= 2, NAME, "reduction_factor", reduction_factor as f64, "at least 2")?;
        if bootstrap_count > 0 && max_resource.is_none() {
            return Err(PrunerError::BootstrapWithoutResource {
                pruner: NAME,
                bootstrap_count,
                resource: "max_resource",
            });
        }
        let brackets = OnceLock::new();
        Ok(Self { min_resource, max_resource, reduction_factor, bootstrap_count, brackets })
    }

    /// The brackets, if they are known or can be estimated.
    fn brackets(&self, trials: &[Trial]) -> Option<&[Bracket]> {
        if let Some(known) = self.brackets.get() {
            return Some(known);
        }
        let max_resource = self
            .max_resource
            .or_else(|| longest(trials).map(|last| last.unsigned_abs().saturating_add(1)))?;
        let count = count(self.min_resource, max_resource, self.reduction_factor);
        let rule = |index| {
            SuccessiveHalving::new(SuccessiveHalvingOptions {
                min_resource: Some(self.min_resource),
                reduction_factor: self.reduction_factor,
                min_early_stopping_rate: u64::from(index),
                bootstrap_count: self.bootstrap_count,
            })
        };
        let bracket = |index| {
            // ⌈B·ηˢ/(s + 1)⌉, with B brackets and s further ones above this one.
            let above = count - 1 - index;
            let trials =
                u128::from(self.reduction_factor).saturating_pow(above).saturating_mul(u128::from(count));
            Some(Bracket { budget: trials.div_ceil(u128::from(above) + 1), rule: rule(index).ok()? })
        };
        Some(self.brackets.get_or_init(|| (0..count).map_while(bracket).collect()))
    }
}

impl Pruner for Hyperband {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        let Some(brackets) = self.brackets(race.trials) else { return Verdict::new(false) };
        let own = self.bracket(race.study, race.trial.number);
        let Some(bracket) = brackets.get(own) else { return Verdict::new(false) };
        let rivals: Vec<&Trial> =
            race.trials.iter().filter(|trial| self.bracket(race.study, trial.number) == own).collect();
        bracket.rule.judge_among(&rivals, race.direction, race.trial)
    }

    /// The CRC-32 of `{study}_{number}`, modulo the sum of the budgets, falls into the budget of one bracket. Without
    /// brackets, which is so until the first judgement after a trial is complete, the bracket is 0.
    fn bracket(&self, study: &str, number: u64) -> usize {
        let brackets = self.brackets.get().map_or(&[][..], Vec::as_slice);
        let total = brackets.iter().fold(0, |sum: u128, bracket| sum.saturating_add(bracket.budget));
        let hash = u128::from(crc32fast::hash(format!("{study}_{number}").as_bytes()));
        let Some(mut place) = hash.checked_rem(total) else { return 0 };
        for (index, bracket) in brackets.iter().enumerate() {
            match place.checked_sub(bracket.budget) {
                Some(beyond) => place = beyond,
                None => return index,
            }
        }
        0
    }
}

/// How many brackets there are, by the quotient of two logarithms and with its rounding: 243 = 3⁵ gives `log₃` a little
/// below 5, so 5 brackets and not 6.
fn count(min_resource: u64, max_resource: u64, reduction_factor: u64) -> u32 {
    let ratio = max_resource as f64 / min_resource as f64;
    // The system's logarithm, because that is Python's.
    let rungs = ratio.ln() / (reduction_factor as f64).ln();
    (rungs.floor() + 1.0) as u32
}

#[cfg(test)]
mod tests {
    use serde_json::Value as Json;

    use super::count;

    #[test]
    fn the_number_of_brackets_is_that_of_optuna() {
        let table: Json = serde_json::from_str(include_str!("../../tests/golden/pruners.json")).unwrap();
        let mut cases = 0;
        for row in table["brackets"].as_array().unwrap() {
            let numbers: Vec<u64> = row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
            let [min, max, eta, expected] = numbers[..] else { panic!("{row}") };
            assert_eq!(u64::from(count(min, max, eta)), expected, "min {min}, max {max}, eta {eta}");
            cases += 1;
        }
        assert!(cases > 500, "{cases}");
    }
}
