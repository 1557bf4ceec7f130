use std::path::PathBuf;

use nn_kernels::Real;

use super::callback::{Action, Callback, EpochEnd, Monitor};
use crate::checkpoint::save_weights;
use crate::error::TrainError;
use crate::model::Network;

/// Saves the network's weights whenever a value has improved.
#[derive(Debug)]
pub struct ModelCheckpoint<R: Real> {
    path: PathBuf,
    whole: Option<Network<R>>,
    monitor: Monitor,
    best: f64,
    best_epoch: Option<usize>,
}

impl<R: Real> ModelCheckpoint<R> {
    /// Keeps the weights of the best epoch in the file `path`.
    pub fn new(path: impl Into<PathBuf>, monitor: Monitor) -> Self {
        Self { path: path.into(), whole: None, monitor, best: f64::INFINITY, best_epoch: None }
    }

    /// What is trained is a part of `whole`, see [`Network::split_at`]: saves all of it, with the trained weights.
    pub fn part_of(mut self, whole: Network<R>) -> Self {
        self.whole = Some(whole);
        self
    }

    /// The best epoch so far, from 0.
    pub fn best_epoch(&self) -> Option<usize> {
        self.best_epoch
    }
}

impl<R: Real> Callback<R> for ModelCheckpoint<R> {
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        const NAME: &str = "model checkpoint";
        let cost = self.monitor.cost(NAME, end.log)?;
        if cost < self.best {
            (self.best, self.best_epoch) = (cost, Some(end.log.epoch));
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
}
