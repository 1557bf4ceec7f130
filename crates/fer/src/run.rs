//! Run folders: what a training run leaves behind.
//!
//! ```text
//! config.toml        the settings, resolved; usable as --config
//! network.json       the network's configuration
//! transform.json     how a face becomes the network's input
//! statistics.safetensors   what standardisation takes of the training faces, if it takes anything
//! env.json           machine, program, command line and data
//! summary.txt        the network's table
//! metrics.csv        one line per epoch
//! best.safetensors   weights of the epoch with the best validation accuracy
//! last.safetensors   weights at the end
//! result.json        accuracies and losses at the end
//! predictions.csv    each test image: label, prediction, probabilities
//! confusion.csv      counts of the test images by label and prediction
//! checkpoints/       the last two states of training, to continue from; not needed once there is a result.json
//! run.lock           the id of the process that writes the folder, which holds a lock on this file; it stays
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nn_core::Tensor;
use nn_core::checkpoint::load_weights;
use nn_core::error::{BuildError, WeightsError};
use nn_core::files::{
    NameError, ReadError, check_file_name, is_temporary, remove_temporary_files, write_atomically,
};
use nn_core::metrics::{Confusion, argmax};
use nn_core::model::{Network, Sequential};
use serde::Serialize;
use thiserror::Error;

use crate::data::{EMOTIONS, Faces};
use crate::layout::{Layout, RUN};
use crate::lock::Lock;
use crate::pipeline::Pipeline;
use crate::record::{self, read_json};
use crate::samples::{WrongOutputs, check_outputs};
use crate::settings::{SettingsError, TrainSettings};
use crate::transform::Transform;

/// Why a run folder cannot be made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The folder is taken.
    #[error("{0} exists already and is not empty: runs are never overwritten")]
    Taken(PathBuf),
    /// There is a file where a folder should be.
    #[error("{0} is not a folder")]
    NotAFolder(PathBuf),
    /// The folder of a run has the name of its network, which cannot be one.
    #[error("the network's name {0}: name the run's folder with --run DIR")]
    Name(NameError),
    /// There is something that this program did not make in the place of one of its files.
    #[error("{path} is {found}, expected {expected}: nothing was written; move it away")]
    Foreign {
        /// What it is that was found.
        path: PathBuf,
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// Another process may write the folder.
    #[error(
        "{0} was removed or replaced while this process held it: another process may write the folder, so this one stops \
         writing there"
    )]
    LockLost(PathBuf),
    /// Another process writes the folder.
    #[error("{path} is in use by process {process}")]
    InUse {
        /// The run folder.
        path: PathBuf,
        /// The process id, as far as it can be told.
        process: String,
    },
    /// There is no run to continue.
    #[error("{0} holds no run to resume: it has no config.toml")]
    NothingToResume(PathBuf),
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder is not one that a run left behind.
    #[error("{0} is not a run folder: it has no network.json")]
    NotARun(PathBuf),
    /// A file of the run is not there.
    #[error("{0} is missing")]
    Missing(PathBuf),
    /// A file of the run cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The run's network cannot be read.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The run's network cannot be built.
    #[error("{path}: {source}")]
    Network {
        /// The run folder.
        path: PathBuf,
        /// What is wrong.
        source: BuildError,
    },
    /// The run's network does not tell the emotions apart.
    #[error("{path}: {source}")]
    Outputs {
        /// The run's network.
        path: PathBuf,
        /// What is wrong.
        source: WrongOutputs,
    },
    /// The run's weights cannot be loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// The file with the run's [`Transform`].
pub(crate) const TRANSFORM: &str = "transform.json";
/// The file with the statistics of the run's training faces.
pub(crate) const STATISTICS: &str = "statistics.safetensors";

/// The file with the [`TrainingResult`](crate::training::TrainingResult), the last that a run writes.
pub(crate) const RESULT: &str = "result.json";

/// The folder with the states to continue from.
pub const CHECKPOINTS: &str = "checkpoints";

const LOCK: &str = "run.lock";

/// A run's folder.
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while the folder may be written, by this process alone.
    lock: Option<Arc<Lock>>,
}

impl RunFolder {
    /// Creates the folder `path`, or if none is given the first free one of `runs/NAME`, `runs/NAME-2`, ...
    ///
    /// # Errors
    /// If `path` exists and is not empty, another process writes it, or it cannot be created; without `path`, if `name`
    /// cannot name a folder.
    pub fn create(path: Option<&Path>, name: &str) -> Result<Self, RunError> {
        if let Some(path) = path {
            return Self::claim(path);
        }
        check_file_name(name).map_err(RunError::Name)?;
        let numbered = (2..).map(|n| PathBuf::from(format!("runs/{name}-{n}")));
        let names = std::iter::once(PathBuf::from(format!("runs/{name}"))).chain(numbered);
        let mut claims = names.map(|path| Self::claim(&path));
        let taken = |claim: &Result<Self, RunError>| {
            matches!(
                claim,
                Err(RunError::Taken(_)
                    | RunError::InUse { .. }
                    | RunError::NotAFolder(_)
                    | RunError::Foreign { .. })
            )
        };
        claims.find(|claim| !taken(claim)).expect("there are enough numbers")
    }

    /// Locks a free folder, created if it does not exist.
    fn claim(path: &Path) -> Result<Self, RunError> {
        let free = || -> Result<(), RunError> {
            if is_free(path)? { Ok(()) } else { Err(RunError::Taken(path.into())) }
        };
        free()?;
        fs::create_dir_all(path).map_err(|source| RunError::Io { path: path.into(), source })?;
        let folder = Self::locked(path)?;
        // Another process may have come and gone in between.
        free()?;
        Ok(folder)
    }

    /// The folder of a run that is to be continued.
    ///
    /// # Errors
    /// If there is none, it holds something else than a run's files in their place, another process writes it, or it
    /// cannot be written.
    pub fn resume(path: &Path) -> Result<Self, RunError> {
        if !path.join("config.toml").exists() {
            return Err(RunError::NothingToResume(path.into()));
        }
        let folder = Self::locked(path)?;
        remove_temporary_files(path).map_err(|source| RunError::Io { path: path.into(), source })?;
        Ok(folder)
    }

    /// The folder of a search or a study, with what is in it; it is created if it does not exist.
    ///
    /// # Errors
    /// If it cannot be created, holds something else than files of ours in their place, or no file can be written in it.
    pub fn reuse(path: &Path, layout: &Layout) -> Result<Self, RunError> {
        let io = |source| RunError::Io { path: path.into(), source };
        // Whether it is free does not matter here, only that it can be told.
        is_free(path)?;
        layout.check(path)?;
        fs::create_dir_all(path).map_err(io)?;
        tempfile::tempfile_in(path).map_err(io)?;
        Ok(Self { path: path.into(), lock: None })
    }

    /// The folder of a run, for this process alone.
    fn locked(path: &Path) -> Result<Self, RunError> {
        RUN.check(path)?;
        Ok(Self { path: path.into(), lock: Some(Arc::new(Lock::take(path, LOCK)?)) })
    }

    /// A lock that only one of the processes that share a folder gets.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn only_one(&self, name: &str) -> Result<Option<Lock>, RunError> {
        match Lock::take(&self.path, name) {
            Err(RunError::InUse { .. }) => Ok(None),
            lock => lock.map(Some),
        }
    }

    /// Makes sure that no other process has come to write the folder, as far as this one holds it.
    ///
    /// # Errors
    /// If the lock file is not the one that was locked any more.
    pub fn check(&self) -> Result<(), RunError> {
        self.lock.as_ref().map_or(Ok(()), |lock| lock.check())
    }

    /// The folder of a finished run.
    ///
    /// # Errors
    /// If it is not one.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let folder = Self { path: path.into(), lock: None };
        if folder.file("network.json").exists() { Ok(folder) } else { Err(RunError::NotARun(path.into())) }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the folder with the states to continue from.
    pub fn checkpoints(&self) -> PathBuf {
        self.file(CHECKPOINTS)
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// If another process may write the folder, or the system refuses.
    pub fn write(&self, name: &str, content: &str) -> Result<(), RunError> {
        self.check()?;
        let path = self.file(name);
        write_atomically(&path, content.as_bytes()).map_err(|source| RunError::Io { path, source })
    }

    /// Writes a file unless an earlier part of the run has written it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_once(&self, name: &str, content: &str) -> Result<(), RunError> {
        if self.file(name).exists() { Ok(()) } else { self.write(name, content) }
    }

    /// Writes a file as JSON.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), RunError> {
        self.write(name, &to_json(value))
    }

    /// The settings of the run.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn settings(&self) -> Result<TrainSettings, RunError> {
        Ok(TrainSettings::read(&self.file("config.toml"))?)
    }

    /// How the run's network wants its faces; with `raw_test` not standardised, whatever the run says.
    ///
    /// # Errors
    /// If the files with transform and statistics cannot be read or do not fit the network.
    pub fn pipeline(&self, network: &Network<f32>, raw_test: bool) -> Result<Pipeline, RunError> {
        let mut transform = self.transform()?;
        transform.raw_test |= raw_test;
        let statistics = self.file(STATISTICS);
        Ok(Pipeline::load(&transform, network.input_shape(), &statistics).map_err(SettingsError::from)?)
    }

    pub(crate) fn transform(&self) -> Result<Transform, RunError> {
        let path = self.file(TRANSFORM);
        read_json(&path)?.ok_or(RunError::Missing(path))
    }

    /// The run's network with the weights of one of its files.
    ///
    /// # Errors
    /// If network or weights cannot be read or do not fit each other.
    pub fn network(&self, weights: &str) -> Result<Network<f32>, RunError> {
        let path = self.file("network.json");
        let json = record::read(&path)?.ok_or_else(|| RunError::Missing(path.clone()))?;
        let config = Sequential::from_json(&json)
            .map_err(|e| SettingsError::File { path: path.clone(), problem: e.to_string() })?;
        let mut network =
            config.build(0).map_err(|source| RunError::Network { path: path.clone(), source })?;
        check_outputs(&network).map_err(|source| RunError::Outputs { path, source })?;
        load_weights(&mut network, &self.file(weights))?;
        Ok(network)
    }

    /// Writes `predictions.csv` and `confusion.csv` for the test faces and their predicted probabilities.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Panics
    /// If there is not one probability for each emotion.
    pub fn write_predictions(&self, faces: &Faces, probabilities: &Tensor<f32>) -> Result<(), RunError> {
        assert_eq!(probabilities.len(), faces.len() * EMOTIONS.len(), "a probability for each emotion");
        let mut predictions = String::from("index,label,predicted");
        for emotion in EMOTIONS {
            predictions += &format!(",p_{}", emotion.to_lowercase());
        }
        predictions += "\n";
        for (i, row) in probabilities.outer_iter().enumerate() {
            let row: Vec<f32> = row.iter().copied().collect();
            predictions += &format!("{i},{},{}", faces.label(i), argmax(&row));
            for p in row {
                predictions += &format!(",{p:.6}");
            }
            predictions += "\n";
        }
        self.write("predictions.csv", &predictions)?;
        let confusion = confusion(faces, probabilities);
        let mut table = format!("label,{}\n", EMOTIONS.join(","));
        for (emotion, row) in EMOTIONS.iter().zip(confusion.rows()) {
            let counts: Vec<_> = row.iter().map(u64::to_string).collect();
            table += &format!("{emotion},{}\n", counts.join(","));
        }
        self.write("confusion.csv", &table)
    }
}

/// The content of a JSON file.
pub(crate) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

/// Whether a run, search or study may begin in the folder: there is nothing but what one leaves that is killed in its
/// first moment.
///
/// # Errors
/// If it is no folder, or cannot be read.
pub fn is_free(path: &Path) -> Result<bool, RunError> {
    let io = |source| RunError::Io { path: path.into(), source };
    let files = match fs::read_dir(path) {
        Ok(files) => files,
        Err(_) if path.is_file() => return Err(RunError::NotAFolder(path.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(io(error)),
    };
    let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut files| files.next().is_none());
    for file in files {
        let file = file.map_err(io)?;
        let name = file.file_name();
        if !(name == LOCK || is_temporary(&name) || name == CHECKPOINTS && empty(&file.path())) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Counts of the faces by label and predicted class.
pub fn confusion(faces: &Faces, probabilities: &Tensor<f32>) -> Confusion {
    let mut confusion = Confusion::new(EMOTIONS.len());
    let predicted = nn_core::metrics::predicted_classes(probabilities);
    for (&label, predicted) in faces.labels().iter().zip(predicted) {
        confusion.add(label.into(), predicted);
    }
    confusion
}
