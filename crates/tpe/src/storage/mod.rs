//! Where studies live. Workers share nothing but a storage.
//!
//! [`Storage`] has the verbs, and each is atomic: after it either all of its effect is there, for every process, or
//! none. Finished trials never change.

mod journal;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tables;

use std::path::PathBuf;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value as Json;

pub use journal::Journal;
pub use memory::Memory;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresOptions};
#[cfg(feature = "sqlite")]
pub use sqlite::Sqlite;

use crate::trial::{Attrs, Direction, Param, State, Trial, TrialId};

/// The identity of a study within a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudyId(pub i64);

/// A study as it is stored, without its trials.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyRecord {
    /// Its identity.
    pub id: StudyId,
    /// Its name, unique in the storage.
    pub name: String,
    /// Which way each result is better.
    pub directions: Vec<Direction>,
    /// What the user noted.
    pub user_attrs: Attrs,
    /// What samplers, pruners and the study noted.
    pub system_attrs: Attrs,
}

/// Whose attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttrKind {
    /// The user's.
    User,
    /// Those of samplers, pruners and the study.
    System,
}

impl AttrKind {
    /// The attributes of this kind.
    pub(crate) fn of<'a>(self, user: &'a mut Attrs, system: &'a mut Attrs) -> &'a mut Attrs {
        match self {
            Self::User => user,
            Self::System => system,
        }
    }
}

/// A trial to be created, [`State::Waiting`] or [`State::Running`] as a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTrial {
    /// Its first state.
    pub state: State,
    /// Results, for one that is already finished.
    pub values: Vec<f64>,
    /// Parameters by name.
    pub params: Vec<(String, Param)>,
    /// Intermediate results, for one that is already finished.
    pub intermediate: Vec<(i64, f64)>,
    /// The user's attributes.
    pub user_attrs: Attrs,
    /// Other attributes.
    pub system_attrs: Attrs,
}

impl NewTrial {
    /// A trial without parameters in `state`.
    pub fn new(state: State) -> Self {
        Self {
            state,
            values: Vec::new(),
            params: Vec::new(),
            intermediate: Vec::new(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
        }
    }
}

/// Under which conditions a trial is created; they are checked in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Admission {
    /// The number that the trial must get: the point was chosen for it.
    pub number: Option<u64>,
    /// How many trials the study may have. A repetition of a failed trial, one with the system attribute
    /// [`FAILED_TRIAL`], does not count.
    pub budget: Option<u64>,
}

/// The system attribute that names the number of the trial which a trial repeats.
pub const FAILED_TRIAL: &str = "failed_trial";

/// What became of a trial that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// It exists now.
    Created {
        /// Its identity.
        id: TrialId,
        /// Its number.
        number: u64,
    },
    /// Another worker has the number.
    NumberTaken,
    /// The study has all its trials.
    BudgetSpent,
}

/// Which trials a worker has already: it need not read finished ones again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Trials that were unfinished when last read.
    pub unfinished: Vec<TrialId>,
    /// The greatest identity read.
    pub last: Option<TrialId>,
}

/// Why a storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A file or a server did not answer as it should.
    #[error("{place}: {source}")]
    Backend {
        /// The file or the server.
        place: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file or the database is something else, or of another version.
    #[error("{}: {why}", path.display())]
    Foreign {
        /// The file, or the database's address.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// A piece of a study cannot be read.
    #[error("{place}: {what} is damaged: {why}")]
    Damaged {
        /// The file or the server.
        place: String,
        /// Which piece.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A piece of a study makes sense, but this crate cannot hold it.
    #[error("{place}: {what} cannot be read by this program: {why}")]
    Unsupported {
        /// The file or the server.
        place: String,
        /// Which piece.
        what: String,
        /// What it has that cannot be held.
        why: String,
    },
    /// A study of that name exists.
    #[error("a study named {0:?} exists already")]
    StudyExists(String),
    /// There is no such study.
    #[error("there is no study with identity {}", .0.0)]
    NoStudy(StudyId),
    /// There is no such trial.
    #[error("there is no trial with identity {}", .0.0)]
    NoTrial(TrialId),
    /// Finished trials do not change.
    #[error("trial {} is finished and cannot change", .0.0)]
    Finished(TrialId),
    /// A parameter has two different kinds of distribution in one study.
    #[error("parameter {name:?} is {new} here and {old} in an earlier trial of the study")]
    Incompatible {
        /// The parameter.
        name: String,
        /// The earlier distribution.
        old: String,
        /// The later one.
        new: String,
    },
}

/// A place where studies live; see the [module](self).
///
/// # Errors
/// Every verb may fail with [`StorageError::Backend`] and [`StorageError::Damaged`]; those that take an identity with
/// [`StorageError::NoStudy`] and [`StorageError::NoTrial`]; those that change a trial with [`StorageError::Finished`].
pub trait Storage: Send + Sync {
    /// Creates a study, or fails with [`StorageError::StudyExists`].
    fn create_study(&self, name: &str, directions: &[Direction]) -> Result<StudyId, StorageError>;

    /// Removes a study and its trials.
    fn delete_study(&self, study: StudyId) -> Result<(), StorageError>;

    /// All studies, in the order of their creation.
    fn studies(&self) -> Result<Vec<StudyRecord>, StorageError>;

    /// The study with this name.
    fn study(&self, name: &str) -> Result<Option<StudyRecord>, StorageError> {
        Ok(self.studies()?.into_iter().find(|study| study.name == name))
    }

    /// Sets an attribute of a study.
    fn set_study_attr(
        &self,
        study: StudyId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError>;

    /// Creates a trial if `admission` allows. A running one gets the present time as its beginning, a finished one
    /// also as its end.
    fn create_trial(
        &self,
        study: StudyId,
        new: &NewTrial,
        admission: Admission,
    ) -> Result<Admitted, StorageError>;

    /// Makes a waiting trial a running one, sets system attributes of it, and says whether it was still waiting.
    fn claim(&self, trial: TrialId, system_attrs: &Attrs) -> Result<bool, StorageError>;

    /// Adds parameters to an unfinished trial, all at once.
    fn set_params(&self, trial: TrialId, params: &[(String, Param)]) -> Result<(), StorageError>;

    /// Sets the intermediate value of a step.
    fn report(&self, trial: TrialId, step: i64, value: f64) -> Result<(), StorageError>;

    /// Sets an attribute of an unfinished trial.
    fn set_trial_attr(
        &self,
        trial: TrialId,
        kind: AttrKind,
        key: &str,
        value: &Json,
    ) -> Result<(), StorageError>;

    /// Finishes a running trial with `state` and `values`, and says whether it was still running.
    fn finish(&self, trial: TrialId, state: State, values: &[f64]) -> Result<bool, StorageError>;

    /// In one go: makes a running trial a failed one and creates `repetition`, a waiting trial of the same study. Says
    /// whether the trial was still running; if not, nothing happens.
    fn repeat(&self, trial: TrialId, repetition: &NewTrial) -> Result<bool, StorageError>;

    /// One trial.
    fn trial(&self, trial: TrialId) -> Result<Trial, StorageError>;

    /// The trials of a study that `known` does not cover, by number: those later than `known.last` and those that
    /// were unfinished.
    fn trials(&self, study: StudyId, known: &Known) -> Result<Vec<Trial>, StorageError>;
}

/// The present, at the resolution of the files.
pub(crate) fn now() -> Timestamp {
    timestamp(SystemTime::now())
}

/// A moment at the resolution of the files; the first or the last that they can tell, where a clock is beyond.
fn timestamp(moment: SystemTime) -> Timestamp {
    let beyond = if moment < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    let micros = Timestamp::try_from(moment).unwrap_or(beyond).as_microsecond();
    Timestamp::from_microsecond(micros).unwrap_or(beyond)
}

/// Refuses parameters that have another kind of distribution in an earlier trial of the study.
pub(crate) fn check_compatible<'a>(
    params: &[(String, Param)],
    earlier: impl Fn(&str) -> Option<&'a Param>,
) -> Result<(), StorageError> {
    for (name, new) in params {
        if let Some(old) = earlier(name)
            && !old.distribution.compatible(&new.distribution)
        {
            return Err(StorageError::Incompatible {
                name: name.clone(),
                old: old.distribution.to_json(),
                new: new.distribution.to_json(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use jiff::Timestamp;

    use super::timestamp;

    #[test]
    fn a_clock_beyond_the_year_9999_tells_the_last_moment() {
        let after = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(after(1_700_000_000), Timestamp::from_second(1_700_000_000).unwrap());
        for seconds in [253_402_300_800, 300_000_000_000] {
            let last = after(seconds);
            assert!(
                last <= Timestamp::MAX && last > Timestamp::from_second(253_402_000_000).unwrap(),
                "{last}"
            );
        }
    }
}
