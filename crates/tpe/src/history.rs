//! The trials of a study as a sampler sees them: points and losses.

use crate::space::{Point, Space};
use crate::trial::{Direction, State, Trial};

/// What came of a trial. Losses are such that smaller is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Evaluated.
    Complete {
        /// The result.
        loss: f64,
    },
    /// Given up.
    Pruned {
        /// The last step that was reported, with its value; NaN counts as `+∞`.
        last: Option<(i64, f64)>,
    },
    /// Being evaluated, or waiting for it with its whole point known.
    Pending,
    /// Went wrong.
    Failed,
}

/// A trial as a sampler sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its number.
    pub number: u64,
    /// What came of it.
    pub outcome: Outcome,
    /// By how much it breaks its constraints: the sum of the positive ones, 0 if none is.
    pub violation: f64,
    /// Where it is. NaN also where a stored value does not belong to the present space.
    pub point: Point,
}

/// The prefix of the system attributes in which a trial's constraints are stored, as numbers that should be at most 0.
pub const CONSTRAINT: &str = "constraints:";

impl Observation {
    /// What `trial` is in `space`; `None` for one that waits.
    pub fn new(space: &Space, direction: Direction, trial: &Trial) -> Option<Self> {
        let outcome = match trial.state {
            State::Waiting => return None,
            State::Running => Outcome::Pending,
            State::Fail => Outcome::Failed,
            State::Complete => match trial.value() {
                Some(value) if !value.is_nan() => Outcome::Complete { loss: direction.loss(value) },
                _ => Outcome::Failed,
            },
            State::Pruned => {
                let number = |value: f64| if value.is_nan() { f64::INFINITY } else { direction.loss(value) };
                Outcome::Pruned { last: trial.last_report().map(|(step, value)| (step, number(value))) }
            }
        };
        let constraints = trial.system_attrs.iter().filter(|(key, _)| key.starts_with(CONSTRAINT));
        let violation =
            constraints.filter_map(|(_, value)| crate::json::as_f64(value)).map(|v| v.max(0.0)).sum();
        let point = space.walk(|index| {
            let node = &space.nodes()[index];
            let param = trial.params.get(node.name());
            let present = node.domain().distribution();
            param.and_then(|param| present.internal(&param.value())).unwrap_or(f64::NAN)
        });
        Some(Self { number: trial.number, outcome, violation, point })
    }
}

/// All trials of a study as a sampler sees them, by number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    observations: Vec<Observation>,
}

impl History {
    /// A history of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an observation, or puts it in the place of the earlier one with its number.
    pub fn record(&mut self, observation: Observation) {
        match self.observations.binary_search_by_key(&observation.number, |known| known.number) {
            Ok(place) => self.observations[place] = observation,
            Err(place) => self.observations.insert(place, observation),
        }
    }

    /// The observations, by number.
    pub fn observations(&self) -> &[Observation] {
        &self.observations
    }
}

impl FromIterator<Observation> for History {
    fn from_iter<I: IntoIterator<Item = Observation>>(observations: I) -> Self {
        let mut history = Self::new();
        observations.into_iter().for_each(|observation| history.record(observation));
        history
    }
}
