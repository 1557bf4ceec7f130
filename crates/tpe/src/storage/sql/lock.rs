//! Rows that nobody else changes until the end of a transaction.
//!
//! A transaction that locks a study and a trial locks the study first, so no two of them wait for each other. Only
//! here an identity may be one that the columns cannot hold, hence the casts.

use super::{Cell, Transaction, names};
use crate::storage::{StorageError, StudyId};
use crate::trial::{State, TrialId};

/// Makes sure that a study is there. Locked, it gets no trials from others.
pub(super) fn study(t: &mut dyn Transaction, id: StudyId) -> Result<(), StorageError> {
    let end = t.dialect().for_update;
    let sql = format!("SELECT study_id FROM studies WHERE study_id = CAST($1 AS BIGINT){end}");
    t.first("studies", &sql, &[Cell::Int(id.0)], |row| row.int(0))?.map(drop).ok_or(StorageError::NoStudy(id))
}

/// Locks the study of a trial.
pub(super) fn study_of(t: &mut dyn Transaction, id: TrialId) -> Result<StudyId, StorageError> {
    let sql = "SELECT study_id FROM trials WHERE trial_id = CAST($1 AS BIGINT)";
    let found = t.first("trials", sql, &[Cell::Int(id.0)], |row| row.int(0))?;
    let found = StudyId(found.ok_or(StorageError::NoTrial(id))?);
    match study(t, found) {
        Err(StorageError::NoStudy(_)) => Err(StorageError::NoTrial(id)),
        locked => locked.map(|()| found),
    }
}

/// Locks a trial and tells its state.
pub(super) fn trial(t: &mut dyn Transaction, id: TrialId) -> Result<State, StorageError> {
    let end = t.dialect().for_update;
    let sql = format!("SELECT state FROM trials WHERE trial_id = CAST($1 AS BIGINT){end}");
    let state = t.first("trials", &sql, &[Cell::Int(id.0)], |row| names::state(row.text(0)?))?;
    state.ok_or(StorageError::NoTrial(id))
}

/// Locks a trial that must not be finished.
pub(super) fn unfinished(t: &mut dyn Transaction, id: TrialId) -> Result<(), StorageError> {
    if trial(t, id)?.is_finished() { Err(StorageError::Finished(id)) } else { Ok(()) }
}
