//! What can go wrong with a search.

use thiserror::Error;
use tpe::storage::StorageError;
use tpe::study::StudyError;

/// Why a search does not begin, or ends early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The study's file or server.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The study.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// There is a study of this name.
    #[error(
        "study {name:?} in {place} exists already, with {trials} trials: give --resume to continue it, or another --name"
    )]
    Exists {
        /// The study.
        name: String,
        /// Where it lives.
        place: String,
        /// How many trials it has.
        trials: usize,
    },
    /// The study searches something else.
    #[error("study {name:?} in {place} is a search of another space: {found}; give another --name")]
    Space {
        /// The study.
        name: String,
        /// Where it lives.
        place: String,
        /// What differs.
        found: String,
    },
    /// The study was begun by another program.
    #[error("study {name:?} in {place} was not begun by `fer search`: give another --name")]
    Foreign {
        /// The study.
        name: String,
        /// Where it lives.
        place: String,
    },
    /// The study was begun with other settings.
    #[error(
        "study {name:?} in {place} was begun with {setting} = {stored}, not {asked}: give the same settings, or another \
         --name"
    )]
    Settings {
        /// The study.
        name: String,
        /// Where it lives.
        place: String,
        /// The first setting that differs.
        setting: String,
        /// Its value in the study.
        stored: String,
        /// Its value now.
        asked: String,
    },
}
