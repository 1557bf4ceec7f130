use nn_kernels::Real;

use super::callback::{Action, Callback, EpochEnd, Monitor};
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
    best: f64,
    waited: usize,
    best_epoch: Option<usize>,
    best_weights: Vec<Tensor<R>>,
}

impl<R: Real> EarlyStopping<R> {
    /// Stops after `patience` epochs in a row without an improvement of `monitor`.
    pub fn new(monitor: Monitor, patience: usize) -> Self {
        Self {
            monitor,
            min_delta: 0.0,
            patience,
            restore_best_weights: false,
            best: f64::INFINITY,
            waited: 0,
            best_epoch: None,
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
        self.best_epoch
    }
}

impl<R: Real> Callback<R> for EarlyStopping<R> {
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        let cost = self.monitor.cost("early stopping", end.log)?;
        if cost < self.best - self.min_delta {
            (self.best, self.waited, self.best_epoch) = (cost, 0, Some(end.log.epoch));
            if self.restore_best_weights {
                self.best_weights = end.network.weights();
            }
            return Ok(Action::Continue);
        }
        self.waited += 1;
        Ok(if self.waited >= self.patience { Action::Stop } else { Action::Continue })
    }

    fn on_train_end(&mut self, network: &mut Network<R>) -> Result<(), TrainError> {
        if !self.best_weights.is_empty() {
            network.set_weights(&self.best_weights);
        }
        Ok(())
    }
}
