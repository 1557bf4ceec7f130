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

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nn_core::Tensor;
use nn_core::checkpoint::load_weights;
use nn_core::error::{BuildError, WeightsError};
use nn_core::files::{is_temporary, remove_temporary_files, write_atomically};
use nn_core::metrics::{Confusion, argmax};
use nn_core::model::{Network, Sequential};
use serde::Serialize;
use thiserror::Error;

use crate::data::{EMOTIONS, Faces};
use crate::pipeline::Pipeline;
use crate::settings::{SettingsError, TrainSettings};
use crate::transform::Transform;

/// Why a run folder cannot be made or used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The folder is taken.
    #[error("{0} exists already and is not empty: runs are never overwritten")]
    Taken(PathBuf),
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
    _lock: Option<Arc<File>>,
}

impl RunFolder {
    /// Creates the folder `path`, or if none is given the first free one of `runs/NAME`, `runs/NAME-2`, ...
    ///
    /// # Errors
    /// If `path` exists and is not empty, another process writes it, or it cannot be created.
    pub fn create(path: Option<&Path>, name: &str) -> Result<Self, RunError> {
        if let Some(path) = path {
            return Self::claim(path);
        }
        let numbered = (2..).map(|n| PathBuf::from(format!("runs/{name}-{n}")));
        let names = std::iter::once(PathBuf::from(format!("runs/{name}"))).chain(numbered);
        let mut claims = names.map(|path| Self::claim(&path));
        let taken = |claim: &Result<Self, RunError>| {
            matches!(claim, Err(RunError::Taken(_) | RunError::InUse { .. }))
        };
        claims.find(|claim| !taken(claim)).expect("there are enough numbers")
    }

    /// Locks a free folder, created if it does not exist.
    fn claim(path: &Path) -> Result<Self, RunError> {
        if !is_free(path) {
            return Err(RunError::Taken(path.into()));
        }
        fs::create_dir_all(path).map_err(|source| RunError::Io { path: path.into(), source })?;
        let folder = Self { path: path.into(), _lock: Some(lock(path)?) };
        // Another process may have come and gone in between.
        if is_free(path) { Ok(folder) } else { Err(RunError::Taken(path.into())) }
    }

    /// The folder of a run that is to be continued.
    ///
    /// # Errors
    /// If there is none, another process writes it, or it cannot be written.
    pub fn resume(path: &Path) -> Result<Self, RunError> {
        if !path.join("config.toml").is_file() {
            return Err(RunError::NothingToResume(path.into()));
        }
        let folder = Self { path: path.into(), _lock: Some(lock(path)?) };
        remove_temporary_files(path).map_err(|source| RunError::Io { path: path.into(), source })?;
        Ok(folder)
    }

    /// The folder `path` with whatever is in it; it is created if it does not exist.
    ///
    /// # Errors
    /// If it cannot be created, or no file can be written in it.
    pub fn reuse(path: &Path) -> Result<Self, RunError> {
        let io = |source| RunError::Io { path: path.into(), source };
        fs::create_dir_all(path).map_err(io)?;
        tempfile::tempfile_in(path).map_err(io)?;
        Ok(Self { path: path.into(), _lock: None })
    }

    /// The folder of a finished run.
    ///
    /// # Errors
    /// If it is not one.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let folder = Self { path: path.into(), _lock: None };
        if folder.file("network.json").is_file() { Ok(folder) } else { Err(RunError::NotARun(path.into())) }
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
    /// If the system refuses.
    pub fn write(&self, name: &str, content: &str) -> Result<(), RunError> {
        let path = self.file(name);
        write_atomically(&path, content.as_bytes()).map_err(|source| RunError::Io { path, source })
    }

    /// Writes a file unless an earlier part of the run has written it.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_once(&self, name: &str, content: &str) -> Result<(), RunError> {
        if self.file(name).is_file() { Ok(()) } else { self.write(name, content) }
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
        let json = fs::read_to_string(&path).map_err(|source| RunError::Io { path: path.clone(), source })?;
        Ok(serde_json::from_str(&json).map_err(|e| SettingsError::File { path, problem: e.to_string() })?)
    }

    /// The run's network with the weights of one of its files.
    ///
    /// # Errors
    /// If network or weights cannot be read or do not fit each other.
    pub fn network(&self, weights: &str) -> Result<Network<f32>, RunError> {
        let path = self.file("network.json");
        let json = fs::read_to_string(&path).map_err(|source| RunError::Io { path: path.clone(), source })?;
        let config = Sequential::from_json(&json)
            .map_err(|e| SettingsError::File { path: path.clone(), problem: e.to_string() })?;
        let mut network = config.build(0).map_err(|source| RunError::Network { path, source })?;
        load_weights(&mut network, &self.file(weights))?;
        Ok(network)
    }

    /// Writes `predictions.csv` and `confusion.csv` for the test faces and their predicted probabilities.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn write_predictions(&self, faces: &Faces, probabilities: &Tensor<f32>) -> Result<(), RunError> {
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
pub fn is_free(path: &Path) -> bool {
    let Ok(files) = fs::read_dir(path) else { return !path.exists() };
    let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut files| files.next().is_none());
    let harmless = |file: fs::DirEntry| {
        let name = file.file_name();
        name == LOCK || is_temporary(&name) || name == CHECKPOINTS && empty(&file.path())
    };
    files.flatten().all(harmless)
}

/// Locks a folder for this process. The system frees the lock when the process ends, however it ends; the file stays,
/// for removing it would take the lock from under whoever has opened it.
pub(crate) fn lock(folder: &Path) -> Result<Arc<File>, RunError> {
    let path = folder.join(LOCK);
    let io = |source| RunError::Io { path: path.clone(), source };
    let mut file =
        File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            // Where locks keep others from reading, the process has no name.
            let _ = file.take(20).read_to_string(&mut process);
            let process = Some(process.trim()).filter(|id| !id.is_empty()).unwrap_or("(unknown)").into();
            return Err(RunError::InUse { path: folder.into(), process });
        }
        Err(TryLockError::Error(source)) => return Err(io(source)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io)?;
    Ok(Arc::new(file))
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
