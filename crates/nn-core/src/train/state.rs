use nn_kernels::Real;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{EpochLog, FitOptions, History};
use crate::error::TrainError;
use crate::model::Network;
use crate::optim::{Optimizer, OptimizerConfig};
use crate::tensor::Tensor;

/// How far training has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// The epoch that is under way, or that comes next if `step` is 0; from 0.
    pub epoch: usize,
    /// Steps of the epoch that are done.
    pub step: usize,
    /// Sum of the loss over the epoch's samples so far.
    pub loss: f64,
    /// The epoch's samples so far whose class was predicted.
    pub correct: usize,
    /// The epoch's samples so far.
    pub samples: usize,
    /// Wall time of the epoch so far.
    pub seconds: f64,
    /// The finished epochs.
    pub history: History,
    /// Whether a callback has ended training.
    pub ended: bool,
}

/// All that training depends on after a step, so that it can be continued from there bit for bit.
///
/// Randomness needs no state: its streams are keyed by seed, epoch and step (see [`rng`](crate::rng)). What
/// does not change during training (data, network, loss) is not part of it.
///
/// [`Callback::on_state`](super::Callback::on_state) is handed one, [`TrainingState::save`] and
/// [`TrainingState::load`] keep it in a file, and [`Trainer::fit_from`](super::Trainer::fit_from) continues.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingState<R: Real> {
    pub(crate) position: Position,
    pub(crate) options: FitOptions,
    /// Samples of the training data.
    pub(crate) samples: usize,
    pub(crate) optimizer: OptimizerConfig,
    pub(crate) iterations: u64,
    /// Names and values, running statistics included.
    pub(crate) params: Vec<(String, Tensor<R>)>,
    /// The optimiser's accumulators of each parameter.
    pub(crate) slots: Vec<Vec<Vec<R>>>,
    pub(crate) callbacks: Vec<CallbackState<R>>,
}

/// What a callback remembers from epoch to epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackState<R: Real> {
    pub(crate) name: String,
    pub(crate) values: serde_json::Value,
    pub(crate) tensors: Vec<Tensor<R>>,
}

impl<R: Real> CallbackState<R> {
    /// The state of the callback `name`: plain values, whose numbers must be finite, and tensors.
    ///
    /// # Panics
    /// If the values cannot be written as JSON, such as maps with keys that are no strings.
    pub fn new(name: &str, values: &impl Serialize, tensors: Vec<Tensor<R>>) -> Self {
        let values = serde_json::to_value(values).expect("plain values");
        Self { name: name.into(), values, tensors }
    }

    /// The values.
    ///
    /// # Errors
    /// If they are not those of a `T`.
    pub fn values<T: DeserializeOwned>(&self) -> Result<T, TrainError> {
        let problem = |e| TrainError::Resume(format!("the state of {:?} is not understood: {e}", self.name));
        T::deserialize(&self.values).map_err(problem)
    }

    /// The tensors.
    pub fn tensors(&self) -> &[Tensor<R>] {
        &self.tensors
    }
}

impl<R: Real> TrainingState<R> {
    pub(super) fn of(
        position: &Position,
        options: &FitOptions,
        samples: usize,
        network: &Network<R>,
        optimizer: &Optimizer<R>,
        callbacks: Vec<CallbackState<R>>,
    ) -> Self {
        let params: Vec<_> = network.params().map(|(name, param)| (name, param.value.clone())).collect();
        // Before the first step there are none.
        let mut slots = optimizer.slots().to_vec();
        slots.resize(params.len(), Vec::new());
        Self {
            position: position.clone(),
            options: options.clone(),
            samples,
            optimizer: *optimizer.config(),
            iterations: optimizer.iterations(),
            params,
            slots,
            callbacks,
        }
    }

    /// The epoch that is under way, or that comes next if no step of it is done; from 0.
    pub fn epoch(&self) -> usize {
        self.position.epoch
    }

    /// Steps of the epoch that are done.
    pub fn step(&self) -> usize {
        self.position.step
    }

    /// What the finished epochs measured.
    pub fn history(&self) -> &[EpochLog] {
        &self.position.history
    }

    /// Whether there is nothing left to train: all epochs are done, or a callback has ended training.
    pub fn is_finished(&self) -> bool {
        self.position.ended || self.position.epoch >= self.options.epochs
    }

    /// Values of the parameters, running statistics included, in the order of [`Network::params`].
    pub fn weights(&self) -> Vec<Tensor<R>> {
        self.params.iter().map(|(_, value)| value.clone()).collect()
    }

    /// Whether `weights` could be those of the network: of as many tensors, in the same shapes.
    pub(super) fn fits(&self, weights: &[Tensor<R>]) -> bool {
        let shapes = self.params.iter().map(|(_, value)| value.shape());
        weights.iter().map(|weight| weight.shape()).eq(shapes)
    }

    /// Checks that training with these parts can continue from here, so that restoring cannot fail.
    ///
    /// # Errors
    /// The first difference.
    pub(super) fn check(
        &self,
        network: &Network<R>,
        optimizer: &Optimizer<R>,
        options: &FitOptions,
        samples: usize,
    ) -> Result<(), TrainError> {
        let differs = |what: &str, then: &dyn std::fmt::Debug, now: &dyn std::fmt::Debug| {
            Err(TrainError::Resume(format!("{what} was {then:?} and is {now:?}")))
        };
        // More or fewer epochs are no contradiction.
        let then = FitOptions { epochs: options.epochs, ..self.options.clone() };
        if then != *options {
            return differs("the way through the data", &then, options);
        }
        if self.samples != samples {
            return differs("the number of training samples", &self.samples, &samples);
        }
        // The learning rate is part of the state: it may have been changed on the way.
        let mut now = *optimizer.config();
        now.set_learning_rate(self.optimizer.learning_rate());
        if now != self.optimizer {
            return differs("the optimiser", &self.optimizer, &now);
        }
        let mut then = self.params.iter().map(|(name, value)| (name.clone(), value.shape()));
        let mut now = network.params().map(|(name, param)| (name, param.value.shape()));
        loop {
            match (then.next(), now.next()) {
                (None, None) => break,
                (then, now) if then != now => return differs("a parameter", &then, &now),
                _ => {}
            }
        }
        let slots = self.optimizer.slots();
        let fits = |(value, own): (&Tensor<R>, &Vec<Vec<R>>)| {
            own.is_empty() || own.len() == slots && own.iter().all(|slot| slot.len() == value.len())
        };
        let values = self.params.iter().map(|(_, value)| value);
        let position = &self.position;
        let steps = samples.div_ceil(options.batch_size);
        let sound = self.slots.len() == self.params.len()
            && values.zip(&self.slots).all(fits)
            && position.step <= steps
            && position.samples == position.step.saturating_mul(options.batch_size).min(samples)
            && position.history.len() == position.epoch;
        if sound { Ok(()) } else { Err(TrainError::Resume("it contradicts itself".into())) }
    }
}
