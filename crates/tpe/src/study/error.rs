//! What can go wrong with a study.

use crate::space::SpaceError;
use crate::storage::StorageError;
use crate::trial::Direction;

/// Why a study did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// The storage.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A value that does not belong to the space.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// The stored study has another goal.
    #[error("study {name:?} exists with the goal {stored:?}, not {asked:?}")]
    Direction {
        /// The study.
        name: String,
        /// The goal in the storage.
        stored: Vec<Direction>,
        /// The goal that was asked for.
        asked: Direction,
    },
}

/// Why an objective gives no value.
#[derive(Debug)]
pub enum Interrupt {
    /// The trial did not look good.
    Pruned,
    /// The worker has to stop: the trial is to be repeated, by this worker or another one. It does not count against
    /// the study's budget again.
    Abandoned,
    /// Something went wrong.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> From<E> for Interrupt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}
