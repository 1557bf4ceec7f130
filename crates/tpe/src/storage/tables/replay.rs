//! What operations do to the tables.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Operation, StoredStudy, Tables};
use crate::storage::{AttrKind, FAILED_TRIAL, NewTrial, StudyId, StudyRecord};
use crate::trial::{Attrs, Direction, Param, State, Trial, TrialId};

impl Tables {
    /// Carries out one operation. Whatever is not possible any more has no effect, as in Optuna: a second study of the
    /// same name, anything about what does not exist or is finished, parameters of another kind than before, starting
    /// a running trial. Of two workers who tried the same the first in the order of operations has succeeded.
    pub(in crate::storage) fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::CreateStudy { name, directions } => self.create_study(name, directions),
            Operation::DeleteStudy(study) => self.delete_study(study),
            Operation::SetStudyAttr { study, kind, key, value } => {
                if let Some(StoredStudy { record, .. }) = self.studies.get_mut(&study) {
                    kind.of(&mut record.user_attrs, &mut record.system_attrs).insert(key, value);
                }
            }
            Operation::CreateTrial { study, new, started, finished, repeats } => {
                self.create_trial(study, new, started, finished, repeats);
            }
            Operation::SetParam { trial, name, param } => self.set_param(trial, name, param),
            Operation::SetState { trial, state, values, at } => {
                let Some(trial) = self.changeable(trial) else { return };
                match state {
                    State::Running if trial.state == State::Running => return,
                    State::Running => trial.started = at,
                    State::Waiting => {}
                    State::Complete | State::Pruned | State::Fail => trial.finished = at,
                }
                trial.state = state;
                if let Some(values) = values {
                    trial.values = values;
                }
            }
            Operation::Report { trial, step, value } => {
                if let Some(trial) = self.changeable(trial) {
                    trial.intermediate.insert(step, value);
                }
            }
            Operation::SetTrialAttr { trial, kind, key, value } => {
                let Some(stored) = self.changeable(trial) else { return };
                let repeats = kind == AttrKind::System && key == FAILED_TRIAL;
                let known = kind.of(&mut stored.user_attrs, &mut stored.system_attrs).insert(key, value);
                if repeats
                    && known.is_none()
                    && let Ok(owner) = self.owner(trial)
                    && let Some(study) = self.studies.get_mut(&owner)
                {
                    study.repetitions += 1;
                }
            }
        }
    }

    fn create_study(&mut self, name: String, directions: Vec<Direction>) {
        if self.studies.values().any(|study| study.record.name == name) {
            return;
        }
        let id = StudyId(self.created);
        self.created += 1;
        let record =
            StudyRecord { id, name, directions, user_attrs: Attrs::new(), system_attrs: Attrs::new() };
        let (trials, first, repeated) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        self.studies.insert(id, StoredStudy { record, trials, first, repeated, repetitions: 0 });
    }

    fn delete_study(&mut self, study: StudyId) {
        if self.studies.remove(&study).is_some() {
            for owner in &mut self.owners {
                owner.take_if(|owner| *owner == study);
            }
        }
    }

    fn create_trial(
        &mut self,
        study: StudyId,
        new: NewTrial,
        started: Option<Timestamp>,
        finished: Option<Timestamp>,
        repeats: Option<TrialId>,
    ) {
        let id = self.next_trial();
        let Some(stored) = self.studies.get_mut(&study) else { return };
        let number = stored.trials.len() as u64;
        for (name, param) in &new.params {
            stored.note_first(name, number, param);
        }
        stored.repeated.extend(repeats);
        stored.repetitions += u64::from(new.system_attrs.contains_key(FAILED_TRIAL));
        stored.trials.push(Trial {
            id,
            number,
            state: new.state,
            values: new.values,
            params: new.params.into_iter().collect(),
            intermediate: new.intermediate.into_iter().collect(),
            user_attrs: new.user_attrs,
            system_attrs: new.system_attrs,
            started,
            finished,
        });
        self.owners.push(Some(study));
    }

    fn set_param(&mut self, trial: TrialId, name: String, param: Param) {
        let Ok(owner) = self.owner(trial) else { return };
        let Some(study) = self.studies.get_mut(&owner) else { return };
        let Some(index) = study.position(trial) else { return };
        let foreign = study
            .first
            .get(&name)
            .is_some_and(|(_, first)| !first.distribution.compatible(&param.distribution));
        if foreign || study.trials[index].state.is_finished() {
            return;
        }
        study.note_first(&name, index as u64, &param);
        study.trials[index].params.insert(name, param);
    }

    /// The trial, if it exists and is not finished.
    fn changeable(&mut self, trial: TrialId) -> Option<&mut Trial> {
        let study = self.studies.get_mut(&self.owner(trial).ok()?)?;
        let index = study.position(trial)?;
        study.trials.get_mut(index).filter(|trial| !trial.state.is_finished())
    }
}

impl StoredStudy {
    fn note_first(&mut self, name: &str, number: u64, param: &Param) {
        if self.first.get(name).is_none_or(|(first, _)| number < *first) {
            self.first.insert(name.to_owned(), (number, param.clone()));
        }
    }
}
