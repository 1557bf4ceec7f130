//! The verbs of storages that keep tables: decisions on operations.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Operation, Tables};
use crate::storage::{
    Admission, Admitted, AttrKind, Known, NewTrial, Storage, StorageError, StudyId, StudyRecord, now,
};
use crate::trial::{Attrs, Direction, Param, State, Trial, TrialId};

/// A storage that keeps tables. The verbs follow from looking at them and changing them.
pub(in crate::storage) trait Replica {
    /// Looks at the tables as they are now.
    fn look<T>(&self, look: impl FnOnce(&Tables) -> Result<T, StorageError>) -> Result<T, StorageError>;

    /// Carries out, in this order, the operations on which `decide` decides in view of the tables, and returns its
    /// answer. No other worker changes anything in the meantime.
    ///
    /// A crash may cut the operations short, so they are in an order in which a part of them does no harm.
    fn change<T>(
        &self,
        decide: impl FnOnce(&Tables) -> Result<(Vec<Operation>, T), StorageError>,
    ) -> Result<T, StorageError>;
}

impl<R: Replica + Send + Sync> Storage for R {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<StudyId, StorageError> {
        self.change(|tables| {
            if tables.studies.values().any(|study| study.record.name == name) {
                return Err(StorageError::StudyExists(name.to_owned()));
            }
            let create = Operation::CreateStudy { name: name.to_owned(), directions: directions.to_vec() };
            Ok((vec![create], StudyId(tables.created)))
        })
    }

    fn delete_study(&self, study: StudyId) -> Result<(), StorageError> {
        self.change(|tables| {
            tables.study(study)?;
            Ok((vec![Operation::DeleteStudy(study)], ()))
        })
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StorageError> {
        self.look(|tables| Ok(tables.studies.values().map(|study| study.record.clone()).collect()))
    }

    fn set_study_attr(
        &self,
        study: StudyId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        self.change(|tables| {
            tables.study(study)?;
            let (key, value) = (key.to_owned(), value.clone());
            Ok((vec![Operation::SetStudyAttr { study, kind, key, value }], ()))
        })
    }

    /// One operation, whatever the trial has.
    fn create_trial(
        &self,
        study: StudyId,
        new: &NewTrial,
        admission: Admission,
    ) -> Result<Admitted, StorageError> {
        self.change(|tables| {
            let stored = tables.study(study)?;
            let number = stored.trials.len() as u64;
            if admission.number.is_some_and(|wanted| wanted != number) {
                return Ok((Vec::new(), Admitted::NumberTaken));
            }
            if admission.budget.is_some_and(|budget| number - stored.repetitions >= budget) {
                return Ok((Vec::new(), Admitted::BudgetSpent));
            }
            stored.check_params(&new.params)?;
            let admitted = Admitted::Created { id: tables.next_trial(), number };
            Ok((vec![creation(study, new, None)], admitted))
        })
    }

    /// The attributes come first: until it runs, nobody reads them.
    fn claim(&self, trial: TrialId, system_attrs: &Attrs) -> Result<bool, StorageError> {
        self.change(|tables| {
            if !tables.is_in(trial, State::Waiting)? {
                return Ok((Vec::new(), false));
            }
            let attrs = system_attrs.iter().map(|(key, value)| Operation::SetTrialAttr {
                trial,
                kind: AttrKind::System,
                key: key.clone(),
                value: value.clone(),
            });
            let run = Operation::SetState { trial, state: State::Running, values: None, at: Some(now()) };
            Ok((attrs.chain([run]).collect(), true))
        })
    }

    /// One operation for each parameter. A part of them remains only of a worker that is gone, in a trial that is to
    /// be repeated anyway; whoever repeats it chooses what is missing.
    fn set_params(&self, trial: TrialId, params: &[(String, Param)]) -> Result<(), StorageError> {
        self.change(|tables| {
            tables.unfinished(trial)?;
            tables.study(tables.owner(trial)?)?.check_params(params)?;
            let set = |(name, param): &(String, Param)| Operation::SetParam {
                trial,
                name: name.clone(),
                param: param.clone(),
            };
            Ok((params.iter().map(set).collect(), ()))
        })
    }

    fn report(&self, trial: TrialId, step: i64, value: f64) -> Result<(), StorageError> {
        self.change(|tables| {
            tables.unfinished(trial)?;
            Ok((vec![Operation::Report { trial, step, value }], ()))
        })
    }

    fn set_trial_attr(
        &self,
        trial: TrialId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        self.change(|tables| {
            tables.unfinished(trial)?;
            let (key, value) = (key.to_owned(), value.clone());
            Ok((vec![Operation::SetTrialAttr { trial, kind, key, value }], ()))
        })
    }

    fn finish(&self, trial: TrialId, state: State, values: &[f64]) -> Result<bool, StorageError> {
        self.change(|tables| {
            if !tables.is_in(trial, State::Running)? {
                return Ok((Vec::new(), false));
            }
            let values = Some(values.to_vec());
            Ok((vec![Operation::SetState { trial, state, values, at: Some(now()) }], true))
        })
    }

    /// The repetition comes first and says what it repeats. If the failure is lost, the trial still runs, so it comes
    /// to be repeated again, and then only fails: nothing is repeated twice or never.
    fn repeat(&self, trial: TrialId, repetition: &NewTrial) -> Result<bool, StorageError> {
        self.change(|tables| {
            if !tables.is_in(trial, State::Running)? {
                return Ok((Vec::new(), false));
            }
            let owner = tables.owner(trial)?;
            let stored = tables.study(owner)?;
            stored.check_params(&repetition.params)?;
            let create = creation(owner, repetition, Some(trial));
            let fail = Operation::SetState { trial, state: State::Fail, values: None, at: Some(now()) };
            Ok((if stored.repeated.contains(&trial) { vec![fail] } else { vec![create, fail] }, true))
        })
    }

    fn trial(&self, trial: TrialId) -> Result<Trial, StorageError> {
        self.look(|tables| tables.trial(trial).cloned())
    }

    fn trials(&self, study: StudyId, known: &Known) -> Result<Vec<Trial>, StorageError> {
        self.look(|tables| {
            let stored = tables.study(study)?;
            let later =
                stored.trials.partition_point(|trial| known.last.is_some_and(|last| trial.id <= last));
            let again = known.unfinished.iter().filter_map(|&id| stored.position(id));
            let again: BTreeSet<_> = again.filter(|&place| place < later).collect();
            let places = again.into_iter().chain(later..stored.trials.len());
            Ok(places.map(|place| stored.trials[place].clone()).collect())
        })
    }
}

fn creation(study: StudyId, new: &NewTrial, repeats: Option<TrialId>) -> Operation {
    let started = (new.state != State::Waiting).then(now);
    let finished = if new.state.is_finished() { started } else { None };
    Operation::CreateTrial { study, new: new.clone(), started, finished, repeats }
}
