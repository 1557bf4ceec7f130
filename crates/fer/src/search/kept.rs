//! What is kept of a trial's training, so that whoever repeats the trial goes on where it was left.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nn_core::error::TrainError;
use nn_core::train::{Action, Callback, Checkpoints, EpochEnd, FoundCheckpoints, StepEnd, TrainingState};
use sha2::{Digest, Sha256};

use crate::layout::STATES;
use crate::lock::Lock;
use crate::run::RunError;

/// Where checkpoints of the trials of a search are kept, and how often they are written.
#[derive(Debug, Clone)]
pub struct Keep {
    /// The folder; a trial has one of its own in it.
    pub folder: PathBuf,
    /// Time between two checkpoints; there is one at the end of each epoch besides.
    pub every: Duration,
}

/// The checkpoints of a trial that is being trained.
///
/// A search can do without: whatever goes wrong with them is a warning, and the trial is trained all the same.
pub(super) struct KeptTrial<'a> {
    folder: PathBuf,
    /// Nothing if they cannot be kept.
    checkpoints: Option<Checkpoints>,
    warn: &'a dyn Fn(&str),
    /// Held while the folder may be written, by this process alone.
    lock: Option<Lock>,
}

impl Keep {
    /// The checkpoints of a trial, and the state to go on from. `training` tells all that its training follows from: the
    /// state of another one is never taken for that of this trial, whatever search it was part of.
    pub(super) fn trial<'a>(
        &self,
        turn: u64,
        training: &str,
        warn: &'a dyn Fn(&str),
    ) -> (KeptTrial<'a>, Option<TrainingState<f32>>) {
        let hash = Sha256::digest(training);
        let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = self.folder.join(format!("trial-{turn}-{hash}"));
        let mut kept = KeptTrial { folder, checkpoints: None, warn, lock: None };
        let state = kept.open(self.every);
        (kept, state)
    }
}

impl KeptTrial<'_> {
    fn open(&mut self, every: Duration) -> Option<TrainingState<f32>> {
        let lock = |folder: &Path| {
            fs::create_dir_all(folder).map_err(|source| RunError::Io { path: folder.into(), source })?;
            STATES.check(folder)?;
            Lock::take(folder, "run.lock")
        };
        match lock(&self.folder) {
            Ok(lock) => self.lock = Some(lock),
            Err(error) => {
                (self.warn)(&format!("{error}; this trial keeps no checkpoints"));
                return None;
            }
        }
        match Checkpoints::open(&self.folder, every) {
            Ok(FoundCheckpoints { checkpoints, state, damaged }) => {
                for problem in damaged {
                    (self.warn)(&format!("{problem}; going back to the checkpoint before"));
                }
                self.checkpoints = Some(checkpoints);
                state
            }
            Err(error) => {
                (self.warn)(&format!("{error}; the trial begins anew and keeps no checkpoints"));
                None
            }
        }
    }

    /// Removes what was kept: the trial has ended.
    pub fn remove(self) {
        if self.lock.is_some() {
            // What remains does no harm.
            let _ = STATES.remove(&self.folder);
        }
    }
}

impl Callback<f32> for KeptTrial<'_> {
    fn on_train_begin(&mut self, epochs: usize, steps_per_epoch: usize) -> Result<(), TrainError> {
        match &mut self.checkpoints {
            Some(kept) => Callback::<f32>::on_train_begin(kept, epochs, steps_per_epoch),
            None => Ok(()),
        }
    }

    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        match &mut self.checkpoints {
            Some(kept) => Callback::<f32>::on_step_end(kept, end),
            None => Ok(Action::Continue),
        }
    }

    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        match &mut self.checkpoints {
            Some(kept) => kept.on_epoch_end(end),
            None => Ok(Action::Continue),
        }
    }

    fn on_state(&mut self, state: &TrainingState<f32>) -> Result<(), TrainError> {
        let (Some(kept), Some(lock)) = (&mut self.checkpoints, &self.lock) else { return Ok(()) };
        let ours = lock.check().map_err(|error| error.to_string());
        let written = ours.and_then(|()| kept.on_state(state).map_err(|error| error.to_string()));
        if let Err(error) = written {
            (self.warn)(&format!("{error}; this trial keeps no more checkpoints"));
            self.checkpoints = None;
        }
        Ok(())
    }
}
