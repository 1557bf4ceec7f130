//! Studies as tables in memory that change by operations alone.
//!
//! An [`Operation`] is the unit of change, [`Tables::apply`] its meaning, and a verb is a decision: it looks at the
//! tables and says which operations are to happen. [`Memory`](super::Memory) applies them at once; a
//! journal writes them down first and applies what it reads.

mod operation;
mod replay;
mod verbs;

use std::collections::{BTreeMap, BTreeSet};

use super::{StorageError, StudyId, StudyRecord};
use crate::trial::{Param, State, Trial, TrialId};

pub(super) use operation::Operation;
pub(super) use verbs::Replica;

#[derive(Debug, Default)]
pub(super) struct Tables {
    studies: BTreeMap<StudyId, StoredStudy>,
    /// How many studies there have been, which is the identity of the next.
    created: i64,
    /// The study of each trial, by the trial's identity; `None` where the study was deleted.
    owners: Vec<Option<StudyId>>,
}

#[derive(Debug)]
struct StoredStudy {
    record: StudyRecord,
    trials: Vec<Trial>,
    /// For each parameter the lowest number of a trial that has it, and what it is there; others have to match.
    first: BTreeMap<String, (u64, Param)>,
    /// The trials of which a repetition was created.
    repeated: BTreeSet<TrialId>,
    /// How many trials repeat another one.
    repetitions: u64,
}

impl Tables {
    fn next_trial(&self) -> TrialId {
        TrialId(self.owners.len() as i64)
    }

    fn study(&self, id: StudyId) -> Result<&StoredStudy, StorageError> {
        self.studies.get(&id).ok_or(StorageError::NoStudy(id))
    }

    fn owner(&self, trial: TrialId) -> Result<StudyId, StorageError> {
        let index = usize::try_from(trial.0).map_err(|_| StorageError::NoTrial(trial))?;
        self.owners.get(index).copied().flatten().ok_or(StorageError::NoTrial(trial))
    }

    fn trial(&self, id: TrialId) -> Result<&Trial, StorageError> {
        let study = self.study(self.owner(id)?)?;
        study.position(id).map(|index| &study.trials[index]).ok_or(StorageError::NoTrial(id))
    }

    fn unfinished(&self, id: TrialId) -> Result<&Trial, StorageError> {
        let trial = self.trial(id)?;
        if trial.state.is_finished() { Err(StorageError::Finished(id)) } else { Ok(trial) }
    }

    fn is_in(&self, id: TrialId, state: State) -> Result<bool, StorageError> {
        Ok(self.trial(id)?.state == state)
    }
}

impl StoredStudy {
    /// Where a trial stands in `trials`, whose identities ascend.
    fn position(&self, trial: TrialId) -> Option<usize> {
        self.trials.binary_search_by_key(&trial, |trial| trial.id).ok()
    }

    /// Refuses parameters that have another kind of distribution in the first trial that has them.
    fn check_params(&self, params: &[(String, Param)]) -> Result<(), StorageError> {
        super::check_compatible(params, |name| self.first.get(name).map(|(_, param)| param))
    }
}
