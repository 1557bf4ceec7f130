//! What is known about one evaluation of the objective.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::distribution::Distribution;
use crate::value::Value;

/// Attributes of a study or of a trial.
pub type Attrs = BTreeMap<String, Json>;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smaller is better.
    #[default]
    Minimize,
    /// Greater is better.
    Maximize,
}

impl Direction {
    /// `value` such that smaller is better.
    pub fn loss(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }
}

/// Where a trial is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Being evaluated.
    Running,
    /// Evaluated.
    Complete,
    /// Given up early because it did not look good.
    Pruned,
    /// Its evaluation went wrong.
    Fail,
    /// Not begun; some of its parameters may be fixed.
    Waiting,
}

impl State {
    /// Whether nothing of the trial changes any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Pruned | Self::Fail)
    }
}

/// A parameter's value in a trial, with what it could have been.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The internal representation (see [`Distribution`]).
    pub internal: f64,
    /// The set it was chosen from.
    pub distribution: Distribution,
}

impl Param {
    /// The value as its user sees it.
    pub fn value(&self) -> Value {
        self.distribution.external(self.internal)
    }
}

/// The identity of a trial within a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialId(pub i64);

/// One evaluation of the objective, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its identity within the storage.
    pub id: TrialId,
    /// Its place in the study, from 0.
    pub number: u64,
    /// Where it is in its life.
    pub state: State,
    /// The results, one for each direction of the study; empty while there is none.
    pub values: Vec<f64>,
    /// The parameters by name.
    pub params: BTreeMap<String, Param>,
    /// Intermediate results by step.
    pub intermediate: BTreeMap<i64, f64>,
    /// What the user noted.
    pub user_attrs: Attrs,
    /// What samplers, pruners and the study noted.
    pub system_attrs: Attrs,
    /// When its evaluation began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}

impl Trial {
    /// The first result.
    pub fn value(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// The last step that was reported and its value.
    pub fn last_report(&self) -> Option<(i64, f64)> {
        self.intermediate.last_key_value().map(|(&step, &value)| (step, value))
    }

    /// The value of a parameter, if it was active.
    pub fn param(&self, name: &str) -> Option<Value> {
        self.params.get(name).map(Param::value)
    }
}
