//! Giving up on what leaves its bounds.

use super::error::PrunerError;
use super::schedule::Schedule;
use super::{Pruner, Race, Verdict};

/// What [`Threshold`] allows, and when it judges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdOptions {
    /// The least value allowed.
    pub lower: Option<f64>,
    /// The greatest value allowed.
    pub upper: Option<f64>,
    /// Nothing is given up before this step.
    pub n_warmup_steps: u64,
    /// From there on, once in so many steps; at least 1.
    pub interval_steps: u64,
}

impl Default for ThresholdOptions {
    fn default() -> Self {
        Self { lower: None, upper: None, n_warmup_steps: 0, interval_steps: 1 }
    }
}

/// Gives up on a trial whose last intermediate value is NaN or out of bounds, whichever direction is better.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    lower: f64,
    upper: f64,
    schedule: Schedule,
}

impl Threshold {
    /// Allows what lies between the bounds, which are included.
    ///
    /// # Errors
    /// No bound, bounds that are NaN or out of order, or an interval of 0.
    pub fn new(options: ThresholdOptions) -> Result<Self, PrunerError> {
        if options.lower.is_none() && options.upper.is_none() {
            return Err(PrunerError::NoThreshold);
        }
        let lower = options.lower.unwrap_or(f64::NEG_INFINITY);
        let upper = options.upper.unwrap_or(f64::INFINITY);
        if lower.is_nan() || upper.is_nan() || lower > upper {
            return Err(PrunerError::ThresholdsCrossed { lower, upper });
        }
        let schedule = Schedule::new("threshold", options.n_warmup_steps, options.interval_steps)?;
        Ok(Self { lower, upper, schedule })
    }
}

impl Pruner for Threshold {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        let last = self.schedule.due(race.trial);
        Verdict::new(last.is_some_and(|(_, value)| !(self.lower..=self.upper).contains(&value)))
    }
}
