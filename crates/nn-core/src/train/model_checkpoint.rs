use std::path::PathBuf;

use nn_kernels::Real;

use super::callback::{Action, Best, Callback, EpochEnd, Monitor};
use super::{CallbackState, TrainingState};
use crate::checkpoint::save_weights;
use crate::error::TrainError;
use crate::model::Network;

/// Saves the network's weights whenever a value has improved.
#[derive(Debug)]
pub struct ModelCheckpoint<R: Real> {
    path: PathBuf,
    whole: Option<Network<R>>,
    monitor: Monitor,
    best: Option<Best>,
}

const NAME: &str = "model checkpoint";

impl<R: Real> ModelCheckpoint<R> {
    /// Keeps the weights of the best epoch in the file `path`.
    pub fn new(path: impl Into<PathBuf>, monitor: Monitor) -> Self {
        Self { path: path.into(), whole: None, monitor, best: None }
    }

    /// What is trained is a part of `whole`, see [`Network::split_at`]: saves all of it, with the trained weights.
    pub fn part_of(mut self, whole: Network<R>) -> Self {
        self.whole = Some(whole);
        self
    }

    /// The best epoch so far, from 0.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best.map(|best| best.epoch)
    }
}

impl<R: Real> Callback<R> for ModelCheckpoint<R> {
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        let cost = self.monitor.cost(NAME, end.log)?;
        if self.best.is_none_or(|best| cost < best.cost) {
            self.best = Some(Best { epoch: end.log.epoch, cost });
            let network = match &mut self.whole {
                Some(whole) => {
                    whole.copy_weights(end.network);
                    whole
                }
                None => end.network,
            };
            save_weights(network, &self.path)
                .map_err(|e| TrainError::Callback { callback: NAME, problem: e.to_string() })?;
        }
        Ok(Action::Continue)
    }

    fn state(&self) -> Option<CallbackState<R>> {
        Some(CallbackState::new(NAME, &self.best, Vec::new()))
    }

    fn on_resume(
        &mut self,
        _state: &TrainingState<R>,
        own: Option<&CallbackState<R>>,
    ) -> Result<(), TrainError> {
        let Some(own) = own else { return Ok(()) };
        self.best = own.values()?;
        // The weights of an epoch before the state are nowhere else.
        if self.best.is_some() && !self.path.is_file() {
            let problem = format!("{} with the best weights is missing", self.path.display());
            return Err(TrainError::Resume(problem));
        }
        Ok(())
    }
}
