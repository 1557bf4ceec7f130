use std::time::Instant;

use nn_kernels::{Real, parallel};
use serde::{Deserialize, Serialize};

use super::callback::{Action, Callback, EpochEnd, EpochLog, StepEnd};
use super::evaluate::evaluate_with;
use super::{Dataset, Position, Trainer, TrainingState};
use crate::error::TrainError;
use crate::inspect;
use crate::model::{Network, Outline};
use crate::number::{expectation, usable};
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor};

/// How [`Trainer::fit`] goes through the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
        self.fit_from(None, data, validation, options, callbacks)
    }

    /// [`Trainer::fit`], continued from where it was when `state` was taken; from the beginning if there is none.
    ///
    /// With the same data, network, loss and options the result is that of training in one go, bit for bit, for
    /// any number of threads. The callbacks must be of the same kinds in the same order. `options.epochs` may
    /// differ. The history returned begins with the epochs before.
    ///
    /// # Errors
    /// If the state is of other training, which changes nothing; else as for [`Trainer::fit`].
    pub fn fit_from(
        &mut self,
        state: Option<TrainingState<R>>,
        data: &dyn Dataset<R>,
        validation: Option<&dyn Dataset<R>>,
        options: &FitOptions,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<History, TrainError> {
        self.check(data, validation, options)?;
        if let Some(state) = &state {
            state.check(self.network, &self.optimizer, options, data.len())?;
        }
        self.ctx = crate::Context::new(options.seed);
        let steps = data.len().div_ceil(options.batch_size);
        for callback in callbacks.iter_mut() {
            callback.on_train_begin(options.epochs, steps)?;
        }
        let mut at = match state {
            Some(state) => self.restore(state, callbacks)?,
            None => Position::default(),
        };
        while !at.ended && at.epoch < options.epochs {
            let Some(log) = self.epoch(&mut at, data, validation, options, callbacks)? else { break };
            let history = at.history.into_iter().chain([log.clone()]).collect();
            at = Position { epoch: at.epoch + 1, history, ended: at.ended, ..Position::default() };
            let mut action = if at.ended { Action::Stop } else { Action::Continue };
            for callback in callbacks.iter_mut() {
                let end = EpochEnd { log: &log, network: self.network };
                action = action.max(callback.on_epoch_end(end)?);
            }
            if self.obey(action, &mut at, data.len(), options, callbacks)? {
                break;
            }
        }
        for callback in callbacks.iter_mut() {
            callback.on_train_end(self.network)?;
        }
        Ok(at.history)
    }

    /// What remains of an epoch, and its validation; `None` if a callback ended it before that.
    fn epoch(
        &mut self,
        at: &mut Position,
        data: &dyn Dataset<R>,
        validation: Option<&dyn Dataset<R>>,
        options: &FitOptions,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<Option<EpochLog>, TrainError> {
        let (start, seconds_before) = (Instant::now(), at.seconds);
        let epoch = at.epoch;
        let order = if options.shuffle {
            Stream::new(options.seed, Purpose::Shuffle, epoch as u64, 0).permutation(data.len())
        } else {
            (0..data.len()).collect()
        };
        let steps = data.len().div_ceil(options.batch_size);
        let batches: Vec<&[usize]> = order.chunks(options.batch_size).collect();
        let fetch = |indices: &[usize], mut x: Tensor<R>| {
            let targets = data.batch(epoch as u64, indices, x.elements_mut());
            (x, targets)
        };
        let first = batches.get(at.step).map(|&indices| (indices, self.batch_buffer(data, indices)));
        let mut fetched = first.map(|(indices, buffer)| fetch(indices, buffer));
        for step in at.step..steps {
            let Some((x, targets)) = &fetched else { break };
            self.ctx.set_step(epoch as u64, step as u64);
            let next = batches.get(step + 1).map(|&indices| (indices, self.batch_buffer(data, indices)));
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
            if let Some((x, _)) = std::mem::replace(&mut fetched, next) {
                self.ctx.recycle(x);
            }
            // As Keras does, the reported values are means over the epoch, each step weighted by its samples.
            at.step = step + 1;
            at.loss += result.loss * result.samples as f64;
            at.correct += result.correct;
            at.samples += result.samples;
            at.seconds = seconds_before + start.elapsed().as_secs_f64();
            let mut action = Action::Continue;
            for callback in callbacks.iter_mut() {
                action = action.max(callback.on_step_end(StepEnd {
                    epoch,
                    step,
                    steps,
                    loss: at.loss / at.samples as f64,
                    accuracy: at.correct as f64 / at.samples as f64,
                })?);
            }
            if action == Action::Stop && at.step == steps {
                // An epoch whose steps are done gets its log.
                at.ended = true;
            } else if self.obey(action, at, data.len(), options, callbacks)? {
                return Ok(None);
            }
        }
        let result = validation
            .map(|data| evaluate_with(self.network, &self.loss, data, options.batch_size, &mut self.ctx))
            .transpose()
            .map_err(|error| match error {
                TrainError::Outputs { place, .. } => {
                    TrainError::NonFinite { loss: f64::NAN, epoch: epoch + 1, step: 0, place }
                }
                other => other,
            })?;
        if let Some(result) = result.filter(|result| !result.loss.is_finite()) {
            let place = inspect::first_non_finite(self.network, None);
            return Err(TrainError::NonFinite { loss: result.loss, epoch: epoch + 1, step: 0, place });
        }
        Ok(Some(EpochLog {
            epoch,
            loss: at.loss / at.samples as f64,
            accuracy: at.correct as f64 / at.samples as f64,
            val_loss: result.map(|result| result.loss),
            val_accuracy: result.map(|result| result.accuracy),
            learning_rate: self.optimizer.config().learning_rate(),
            seconds: seconds_before + start.elapsed().as_secs_f64(),
        }))
    }

    fn batch_buffer(&mut self, data: &dyn Dataset<R>, indices: &[usize]) -> Tensor<R> {
        self.ctx.buffer(&data.sample_shape().batch(indices.len()))
    }

    /// Does what the callbacks ask; true if training is to be left.
    fn obey(
        &self,
        action: Action,
        at: &mut Position,
        samples: usize,
        options: &FitOptions,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<bool, TrainError> {
        at.ended |= action == Action::Stop;
        if action >= Action::Save {
            let states = callbacks.iter().filter_map(|callback| callback.state()).collect();
            let state = TrainingState::of(at, options, samples, self.network, &self.optimizer, states);
            callbacks.iter_mut().try_for_each(|callback| callback.on_state(&state))?;
        }
        Ok(action >= Action::Pause)
    }

    /// Puts everything back as it was; the state was checked.
    fn restore(
        &mut self,
        state: TrainingState<R>,
        callbacks: &mut [&mut dyn Callback<R>],
    ) -> Result<Position, TrainError> {
        let mut theirs = state.callbacks.iter();
        for callback in callbacks.iter_mut() {
            let own = match callback.state() {
                Some(fresh) => match theirs.next() {
                    Some(own) if own.name == fresh.name => Some(own),
                    own => {
                        let (then, now) = (own.map_or("none", |own| &own.name), fresh.name);
                        return Err(TrainError::Resume(format!("callback {now:?} was {then:?}")));
                    }
                },
                None => None,
            };
            callback.on_resume(&state, own)?;
        }
        if let Some(left) = theirs.next() {
            return Err(TrainError::Resume(format!("callback {:?} is missing", left.name)));
        }
        self.network.set_weights(&state.weights());
        self.optimizer.set_learning_rate(state.optimizer.learning_rate());
        self.optimizer.restore(state.iterations, state.slots);
        Ok(state.position)
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
        self.check_memory(options.batch_size.min(data.len()))?;
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
            let bad = weights.iter().find(|&&weight| !usable::<R>(weight, |weight| weight >= 0.0));
            if let Some(&weight) = bad {
                let expected = expectation::<R>(weight, "finite numbers of at least 0");
                return Err(TrainError::option("class_weight", weight, expected));
            }
            if weights.iter().all(|&w| w == 0.0) {
                return Err(TrainError::option("class_weight", 0, "at least one weight above 0"));
            }
        }
        Ok(())
    }

    /// Checks that parameters, gradients, the optimiser's accumulators and the outputs of all layers for a batch fit into
    /// the memory that the network may take.
    fn check_memory(&self, batch: usize) -> Result<(), TrainError> {
        let copies = 2 + self.optimizer.config().slots() as u64;
        let fits = Outline::of(self.network).fits::<R>(copies, batch as u64, self.network.memory());
        fits.map_err(|problem| TrainError::Data(format!("training in batches of {batch}: {problem}")))
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
    let wrong = |problem| TrainError::Data(format!("the {what} data: {problem}"));
    if let Some(classes) = data.classes() {
        let outputs = network.channels();
        if outputs != classes {
            let name = network.name();
            return Err(wrong(format!("{classes} classes, but network {name:?} has {outputs} outputs")));
        }
    }
    data.check_targets(network.output_shape()).map_err(wrong)
}
