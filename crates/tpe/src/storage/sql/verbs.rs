//! The verbs. Each is one transaction.

use serde_json::Value as Json;

use super::{Cell, Database, Sql, Transaction, lock, read, write};
use crate::storage::{
    Admission, Admitted, AttrKind, FAILED_TRIAL, Known, NewTrial, Storage, StorageError, StudyId, StudyRecord,
};
use crate::trial::{Attrs, Direction, Param, State, Trial, TrialId};

impl<D: Database> Storage for Sql<D> {
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<StudyId, StorageError> {
        self.0.write(|t| {
            let sql = "INSERT INTO studies (study_name) VALUES ($1)
                       ON CONFLICT (study_name) DO NOTHING RETURNING study_id";
            let id = t.first("studies", sql, &[Cell::Text(name)], |row| row.int(0))?;
            let id = StudyId(id.ok_or_else(|| StorageError::StudyExists(name.to_owned()))?);
            write::directions(t, id, directions)?;
            Ok(id)
        })
    }

    fn delete_study(&self, study: StudyId) -> Result<(), StorageError> {
        const OF_TRIALS: [&str; 6] = [
            "trial_params",
            "trial_values",
            "trial_intermediate_values",
            "trial_user_attributes",
            "trial_system_attributes",
            "trial_heartbeats",
        ];
        const OF_STUDIES: [&str; 5] =
            ["trials", "study_directions", "study_user_attributes", "study_system_attributes", "studies"];
        self.0.write(|t| {
            lock::study(t, study)?;
            let id = [Cell::Int(study.0)];
            let trials = "SELECT trial_id FROM trials WHERE study_id = $1";
            t.rows("trials", &format!("{trials}{}", t.dialect().for_update), &id, |_| Ok(()))?;
            for table in OF_TRIALS {
                t.execute(&format!("DELETE FROM {table} WHERE trial_id IN ({trials})"), &id)?;
            }
            for table in OF_STUDIES {
                t.execute(&format!("DELETE FROM {table} WHERE study_id = $1"), &id)?;
            }
            Ok(())
        })
    }

    fn studies(&self) -> Result<Vec<StudyRecord>, StorageError> {
        self.0.read(read::studies)
    }

    fn set_study_attr(
        &self,
        study: StudyId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        self.0.write(|t| {
            lock::study(t, study)?;
            write::study_attrs(t, kind, study, [(&key.to_owned(), value)])
        })
    }

    fn create_trial(
        &self,
        study: StudyId,
        new: &NewTrial,
        admission: Admission,
    ) -> Result<Admitted, StorageError> {
        self.0.write(|t| {
            lock::study(t, study)?;
            let number = next_number(t, study, admission.number)?;
            if admission.number.is_some_and(|wanted| wanted != number) {
                return Ok(Admitted::NumberTaken);
            }
            // The number is never less than the count.
            if let Some(budget) = admission.budget
                && number >= budget
                && counted(t, study)? >= budget
            {
                return Ok(Admitted::BudgetSpent);
            }
            let id = write::trial(t, study, number, new)?;
            Ok(Admitted::Created { id, number })
        })
    }

    fn claim(&self, trial: TrialId, system_attrs: &Attrs) -> Result<bool, StorageError> {
        self.0.write(|t| {
            let waiting = lock::trial(t, trial)? == State::Waiting;
            if waiting {
                write::state(t, trial, State::Running, "datetime_start")?;
                write::trial_attrs(t, AttrKind::System, trial, system_attrs)?;
            }
            Ok(waiting)
        })
    }

    fn set_params(&self, trial: TrialId, params: &[(String, Param)]) -> Result<(), StorageError> {
        self.0.write(|t| {
            let study = lock::study_of(t, trial)?;
            lock::unfinished(t, trial)?;
            write::params(t, study, trial, params)
        })
    }

    fn report(&self, trial: TrialId, step: i64, value: f64) -> Result<(), StorageError> {
        self.0.write(|t| {
            lock::unfinished(t, trial)?;
            write::reports(t, trial, &[(step, value)])
        })
    }

    fn set_trial_attr(
        &self,
        trial: TrialId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError> {
        self.0.write(|t| {
            lock::unfinished(t, trial)?;
            write::trial_attrs(t, kind, trial, [(&key.to_owned(), value)])
        })
    }

    fn finish(&self, trial: TrialId, state: State, values: &[f64]) -> Result<bool, StorageError> {
        self.0.write(|t| {
            let running = lock::trial(t, trial)? == State::Running;
            if running {
                write::results(t, trial, values)?;
                write::state(t, trial, state, "datetime_complete")?;
            }
            Ok(running)
        })
    }

    fn repeat(&self, trial: TrialId, repetition: &NewTrial) -> Result<bool, StorageError> {
        self.0.write(|t| {
            let study = lock::study_of(t, trial)?;
            let running = lock::trial(t, trial)? == State::Running;
            if running {
                write::state(t, trial, State::Fail, "datetime_complete")?;
                let number = next_number(t, study, None)?;
                write::trial(t, study, number, repetition)?;
            }
            Ok(running)
        })
    }

    fn trial(&self, trial: TrialId) -> Result<Trial, StorageError> {
        self.0.read(|t| read::trial(t, trial))
    }

    fn trials(&self, study: StudyId, known: &Known) -> Result<Vec<Trial>, StorageError> {
        self.0.read(|t| {
            lock::study(t, study)?;
            read::trials(t, study, known)
        })
    }
}

/// The number of the next trial, one more than the greatest. The study is locked, so nobody else takes it.
///
/// As a rule the newest trial has the greatest number, and `expected` follows it. A file from elsewhere may have its
/// trials in another order; then all of them are looked at.
fn next_number(t: &mut dyn Transaction, study: StudyId, expected: Option<u64>) -> Result<u64, StorageError> {
    let mut after = |sql| {
        let last = t.first("trials", sql, &[Cell::Int(study.0)], |row| match row.optional_int(0)? {
            None => Ok(None),
            Some(number) => {
                u64::try_from(number).map(Some).map_err(|_| format!("a trial has the number {number}"))
            }
        })?;
        Ok(last.flatten().map_or(0, |number| number + 1))
    };
    let newest = after("SELECT number FROM trials WHERE study_id = $1 ORDER BY trial_id DESC LIMIT 1")?;
    if expected == Some(newest) {
        return Ok(newest);
    }
    after("SELECT MAX(number) FROM trials WHERE study_id = $1")
}

/// How many trials of the study repeat no other one.
fn counted(t: &mut dyn Transaction, study: StudyId) -> Result<u64, StorageError> {
    let sql = "SELECT COUNT(*) FROM trials WHERE study_id = $1 AND NOT EXISTS (
                   SELECT 1 FROM trial_system_attributes
                   WHERE trial_system_attributes.trial_id = trials.trial_id AND key = $2)";
    let count = t.first("trials", sql, &[Cell::Int(study.0), Cell::Text(FAILED_TRIAL)], |row| row.int(0))?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}
