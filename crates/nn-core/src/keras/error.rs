use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::files::ReadError;
use crate::quoted;

/// Why a Keras file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KerasError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is at the path is not read: no regular file, or one that is too long.
    #[error(transparent)]
    Unread(ReadError),
    /// The file is not what its reader is for.
    #[error("{path}: {problem}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A group, dataset or attribute of an HDF5 file is unusable.
    #[error("{path}: {object}: {problem}")]
    Hdf5 {
        /// The file.
        path: PathBuf,
        /// Path of the group or dataset inside, with the attribute if it is one.
        object: String,
        /// What is wrong.
        problem: String,
    },
    /// A member of a `.keras` archive is unusable.
    #[error("{path}: member {member:?}: {problem}")]
    Archive {
        /// The file.
        path: PathBuf,
        /// The member's name.
        member: String,
        /// What is wrong.
        problem: String,
    },
    /// A layer of a configuration is unsupported or wrong.
    #[error("{path}: layer {layer:?}: {problem}")]
    Layer {
        /// The file.
        path: PathBuf,
        /// The layer's name.
        layer: String,
        /// What is wrong.
        problem: String,
    },
    /// A model's configuration is unsupported or wrong as a whole.
    #[error("{path}: {}{problem}", the_model(model))]
    Model {
        /// The file.
        path: PathBuf,
        /// The model's name; empty as long as it is not known.
        model: String,
        /// What is wrong.
        problem: String,
    },
}

impl KerasError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.into(), source }
    }

    pub(super) fn unread(error: ReadError) -> Self {
        match error {
            ReadError::Io { path, source } => Self::Io { path, source },
            error => Self::Unread(error),
        }
    }

    pub(super) fn format(path: &Path, problem: impl ToString) -> Self {
        Self::Format { path: path.into(), problem: shortened(problem) }
    }

    pub(super) fn hdf5(path: &Path, object: impl ToString, problem: impl ToString) -> Self {
        Self::Hdf5 { path: path.into(), object: shortened(object), problem: shortened(problem) }
    }

    pub(super) fn archive(path: &Path, member: impl ToString, problem: impl ToString) -> Self {
        Self::Archive { path: path.into(), member: cut(member), problem: shortened(problem) }
    }

    pub(super) fn layer(path: &Path, layer: impl ToString, problem: impl ToString) -> Self {
        Self::Layer { path: path.into(), layer: cut(layer), problem: shortened(problem) }
    }

    pub(super) fn model(path: &Path, model: impl ToString, problem: impl ToString) -> Self {
        Self::Model { path: path.into(), model: cut(model), problem: shortened(problem) }
    }
}

/// What a message calls a model, if its name is known.
fn the_model(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("model {name:?}: ") }
}

/// Texts come from the file and may be of any length; a message stays readable.
fn shortened(text: impl ToString) -> String {
    quoted::shortened(&text.to_string(), 400)
}

/// A name, which is shown in quotation marks.
fn cut(name: impl ToString) -> String {
    const LONGEST: usize = 80;
    let name = name.to_string();
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &name[..end]),
        None => name,
    }
}
