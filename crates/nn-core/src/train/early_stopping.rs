use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use super::callback::{Action, Best, Callback, EpochEnd, Monitor};
use super::{CallbackState, TrainingState};
use crate::error::TrainError;
use crate::model::Network;
use crate::tensor::Tensor;

/// Ends training when a value has not improved for a while, with Keras's arguments and meaning.
#[derive(Debug, Clone)]
pub struct EarlyStopping<R: Real> {
    monitor: Monitor,
    min_delta: f64,
    patience: usize,
    restore_best_weights: bool,
    waiting: Waiting,
    best_weights: Vec<Tensor<R>>,
}

/// What is remembered from epoch to epoch, besides weights.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Waiting {
    best: Option<Best>,
    /// Epochs since then.
    waited: usize,
}

const NAME: &str = "early stopping";

impl<R: Real> EarlyStopping<R> {
    /// Stops after `patience` epochs in a row without an improvement of `monitor`.
    pub fn new(monitor: Monitor, patience: usize) -> Self {
        Self {
            monitor,
            min_delta: 0.0,
            patience,
            restore_best_weights: false,
            waiting: Waiting::default(),
            best_weights: Vec::new(),
        }
    }

    /// The smallest change that counts as an improvement; 0 if not set.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta.abs();
        self
    }

    /// Whether the network gets back the parameters of its best epoch; false if not set.
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// The best epoch so far, from 0.
    pub fn best_epoch(&self) -> Option<usize> {
        self.waiting.best.map(|best| best.epoch)
    }
}

impl<R: Real> Callback<R> for EarlyStopping<R> {
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        let cost = self.monitor.cost(NAME, end.log)?;
        if self.waiting.best.is_none_or(|best| cost < best.cost - self.min_delta) {
            self.waiting = Waiting { best: Some(Best { epoch: end.log.epoch, cost }), waited: 0 };
            if self.restore_best_weights {
                self.best_weights = end.network.weights();
            }
            return Ok(Action::Continue);
        }
        self.waiting.waited += 1;
        Ok(if self.waiting.waited >= self.patience { Action::Stop } else { Action::Continue })
    }

    fn state(&self) -> Option<CallbackState<R>> {
        Some(CallbackState::new(NAME, &self.waiting, self.best_weights.clone()))
    }

    fn on_resume(
        &mut self,
        state: &TrainingState<R>,
        own: Option<&CallbackState<R>>,
    ) -> Result<(), TrainError> {
        let Some(own) = own else { return Ok(()) };
        if !own.tensors().is_empty() && !state.fits(own.tensors()) {
            return Err(TrainError::Resume("the best weights are not those of the network".into()));
        }
        (self.waiting, self.best_weights) = (own.values()?, own.tensors().to_vec());
        Ok(())
    }

    fn on_train_end(&mut self, network: &mut Network<R>) -> Result<(), TrainError> {
        if !self.best_weights.is_empty() {
            network.set_weights(&self.best_weights);
        }
        Ok(())
    }
}
