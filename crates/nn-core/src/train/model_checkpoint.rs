use std::path::PathBuf;

use nn_kernels::Real;

use super::callback::{Action, Callback, EpochEnd, Monitor};
use crate::checkpoint::save_weights;
use crate::error::TrainError;

/// Saves the network's weights whenever a value has improved.
#[derive(Debug, Clone)]
pub struct ModelCheckpoint {
    path: PathBuf,
    monitor: Monitor,
    best: f64,
    best_epoch: Option<usize>,
}

impl ModelCheckpoint {
    /// Keeps the weights of the best epoch in the file `path`.
    pub fn new(path: impl Into<PathBuf>, monitor: Monitor) -> Self {
        Self { path: path.into(), monitor, best: f64::INFINITY, best_epoch: None }
    }

    /// The best epoch so far, from 0.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }
}

impl<R: Real> Callback<R> for ModelCheckpoint {
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        const NAME: &str = "model checkpoint";
        let cost = self.monitor.cost(NAME, end.log)?;
        if cost < self.best {
            (self.best, self.best_epoch) = (cost, Some(end.log.epoch));
            save_weights(end.network, &self.path)
                .map_err(|e| TrainError::Callback { callback: NAME, problem: e.to_string() })?;
        }
        Ok(Action::Continue)
    }
}
