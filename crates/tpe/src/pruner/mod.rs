//! Giving up early on trials that do not look good. The rules are Optuna's, to the letter.
//!
//! Options have Optuna's names and defaults; what may not be negative has no sign. Pruners are for studies with one result.

mod error;
mod halving;
mod hyperband;
mod patient;
mod percentile;
mod schedule;
mod signed_rank;
mod threshold;
mod wilcoxon;

pub use error::PrunerError;
pub use halving::{SuccessiveHalving, SuccessiveHalvingOptions};
pub use hyperband::{Hyperband, HyperbandOptions};
pub use patient::Patient;
pub use percentile::{Median, Percentile, PercentileOptions};
pub use threshold::{Threshold, ThresholdOptions};
pub use wilcoxon::{Wilcoxon, WilcoxonOptions};

use crate::trial::{Attrs, Direction, Trial};

/// What a pruner sees.
#[derive(Debug, Clone, Copy)]
pub struct Race<'a> {
    /// The study's name.
    pub study: &'a str,
    /// Which way is better.
    pub direction: Direction,
    /// All trials of the study, by number, the one in question included.
    pub trials: &'a [Trial],
    /// The one in question.
    pub trial: &'a Trial,
}

/// What a pruner says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verdict {
    /// Whether to give up.
    pub prune: bool,
    /// System attributes that the trial gets.
    pub notes: Attrs,
}

impl Verdict {
    /// Giving up or not, without notes.
    pub fn new(prune: bool) -> Self {
        Self { prune, notes: Attrs::new() }
    }
}

/// A rule by which running trials are given up.
pub trait Pruner: Send + Sync {
    /// Whether to give up `race.trial` after its last report.
    fn judge(&self, race: &Race<'_>) -> Verdict;

    /// The group of trials of the study named `study` among which trial `number` is judged; one group for all, unless the
    /// rule says otherwise. A sampler may restrict itself to what happened in the trial's own bracket, because elsewhere
    /// trials are given up after other numbers of steps.
    fn bracket(&self, study: &str, number: u64) -> usize {
        let _ = (study, number);
        0
    }
}

/// Never gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nop;

impl Pruner for Nop {
    fn judge(&self, _: &Race<'_>) -> Verdict {
        Verdict::new(false)
    }
}

impl<P: Pruner + 'static> From<P> for Box<dyn Pruner> {
    fn from(pruner: P) -> Self {
        Box::new(pruner)
    }
}
