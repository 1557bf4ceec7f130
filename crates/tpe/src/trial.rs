//! What is known about one evaluation of the objective.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::distribution::Distribution;
use crate::objection::visible;
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

    /// The complete trial with the best value of those that keep their constraints, the earliest of equals.
    pub(crate) fn best(self, trials: &[Trial]) -> Option<&Trial> {
        let complete = trials.iter().filter(|trial| trial.state == State::Complete && trial.is_feasible());
        // Zeros are equal, whatever their sign.
        let losses = complete.filter_map(|trial| Some((self.loss(trial.value()?) + 0.0, trial)));
        let losses = losses.filter(|(loss, _)| !loss.is_nan());
        losses.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, trial)| trial)
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minimize => "minimize",
            Self::Maximize => "maximize",
        })
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
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Fail => "failed",
            Self::Waiting => "waiting",
        }
    }

    /// Whether nothing of the trial changes any more.
    pub fn is_finished(self) -> bool {
        matches!(self, Self::Complete | Self::Pruned | Self::Fail)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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

/// The system attribute of a trial with its constraints in a list, as Optuna's `constraints_func` leaves them.
const CONSTRAINTS: &str = "constraints";

/// The system attribute of a trial with the constraint `name`, as Optuna's `set_constraint` leaves it.
pub(crate) fn constraint_key(name: &str) -> String {
    format!("{CONSTRAINTS}:{name}")
}

impl Trial {
    /// The constraints by name, numbers that should be at most 0. Those that are stored as a list are named `0`, `1`, ...;
    /// where both forms have a name, the single constraint counts. What is no number is NaN.
    pub fn constraints(&self) -> BTreeMap<String, f64> {
        let number = |value: &Json| crate::json::as_f64(value).unwrap_or(f64::NAN);
        let mut constraints = BTreeMap::new();
        // The list comes before `constraints:NAME`.
        for (key, value) in self.system_attrs.range(CONSTRAINTS.to_owned()..) {
            match (key.strip_prefix(CONSTRAINTS), value) {
                (None, _) => break,
                (Some(""), Json::Null) => {}
                (Some(""), Json::Array(list)) => {
                    constraints
                        .extend(list.iter().enumerate().map(|(i, value)| (i.to_string(), number(value))));
                }
                (Some(""), _) => _ = constraints.insert("0".to_owned(), f64::NAN),
                (Some(rest), value) => {
                    constraints.extend(rest.strip_prefix(':').map(|name| (name.to_owned(), number(value))));
                }
            }
        }
        constraints
    }

    /// Whether the trial keeps all of its constraints.
    pub fn is_feasible(&self) -> bool {
        self.violation() == 0.0
    }

    /// By how much the trial breaks its constraints: the sum of the positive ones, infinite if one is no number.
    pub(crate) fn violation(&self) -> f64 {
        let broken = |value: f64| if value.is_nan() { f64::INFINITY } else { value.max(0.0) };
        self.constraints().into_values().map(broken).sum()
    }

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

impl fmt::Display for Trial {
    /// One line: number, state, results, parameters, and the constraints if it breaks one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trial {}: {}", self.number, self.state)?;
        for (place, value) in self.values.iter().enumerate() {
            write!(f, "{}{value}", if place == 0 { ", value " } else { " and " })?;
        }
        for (name, param) in &self.params {
            write!(f, ", {} = {}", visible(name), visible(&param.value().to_string()))?;
        }
        for (name, value) in self.constraints().iter().filter(|(_, value)| **value > 0.0 || value.is_nan()) {
            write!(f, ", breaks constraint {} by {value}", visible(name))?;
        }
        Ok(())
    }
}
