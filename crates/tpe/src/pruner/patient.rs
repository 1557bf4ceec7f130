//! Giving up only on what has stopped to improve.

use super::error::{PrunerError, require};
use super::{Pruner, Race, Verdict};

/// Lets another rule give up on a trial only while the trial does not improve.
///
/// A trial does not improve if the best of its last `patience + 1` intermediate values is worse, by more than
/// `min_delta`, than the best before them. NaN is no value; without values on either side nothing is given up.
pub struct Patient {
    wrapped: Option<Box<dyn Pruner>>,
    patience: usize,
    min_delta: f64,
}

impl Patient {
    /// Restrains `wrapped`; without it, gives up on whatever does not improve.
    ///
    /// # Errors
    /// A `min_delta` that is negative or NaN.
    pub fn new(
        wrapped: Option<Box<dyn Pruner>>,
        patience: usize,
        min_delta: f64,
    ) -> Result<Self, PrunerError> {
        require(min_delta >= 0.0, "patient", "min_delta", min_delta, "at least 0")?;
        Ok(Self { wrapped, patience, min_delta })
    }

    fn has_stalled(&self, race: &Race<'_>) -> bool {
        let losses: Vec<f64> = race.trial.intermediate.values().map(|&v| race.direction.loss(v)).collect();
        let Some(earlier) = losses.len().checked_sub(self.patience).and_then(|n| n.checked_sub(1)) else {
            return false;
        };
        let (before, after) = losses.split_at(earlier);
        let best = |losses: &[f64]| losses.iter().copied().fold(f64::NAN, f64::min);
        // With NaN on either side this is false.
        best(before) + self.min_delta < best(after)
    }
}

impl Pruner for Patient {
    fn judge(&self, race: &Race<'_>) -> Verdict {
        match &self.wrapped {
            _ if !self.has_stalled(race) => Verdict::new(false),
            Some(wrapped) => wrapped.judge(race),
            None => Verdict::new(true),
        }
    }

    fn bracket(&self, study: &str, number: u64) -> usize {
        self.wrapped.as_ref().map_or(0, |wrapped| wrapped.bracket(study, number))
    }
}
