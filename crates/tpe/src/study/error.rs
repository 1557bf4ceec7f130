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
    #[error("study {name:?} exists with the goal to {}, not to {asked}", goals(.stored))]
    Direction {
        /// The study.
        name: String,
        /// The goal in the storage.
        stored: Vec<Direction>,
        /// The goal that was asked for.
        asked: Direction,
    },
    /// A constraint that is neither kept nor broken.
    #[error("constraint {name:?} is NaN; it must be a number, at most 0 where the constraint is kept")]
    Constraint {
        /// The constraint.
        name: String,
    },
    /// The storage contradicts itself, such that no trial can begin.
    #[error("study {name:?} cannot go on: its storage has a trial {number} that it does not list")]
    Unlisted {
        /// The study.
        name: String,
        /// The number that the next trial should get.
        number: u64,
    },
}

/// Goals in words.
fn goals(directions: &[Direction]) -> String {
    let goals: Vec<_> = directions.iter().map(Direction::to_string).collect();
    if goals.is_empty() { "reach nothing".to_owned() } else { goals.join(" and ") }
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
