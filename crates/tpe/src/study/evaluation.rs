//! A trial in the hands of whoever evaluates it.

use serde_json::Value as Json;

use super::{FAILURE, Interrupt, Study, StudyError, lease};
use crate::json;
use crate::pruner::Race;
use crate::storage::{AttrKind, StorageError};
use crate::trial::{State, TrialId, constraint_key};
use crate::value::Value;

/// A running trial.
pub struct Evaluation<'a> {
    study: &'a Study,
    id: TrialId,
    number: u64,
    turn: u64,
    point: Vec<f64>,
}

/// What came of an evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ending {
    /// The objective's value. NaN is none: the trial has [`Failed`](Self::Failed), and is noted to have done so.
    Complete(f64),
    /// Given up; the last value that was reported is the trial's.
    Pruned,
    /// Something went wrong.
    Failed,
    /// Nothing is wrong, but the worker has to stop: the trial fails, and is to be repeated.
    Abandoned,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(study: &'a Study, id: TrialId, number: u64, turn: u64, point: Vec<f64>) -> Self {
        Self { study, id, number, turn, point }
    }

    /// The trial's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The trial's number if repetitions are not counted; a repetition has the turn of the trial that it repeats.
    ///
    /// Points follow from it. Where all else that an objective draws at random does so too, a search that was
    /// interrupted ends with the same results as one in one go.
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// The trial's identity in the storage.
    pub fn id(&self) -> TrialId {
        self.id
    }

    /// The value of a parameter; nothing if it does not exist at this point, or not in the space.
    pub fn get(&self, name: &str) -> Option<Value> {
        let index = self.study.settings.space.index(name)?;
        let internal = self.point[index];
        (!internal.is_nan())
            .then(|| self.study.settings.space.nodes()[index].domain().distribution().external(internal))
    }

    /// The parameters that exist at this point, in the order of their declaration.
    pub fn values(&self) -> Vec<(String, Value)> {
        self.study
            .settings
            .space
            .params(&self.point)
            .into_iter()
            .map(|(name, param)| (name, param.value()))
            .collect()
    }

    /// The value of a numeric parameter.
    ///
    /// # Panics
    /// It is no number, or does not exist at this point: then ask [`get`](Self::get).
    pub fn float(&self, name: &str) -> f64 {
        self.expect(name, "a number", Value::as_f64)
    }

    /// The value of a parameter of whole numbers.
    ///
    /// # Panics
    /// It is no whole number, or does not exist at this point: then ask [`get`](Self::get).
    pub fn int(&self, name: &str) -> i64 {
        self.expect(name, "a whole number", Value::as_i64)
    }

    /// The value of a parameter of texts.
    ///
    /// # Panics
    /// It is no text, or does not exist at this point: then ask [`get`](Self::get).
    pub fn str(&self, name: &str) -> String {
        self.expect(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// The value of a parameter that is true or false.
    ///
    /// # Panics
    /// It is neither, or does not exist at this point: then ask [`get`](Self::get).
    pub fn bool(&self, name: &str) -> bool {
        self.expect(name, "true or false", Value::as_bool)
    }

    fn expect<T>(&self, name: &str, what: &str, get: impl Fn(&Value) -> Option<T>) -> T {
        let value =
            self.get(name).unwrap_or_else(|| panic!("trial {} has no parameter {name:?}", self.number));
        get(&value).unwrap_or_else(|| panic!("parameter {name:?} is {value}, not {what}"))
    }

    /// Reports an intermediate value, and asks the pruner.
    ///
    /// # Errors
    /// [`Interrupt::Pruned`] if the pruner gives the trial up, and failures of the storage: to be passed on with `?`.
    pub fn report(&self, step: i64, value: f64) -> Result<(), Interrupt> {
        let study = self.study;
        study.settings.storage.report(self.id, step, value)?;
        self.renew()?;
        let cache = study.refresh()?;
        let Ok(place) = cache.trials.binary_search_by_key(&self.number, |trial| trial.number) else {
            return Ok(());
        };
        let trial = &cache.trials[place];
        let race = Race {
            study: &study.settings.name,
            direction: study.settings.direction,
            trials: &cache.trials,
            trial,
        };
        let verdict = study.settings.pruner.judge(&race);
        drop(cache);
        for (key, note) in &verdict.notes {
            study.settings.storage.set_trial_attr(self.id, AttrKind::System, key, note)?;
        }
        if verdict.prune { Err(Interrupt::Pruned) } else { Ok(()) }
    }

    /// Gives a sign of life, where the study has [leases](super::StudyBuilder::lease).
    ///
    /// # Errors
    /// Those of the storage.
    pub fn renew(&self) -> Result<(), StorageError> {
        match self.study.settings.lease {
            Some(lease) => self.study.settings.storage.set_trial_attr(
                self.id,
                AttrKind::System,
                lease::LEASE,
                &lease::until(lease),
            ),
            None => Ok(()),
        }
    }

    /// Notes something about the trial.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn note(&self, key: &str, value: &Json) -> Result<(), StorageError> {
        self.study.settings.storage.set_trial_attr(self.id, AttrKind::User, key, value)
    }

    /// Sets the value of a constraint, which should be at most 0, as Optuna's `set_constraint` stores it; a second value
    /// takes the place of the first. A trial that breaks constraints is never the [best](Study::best), and samplers take
    /// it for worse than all that keep theirs, the more the worse.
    ///
    /// # Errors
    /// NaN, and those of the storage.
    pub fn constrain(&self, name: &str, value: f64) -> Result<(), StudyError> {
        if value.is_nan() {
            return Err(StudyError::Constraint { name: name.to_owned() });
        }
        let (key, value) = (constraint_key(name), json::number(value));
        Ok(self.study.settings.storage.set_trial_attr(self.id, AttrKind::System, &key, &value)?)
    }
}

impl Study {
    /// Gives the running trials of a [worker](super::StudyBuilder::worker) back that is known to be dead: they fail, and are
    /// to be repeated.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn abandon(&self, worker: &str) -> Result<(), StorageError> {
        let lost: Vec<_> =
            self.refresh()?.unfinished().filter(|trial| lease::is_of(trial, worker)).cloned().collect();
        for trial in lost {
            self.give_back(&trial, u64::MAX)?;
        }
        Ok(())
    }

    /// Notes why an evaluation fails. Not if another worker has ended the trial meanwhile: then the reason is of no interest.
    pub(super) fn note_failure(&self, evaluation: &Evaluation<'_>, reason: &str) {
        let _ = evaluation.note(FAILURE, &reason.into());
    }

    /// Ends an evaluation, and says whether its result counts.
    ///
    /// It does not if the trial was taken for dead, and its repetition has ended by now. If the repetition has not, it
    /// ends with this result.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn tell(&self, evaluation: &Evaluation<'_>, ending: Ending) -> Result<bool, StorageError> {
        let id = evaluation.id;
        let (state, values) = match ending {
            Ending::Complete(value) if !value.is_nan() => (State::Complete, vec![value]),
            Ending::Complete(_) => {
                self.note_failure(evaluation, "the objective's value is NaN");
                (State::Fail, Vec::new())
            }
            Ending::Failed => (State::Fail, Vec::new()),
            Ending::Abandoned => return self.give_back(&self.settings.storage.trial(id)?, u64::MAX),
            Ending::Pruned => {
                let last = self.settings.storage.trial(id)?.last_report().map(|(_, value)| value);
                (State::Pruned, last.into_iter().filter(|value| !value.is_nan()).collect())
            }
        };
        if self.settings.storage.finish(id, state, &values)? {
            return Ok(true);
        }
        let repetition =
            self.refresh()?.trials.iter().find(|trial| lease::repeats(trial, evaluation.number)).cloned();
        match repetition {
            Some(repetition) if state == State::Complete => {
                self.settings.storage.claim(repetition.id, &self.worker_attrs())?;
                self.settings.storage.finish(repetition.id, state, &values)
            }
            _ => Ok(false),
        }
    }
}
