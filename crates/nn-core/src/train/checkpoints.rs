use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nn_kernels::Real;

use super::{Action, Callback, EpochEnd, StepEnd, TrainingState};
use crate::error::{StateError, TrainError};
use crate::files::{remove_temporary_files, sync_parent};

/// Keeps the state of training in a folder: at the end of each epoch, in between when a time has passed, and when
/// another callback asks for it. The last two files are kept, so that there is one while the next is written and
/// one to fall back to.
///
/// Files are named `epoch-E-step-S.safetensors`, after the epoch that was under way (from 0) and its steps done.
/// Only one process at a time may use the folder.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    every: Duration,
    written: Instant,
    /// Files known to be good, the newest last.
    kept: Vec<PathBuf>,
}

/// What [`Checkpoints::open`] found.
#[derive(Debug)]
pub struct FoundCheckpoints<R: Real> {
    /// Goes on with the folder.
    pub checkpoints: Checkpoints,
    /// The newest usable state; none if there are no files at all, so that nothing is to be continued.
    pub state: Option<TrainingState<R>>,
    /// What is wrong with newer ones, which are removed when the next one has been written.
    pub damaged: Vec<StateError>,
}

/// Files that are kept.
const KEPT: usize = 2;

impl Checkpoints {
    /// Checkpoints of a new run, in a folder that is created if it does not exist.
    ///
    /// # Errors
    /// If the folder holds checkpoints, or cannot be created.
    pub fn create(folder: &Path, every: Duration) -> Result<Self, StateError> {
        let this = Self::at(folder, every)?;
        if this.files()?.is_empty() { Ok(this) } else { Err(StateError::Taken(folder.into())) }
    }

    /// Checkpoints of a run that is to be continued, and the state to continue from. Damaged files are passed over.
    ///
    /// # Errors
    /// If no file is usable, one is of a later version, or the system refuses.
    pub fn open<R: Real>(folder: &Path, every: Duration) -> Result<FoundCheckpoints<R>, StateError> {
        let mut checkpoints = Self::at(folder, every)?;
        let mut damaged = Vec::new();
        let files = checkpoints.files()?;
        for path in files.iter().rev() {
            match TrainingState::load(path) {
                Ok(state) => {
                    checkpoints.kept.push(path.clone());
                    return Ok(FoundCheckpoints { checkpoints, state: Some(state), damaged });
                }
                // Not damaged: going back would throw away what a later version has done.
                Err(error @ StateError::Newer { .. }) => return Err(error),
                Err(error) => damaged.push(error),
            }
        }
        if damaged.is_empty() {
            return Ok(FoundCheckpoints { checkpoints, state: None, damaged });
        }
        Err(StateError::NoneUsable { problems: damaged })
    }

    fn at(folder: &Path, every: Duration) -> Result<Self, StateError> {
        let ready = fs::create_dir_all(folder)
            .and_then(|()| sync_parent(folder))
            .and_then(|()| remove_temporary_files(folder));
        ready.map_err(|source| StateError::Io { path: folder.into(), source })?;
        Ok(Self { folder: folder.into(), every, written: Instant::now(), kept: Vec::new() })
    }

    /// All checkpoints in the folder, the newest last.
    fn files(&self) -> Result<Vec<PathBuf>, StateError> {
        let io = |source| StateError::Io { path: self.folder.clone(), source };
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            files.extend(path.file_name().and_then(place).map(|place| (place, path)));
        }
        files.sort();
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }

    fn save<R: Real>(&mut self, state: &TrainingState<R>) -> Result<(), StateError> {
        let name = format!("epoch-{:04}-step-{:06}.safetensors", state.epoch(), state.step());
        let path = self.folder.join(name);
        state.save(&path)?;
        self.kept.retain(|kept| *kept != path);
        self.kept.push(path);
        self.kept.drain(..self.kept.len().saturating_sub(KEPT));
        for path in self.files()?.iter().filter(|path| !self.kept.contains(path)) {
            // What cannot be removed does no harm: it is older, or damaged, and will be passed over.
            let _ = fs::remove_file(path);
        }
        self.written = Instant::now();
        Ok(())
    }
}

/// Epoch and step in a checkpoint's name.
fn place(name: &OsStr) -> Option<(u64, u64)> {
    let numbers = name.to_str()?.strip_prefix("epoch-")?.strip_suffix(".safetensors")?;
    let (epoch, step) = numbers.split_once("-step-")?;
    Some((epoch.parse().ok()?, step.parse().ok()?))
}

impl<R: Real> Callback<R> for Checkpoints {
    fn on_train_begin(&mut self, _epochs: usize, _steps: usize) -> Result<(), TrainError> {
        self.written = Instant::now();
        Ok(())
    }

    fn on_step_end(&mut self, _end: StepEnd) -> Result<Action, TrainError> {
        Ok(if self.written.elapsed() >= self.every { Action::Save } else { Action::Continue })
    }

    fn on_epoch_end(&mut self, _end: EpochEnd<R>) -> Result<Action, TrainError> {
        Ok(Action::Save)
    }

    fn on_state(&mut self, state: &TrainingState<R>) -> Result<(), TrainError> {
        let problem =
            |e: StateError| TrainError::Callback { callback: "checkpoints", problem: e.to_string() };
        self.save(state).map_err(problem)
    }
}
