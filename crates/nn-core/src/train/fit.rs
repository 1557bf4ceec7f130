use std::time::Instant;

use nn_kernels::{Real, parallel};

use super::callback::{Action, Callback, EpochEnd, EpochLog, StepEnd};
use super::evaluate::evaluate_with;
use super::{Dataset, Trainer};
use crate::error::TrainError;
use crate::inspect;
use crate::model::Network;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor};

/// How [`Trainer::fit`] goes through the data.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Passes over the data.
    pub epochs: usize,
    /// Samples per step; the last step of an epoch gets what remains.
    pub batch_size: usize,
    /// Seed of the shuffle and of dropout.
    pub seed: u64,
    /// Whether each epoch has an order of its own.
    pub shuffle: bool,
    /// The weight of each class in the loss; 1 if not given.
    pub class_weight: Option<Vec<f64>>,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self { epochs: 1, batch_size: 32, seed: 0, shuffle: true, class_weight: None }
    }
}

/// What each epoch of a training run measured.
pub type History = Vec<EpochLog>;

impl<R: Real> Trainer<'_, R> {
    /// Trains for a number of epochs, validating after each one if `validation` is given.
    ///
    /// The same seed gives the same bits, for any number of threads: the order of epoch `e` is a permutation
    /// keyed by (seed, e), dropout masks by (seed, epoch, step, layer).
    ///
    /// # Errors
    /// If an option or the data do not fit, a loss is not finite (the error names step and layer; the
    /// parameters are those before that step), or a callback fails.
    pub fn fit(
        &mut self,
        data: &dyn Dataset<R>,
        validation: Option<&dyn Dataset<R>>,
        options: &FitOptions,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<History, TrainError> {
        self.check(data, validation, options)?;
        self.ctx = crate::Context::new(options.seed);
        let steps = data.len().div_ceil(options.batch_size);
        for callback in callbacks.iter_mut() {
            callback.on_train_begin(options.epochs, steps)?;
        }
        let mut history = History::new();
        for epoch in 0..options.epochs {
            let start = Instant::now();
            let Some(mut log) = self.epoch(epoch, data, options, callbacks)? else { break };
            if let Some(validation) = validation {
                let result =
                    evaluate_with(self.network, &self.loss, validation, options.batch_size, &mut self.ctx)?;
                if !result.loss.is_finite() {
                    let place = inspect::first_non_finite(self.network, None);
                    return Err(TrainError::NonFinite {
                        loss: result.loss,
                        epoch: epoch + 1,
                        step: 0,
                        place,
                    });
                }
                (log.val_loss, log.val_accuracy) = (Some(result.loss), Some(result.accuracy));
            }
            log.seconds = start.elapsed().as_secs_f64();
            history.push(log.clone());
            let mut action = Action::Continue;
            for callback in callbacks.iter_mut() {
                let end = EpochEnd { log: &log, network: self.network };
                action = action.max(callback.on_epoch_end(end)?);
            }
            if action == Action::Stop {
                break;
            }
        }
        for callback in callbacks.iter_mut() {
            callback.on_train_end(self.network)?;
        }
        Ok(history)
    }

    /// One epoch of training steps; `None` if a callback stopped it before its end.
    fn epoch(
        &mut self,
        epoch: usize,
        data: &dyn Dataset<R>,
        options: &FitOptions,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<Option<EpochLog>, TrainError> {
        let order = if options.shuffle {
            Stream::new(options.seed, Purpose::Shuffle, epoch as u64, 0).permutation(data.len())
        } else {
            (0..data.len()).collect()
        };
        let steps = data.len().div_ceil(options.batch_size);
        // As Keras does, the reported values are means over the epoch, each step weighted by its samples.
        let (mut loss, mut correct, mut samples) = (0.0, 0, 0);
        let batches: Vec<&[usize]> = order.chunks(options.batch_size).collect();
        let fetch = |indices: &[usize], mut x: Tensor<R>| {
            let targets = data.batch(epoch as u64, indices, x.elements_mut());
            (x, targets)
        };
        let mut fetched = fetch(batches[0], self.batch_buffer(data, batches[0]));
        for step in 0..steps {
            self.ctx.set_step(epoch as u64, step as u64);
            let next = batches.get(step + 1).map(|&indices| (indices, self.batch_buffer(data, indices)));
            let (x, targets) = &fetched;
            let weight_of =
                |weights: &Vec<f64>| (0..targets.len()).map(|i| weights[targets.class(i)]).collect();
            let weights: Option<Vec<f64>> = options.class_weight.as_ref().map(weight_of);
            // A data set that computes its samples does so beside the step before.
            let (result, next) = parallel::join(
                || self.step(x, targets, weights.as_deref()),
                || next.map(|(indices, buffer)| fetch(indices, buffer)),
            );
            if !result.loss.is_finite() {
                let place = inspect::first_non_finite(self.network, Some(x));
                return Err(TrainError::NonFinite {
                    loss: result.loss,
                    epoch: epoch + 1,
                    step: step + 1,
                    place,
                });
            }
            if let Some(next) = next {
                self.ctx.recycle(std::mem::replace(&mut fetched, next).0);
            }
            loss += result.loss * result.samples as f64;
            correct += result.correct;
            samples += result.samples;
            let mut action = Action::Continue;
            for callback in callbacks.iter_mut() {
                action = action.max(callback.on_step_end(StepEnd {
                    epoch,
                    step,
                    steps,
                    loss: loss / samples as f64,
                    accuracy: correct as f64 / samples as f64,
                })?);
            }
            if action == Action::Stop && step + 1 < steps {
                return Ok(None);
            }
        }
        self.ctx.recycle(fetched.0);
        Ok(Some(EpochLog {
            epoch,
            loss: loss / samples as f64,
            accuracy: correct as f64 / samples as f64,
            val_loss: None,
            val_accuracy: None,
            learning_rate: self.optimizer.config().learning_rate(),
            seconds: 0.0,
        }))
    }

    fn batch_buffer(&mut self, data: &dyn Dataset<R>, indices: &[usize]) -> Tensor<R> {
        self.ctx.buffer(&data.sample_shape().batch(indices.len()))
    }

    /// Checks everything that [`Trainer::fit`] checks before it begins.
    ///
    /// # Errors
    /// If an option or the data do not fit.
    pub fn check(
        &self,
        data: &dyn Dataset<R>,
        validation: Option<&dyn Dataset<R>>,
        options: &FitOptions,
    ) -> Result<(), TrainError> {
        check_data(self.network, data, "training")?;
        validation.map_or(Ok(()), |data| check_data(self.network, data, "validation"))?;
        if options.epochs == 0 {
            return Err(TrainError::option("epochs", 0, "at least 1"));
        }
        if options.batch_size == 0 {
            return Err(TrainError::option("batch_size", 0, "at least 1"));
        }
        if let Some(weights) = &options.class_weight {
            let classes = self.network.channels();
            if weights.len() != classes {
                let got = format!("{} weights", weights.len());
                return Err(TrainError::option(
                    "class_weight",
                    got,
                    format!("one for each of {classes} classes"),
                ));
            }
            let bad = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0));
            if let Some(weight) = bad {
                return Err(TrainError::option("class_weight", weight, "finite numbers of at least 0"));
            }
            if weights.iter().all(|&w| w == 0.0) {
                return Err(TrainError::option("class_weight", 0, "at least one weight above 0"));
            }
        }
        Ok(())
    }
}

/// Checks that a data set's samples and targets fit a network; `what` names the data in the message.
///
/// # Errors
/// If they do not, or there are none.
pub fn check_data<R: Real>(
    network: &Network<R>,
    data: &dyn Dataset<R>,
    what: &str,
) -> Result<(), TrainError> {
    if data.is_empty() {
        return Err(TrainError::Data(format!("the {what} data are empty")));
    }
    if data.sample_shape() != *network.input_shape() {
        let (got, expected) = (data.sample_shape(), network.input_shape());
        return Err(TrainError::Data(format!(
            "the {what} data have samples of shape {got}, network {:?} takes {expected}",
            network.name()
        )));
    }
    data.check_targets(network.output_shape())
        .map_err(|problem| TrainError::Data(format!("the {what} data: {problem}")))
}
