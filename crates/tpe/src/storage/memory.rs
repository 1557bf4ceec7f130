//! Studies that end with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value as Json;

use super::{
    Admission, Admitted, AttrKind, FAILED_TRIAL, Known, NewTrial, Storage, StorageError, StudyId,
    StudyRecord, check_compatible, now,
};
use crate::trial::{Attrs, Direction, Param, State, Trial, TrialId};

/// Studies in memory, shared by the threads of a process.
#[derive(Debug, Default)]
pub struct Memory {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    studies: BTreeMap<StudyId, StoredStudy>,
    /// The study of each trial, by the trial's identity; `None` where the study was deleted.
    owners: Vec<Option<StudyId>>,
}

#[derive(Debug)]
struct StoredStudy {
    record: StudyRecord,
    trials: Vec<Trial>,
    /// The first value of each parameter, with the distribution that later ones must match.
    first: BTreeMap<String, Param>,
}

impl Memory {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tables. No verb leaves them half changed, so a thread that panicked elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn study(&mut self, id: StudyId) -> Result<&mut StoredStudy, StorageError> {
        self.studies.get_mut(&id).ok_or(StorageError::NoStudy(id))
    }

    fn owner(&self, id: TrialId) -> Result<StudyId, StorageError> {
        let index = usize::try_from(id.0).map_err(|_| StorageError::NoTrial(id))?;
        self.owners.get(index).copied().flatten().ok_or(StorageError::NoTrial(id))
    }

    fn of_trial(&mut self, id: TrialId) -> Result<&mut StoredStudy, StorageError> {
        let owner = self.owner(id)?;
        self.study(owner)
    }

    fn trial(&mut self, id: TrialId) -> Result<&mut Trial, StorageError> {
        let study = self.of_trial(id)?;
        study.trials.iter_mut().rfind(|trial| trial.id == id).ok_or(StorageError::NoTrial(id))
    }

    fn unfinished(&mut self, id: TrialId) -> Result<&mut Trial, StorageError> {
        let trial = self.trial(id)?;
        if trial.state.is_finished() { Err(StorageError::Finished(id)) } else { Ok(trial) }
    }

    fn insert(&mut self, study: StudyId, new: &NewTrial) -> Result<(TrialId, u64), StorageError> {
        let id = TrialId(self.owners.len() as i64);
        let stored = self.study(study)?;
        stored.admit_params(&new.params)?;
        let number = stored.trials.len() as u64;
        stored.trials.push(Trial {
            id,
            number,
            state: new.state,
            values: new.values.clone(),
            params: new.params.iter().cloned().collect(),
            intermediate: new.intermediate.iter().copied().collect(),
            user_attrs: new.user_attrs.clone(),
            system_attrs: new.system_attrs.clone(),
            started: (new.state != State::Waiting).then(now),
            finished: new.state.is_finished().then(now),
        });
        self.owners.push(Some(study));
        Ok((id, number))
    }
}

impl StoredStudy {
    fn admit_params(&mut self, params: &[(String, Param)]) -> Result<(), StorageError> {
        check_compatible(params, |name| self.first.get(name))?;
        for (name, param) in params {
            self.first.entry(name.clone()).or_insert_with(|| param.clone());
        }
        Ok(())
    }
}

impl Storage for Memory {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<StudyId, StorageError> {
        let mut tables = self.lock();
        if tables.studies.values().any(|study| study.record.name == name) {
            return Err(StorageError::StudyExists(name.to_owned()));
        }
        let id = StudyId(tables.studies.last_key_value().map_or(0, |(id, _)| id.0 + 1));
        let record = StudyRecord {
            id,
            name: name.to_owned(),
            directions: directions.to_vec(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
        };
        tables.studies.insert(id, StoredStudy { record, trials: Vec::new(), first: BTreeMap::new() });
        Ok(id)
    }

    fn delete_study(&self, study: StudyId) -> Result<(), StorageError> {
        let mut tables = self.lock();
        tables.studies.remove(&study).ok_or(StorageError::NoStudy(study))?;
        for owner in &mut tables.owners {
            owner.take_if(|owner| *owner == study);
        }
        Ok(())
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StorageError> {
        Ok(self.lock().studies.values().map(|study| study.record.clone()).collect())
    }

    fn set_study_attr(
        &self,
        study: StudyId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        let mut tables = self.lock();
        let record = &mut tables.study(study)?.record;
        attrs(kind, &mut record.user_attrs, &mut record.system_attrs).insert(key.to_owned(), value.clone());
        Ok(())
    }

    fn create_trial(
        &self,
        study: StudyId,
        new: &NewTrial,
        admission: Admission,
    ) -> Result<Admitted, StorageError> {
        let mut tables = self.lock();
        let trials = &tables.study(study)?.trials;
        if admission.number.is_some_and(|number| number != trials.len() as u64) {
            return Ok(Admitted::NumberTaken);
        }
        let counted = trials.iter().filter(|trial| !trial.system_attrs.contains_key(FAILED_TRIAL)).count();
        if admission.budget.is_some_and(|budget| counted as u64 >= budget) {
            return Ok(Admitted::BudgetSpent);
        }
        let (id, number) = tables.insert(study, new)?;
        Ok(Admitted::Created { id, number })
    }

    fn claim(&self, trial: TrialId, system_attrs: &Attrs) -> Result<bool, StorageError> {
        let mut tables = self.lock();
        let trial = tables.trial(trial)?;
        let waiting = trial.state == State::Waiting;
        if waiting {
            trial.state = State::Running;
            trial.started = Some(now());
            trial.system_attrs.extend(system_attrs.clone());
        }
        Ok(waiting)
    }

    fn set_params(&self, trial: TrialId, params: &[(String, Param)]) -> Result<(), StorageError> {
        let mut tables = self.lock();
        tables.unfinished(trial)?;
        tables.of_trial(trial)?.admit_params(params)?;
        tables.unfinished(trial)?.params.extend(params.iter().cloned());
        Ok(())
    }

    fn report(&self, trial: TrialId, step: i64, value: f64) -> Result<(), StorageError> {
        self.lock().unfinished(trial)?.intermediate.insert(step, value);
        Ok(())
    }

    fn set_trial_attr(
        &self,
        trial: TrialId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        let mut tables = self.lock();
        let trial = tables.unfinished(trial)?;
        attrs(kind, &mut trial.user_attrs, &mut trial.system_attrs).insert(key.to_owned(), value.clone());
        Ok(())
    }

    fn finish(&self, trial: TrialId, state: State, values: &[f64]) -> Result<bool, StorageError> {
        let mut tables = self.lock();
        let trial = tables.trial(trial)?;
        let running = trial.state == State::Running;
        if running {
            trial.state = state;
            trial.values = values.to_vec();
            trial.finished = Some(now());
        }
        Ok(running)
    }

    fn repeat(&self, trial: TrialId, repetition: &NewTrial) -> Result<bool, StorageError> {
        let mut tables = self.lock();
        let owner = tables.owner(trial)?;
        let running = tables.trial(trial)?.state == State::Running;
        if running {
            tables.insert(owner, repetition)?;
            let failed = tables.trial(trial)?;
            failed.state = State::Fail;
            failed.finished = Some(now());
        }
        Ok(running)
    }

    fn trial(&self, trial: TrialId) -> Result<Trial, StorageError> {
        self.lock().trial(trial).cloned()
    }

    fn trials(&self, study: StudyId, known: &Known) -> Result<Vec<Trial>, StorageError> {
        let mut tables = self.lock();
        let trials = &tables.study(study)?.trials;
        let later = trials.partition_point(|trial| known.last.is_some_and(|last| trial.id <= last));
        let again = trials[..later].iter().filter(|trial| known.unfinished.contains(&trial.id));
        Ok(again.chain(&trials[later..]).cloned().collect())
    }
}

fn attrs<'a>(kind: AttrKind, user: &'a mut Attrs, system: &'a mut Attrs) -> &'a mut Attrs {
    match kind {
        AttrKind::User => user,
        AttrKind::System => system,
    }
}
