//! Giving up on what is worse than a share of the completed trials were at the same step.

use super::error::{PrunerError, require};
use super::schedule::Schedule;
use super::{Pruner, Race, Verdict};
use crate::trial::{Direction, State};

/// When [`Percentile`] and [`Median`] judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PercentileOptions {
    /// Nothing is given up before so many trials are complete.
    pub n_startup_trials: usize,
    /// Nothing is given up before this step.
    pub n_warmup_steps: u64,
    /// From there on, once in so many steps; at least 1.
    pub interval_steps: u64,
    /// How many of the completed trials must have reported the step; at least 1.
    pub n_min_trials: usize,
}

impl Default for PercentileOptions {
    fn default() -> Self {
        Self { n_startup_trials: 5, n_warmup_steps: 0, interval_steps: 1, n_min_trials: 1 }
    }
}

/// Gives up on a trial whose best intermediate value is worse than a percentile of the completed trials' values at the
/// same step.
///
/// NaN is no value; a trial that has reported nothing else is given up.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentile {
    percentile: f64,
    schedule: Schedule,
    n_startup_trials: usize,
    n_min_trials: usize,
}

impl Percentile {
    /// Keeps the best `percentile` per cent: with 25 the best quarter.
    ///
    /// # Errors
    /// A percentile that is not from 0 to 100; an interval or a least number of trials of 0.
    pub fn new(percentile: f64, options: PercentileOptions) -> Result<Self, PrunerError> {
        let PercentileOptions { n_startup_trials, n_warmup_steps, interval_steps, n_min_trials } = options;
        let name = "percentile";
        require((0.0..=100.0).contains(&percentile), name, "percentile", percentile, "from 0 to 100")?;
        require(n_min_trials >= 1, name, "n_min_trials", n_min_trials as f64, "at least 1")?;
        let schedule = Schedule::new(name, n_warmup_steps, interval_steps)?;
        Ok(Self { percentile, schedule, n_startup_trials, n_min_trials })
    }

    fn prunes(&self, race: &Race<'_>) -> bool {
        let complete = || race.trials.iter().filter(|trial| trial.state == State::Complete);
        let count = complete().count();
        if count == 0 || count < self.n_startup_trials {
            return false;
        }
        let Some((step, _)) = self.schedule.due(race.trial) else { return false };
        let numbers = race.trial.intermediate.values().copied().filter(|value| !value.is_nan());
        let Some(best) = numbers.min_by(|&a, &b| race.direction.loss(a).total_cmp(&race.direction.loss(b)))
        else {
            return true;
        };
        let others: Vec<f64> =
            complete().filter_map(|trial| trial.intermediate.get(&step).copied()).collect();
        if others.len() < self.n_min_trials {
            return false;
        }
        // A percentile that is NaN is beaten by everything.
        match race.direction {
            Direction::Minimize => best > percentile(others, self.percentile),
            Direction::Maximize => best < percentile(others, 100.0 - self.percentile),
        }
    }
}

impl Pruner for Percentile {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        Verdict::new(self.prunes(race))
    }
}

/// Gives up on a trial whose best intermediate value is worse than the median of the completed trials' values at the same
/// step: [`Percentile`] with 50.
#[derive(Debug, Clone, PartialEq)]
pub struct Median(Percentile);

impl Median {
    /// Keeps the better half.
    ///
    /// # Errors
    /// An interval or a least number of trials of 0.
    pub fn new(options: PercentileOptions) -> Result<Self, PrunerError> {
        Percentile::new(50.0, options).map(Self)
    }
}

impl Pruner for Median {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        self.0.judge(race)
    }
}

/// The value below which `percent` per cent of `values` lie, interpolated linearly, as NumPy's `nanpercentile` has it:
/// NaN without values, and between infinite ones.
fn percentile(mut values: Vec<f64>, percent: f64) -> f64 {
    values.retain(|value| !value.is_nan());
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let place = last as f64 * (percent / 100.0);
    let below = place.floor() as usize;
    let (low, high) = (values[below.min(last)], values[(below + 1).min(last)]);
    let (share, width) = (place - place.floor(), high - low);
    // From the nearer end, so that either end is met exactly.
    if share < 0.5 { low + width * share } else { high - width * (1.0 - share) }
}
