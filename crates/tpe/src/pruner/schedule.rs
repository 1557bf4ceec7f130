//! At which reports a rule looks.

use super::error::{PrunerError, require};
use crate::trial::Trial;

/// A rule looks at step `warmup`, and then once in each `interval` steps, whenever the first report of the interval comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedule {
    warmup: i64,
    interval: i64,
}

impl Schedule {
    pub(super) fn new(pruner: &'static str, warmup: u64, interval: u64) -> Result<Self, PrunerError> {
        require(interval >= 1, pruner, "interval_steps", interval as f64, "at least 1")?;
        // Steps are stored with a sign; what is beyond them is never reached.
        let step = |steps| i64::try_from(steps).unwrap_or(i64::MAX);
        Ok(Self { warmup: step(warmup), interval: step(interval) })
    }

    /// The last report of `trial`, if it is the first one of its interval.
    pub(super) fn due(&self, trial: &Trial) -> Option<(i64, f64)> {
        let mut reports = trial.intermediate.iter().rev();
        let (&step, &value) = reports.next()?;
        if step < self.warmup {
            return None;
        }
        let start = step - (step - self.warmup) % self.interval;
        reports.next().is_none_or(|(&earlier, _)| earlier < start).then_some((step, value))
    }
}
