//! Why settings are refused.

use std::path::PathBuf;

use nn_core::error::{BuildError, UnknownLayer};
use nn_core::files::ReadError;
use nn_core::kernels::threads::ThreadsError;
use nn_zoo::{InputTooSmall, PretrainedError};
use thiserror::Error;

use crate::augment::AugmentError;

/// Why settings are refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A value is out of range.
    #[error("{name} = {value}: expected {expected}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A number of threads is out of range.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// No model was named.
    #[error("no model given: name one (`fer model list`) or set `model` in the configuration file")]
    NoModel,
    /// The model needs another command.
    #[error("{0} is built on a pre-trained network: use `fer finetune {0}`")]
    Finetuned(String),
    /// Training with augmentation, and none was chosen.
    #[error("no augmentation given: choose a --variant, or --generator FILE")]
    NoAugmentation,
    /// The augmentation cannot be used.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// There are no pre-trained weights.
    #[error(
        "no weights: {path} does not exist. {network} is built on {base}, whose weights Keras publishes as {file}; \
         keras.applications.{base}(weights=\"imagenet\", include_top=False) puts the file into ~/.keras/models. Give it \
         with --weights FILE, or --weights random for a dry run"
    )]
    NoWeights {
        /// The network that was to be trained.
        network: &'static str,
        /// The pre-trained network below it.
        base: &'static str,
        /// The name of the official file.
        file: String,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The weights cannot be used.
    #[error(transparent)]
    Weights(#[from] PretrainedError),
    /// The images are too small for the network.
    #[error(transparent)]
    Input(#[from] InputTooSmall),
    /// The network cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The pre-trained network has no such layer.
    #[error("unfreeze-from: {0}")]
    Layer(UnknownLayer),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A configuration file is not understood.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
}

impl SettingsError {
    /// Whether what was asked for cannot be, whatever the files are.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Value { .. }
                | Self::Threads(_)
                | Self::NoModel
                | Self::Finetuned(_)
                | Self::NoAugmentation
                | Self::Augment(AugmentError::Argument { .. })
                | Self::Layer(_)
        )
    }
}
