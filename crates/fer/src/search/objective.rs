//! The training of one trial.

use std::sync::atomic::{AtomicBool, Ordering};

use nn_core::error::TrainError;
use nn_core::train::{Action, Callback, EpochEnd, FitOptions, StepEnd, Trainer};
use tpe::Trial;
use tpe::storage::{FAILED_TRIAL, Storage};
use tpe::study::{Evaluation, Interrupt};

use super::space::{Choice, trial_seed};
use super::{Plan, result::SEED};
use crate::data::Dataset;
use crate::samples::Samples;
use crate::training::LOSS;

/// Trains the network of a trial.
pub(super) struct Objective<'a> {
    plan: &'a Plan<'a>,
    data: &'a Dataset,
    stop: &'a AtomicBool,
    storage: &'a dyn Storage,
}

impl<'a> Objective<'a> {
    pub fn new(
        plan: &'a Plan<'a>,
        data: &'a Dataset,
        stop: &'a AtomicBool,
        storage: &'a dyn Storage,
    ) -> Self {
        Self { plan, data, stop, storage }
    }

    /// The validation accuracy after the last epoch. Each epoch, from 1, is reported to the study.
    pub fn evaluate(
        &self,
        evaluation: &Evaluation<'_>,
        mut follow: Box<dyn Callback<f32>>,
    ) -> Result<f64, Interrupt> {
        let choice =
            Choice::new(|name| evaluation.get(name)).ok_or("the trial has no point of this space")?;
        let seed = trial_seed(self.plan.base.seed, origin(&self.storage.trial(evaluation.id())?));
        evaluation.note(SEED, &seed.into())?;
        let mut network = choice.network().build::<f32>(seed)?;
        let shape = network.input_shape().clone();
        let samples = |faces| Samples::new(faces, &shape, &self.plan.base.transform);
        let (train, val) = (samples(&self.data.train), samples(&self.data.val));
        let options = FitOptions {
            epochs: self.plan.base.epochs,
            batch_size: self.plan.batch,
            seed,
            ..FitOptions::default()
        };
        let mut reporter =
            Reporter { evaluation, stop: self.stop, interrupt: None, accuracy: None, epochs: 0 };
        Trainer::new(&mut network, LOSS, choice.optimizer())?.fit(
            &train,
            Some(&val),
            &options,
            &mut [follow.as_mut(), &mut reporter],
        )?;
        match (reporter.interrupt, reporter.accuracy) {
            (Some(interrupt), _) => Err(interrupt),
            (None, Some(accuracy)) if reporter.epochs == options.epochs => Ok(accuracy),
            _ => Err(Interrupt::Abandoned),
        }
    }
}

/// The number of the trial that this one repeats, or its own: a repetition has the same network.
fn origin(trial: &Trial) -> u64 {
    trial.system_attrs.get(FAILED_TRIAL).and_then(|number| number.as_u64()).unwrap_or(trial.number)
}

/// Tells the study of each epoch, and ends the training when the study or the user says so.
struct Reporter<'a> {
    evaluation: &'a Evaluation<'a>,
    stop: &'a AtomicBool,
    interrupt: Option<Interrupt>,
    accuracy: Option<f64>,
    epochs: usize,
}

impl Callback<f32> for Reporter<'_> {
    fn on_step_end(&mut self, _: StepEnd) -> Result<Action, TrainError> {
        Ok(if self.stop.load(Ordering::SeqCst) { Action::Stop } else { Action::Continue })
    }

    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        self.epochs = end.log.epoch + 1;
        self.accuracy = end.log.val_accuracy;
        let accuracy = end.log.val_accuracy.unwrap_or(f64::NAN);
        match self.evaluation.report(self.epochs as i64, accuracy) {
            Ok(()) if self.stop.load(Ordering::SeqCst) => Ok(Action::Stop),
            Ok(()) => Ok(Action::Continue),
            Err(interrupt) => {
                self.interrupt = Some(interrupt);
                Ok(Action::Stop)
            }
        }
    }
}
