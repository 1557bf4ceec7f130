//! The training of one trial.

use std::sync::atomic::{AtomicBool, Ordering};

use nn_core::error::TrainError;
use nn_core::kernels::Isa;
use nn_core::train::{
    Action, Callback, CallbackState, EpochEnd, EpochLog, FitOptions, StepEnd, Trainer, TrainingState,
};
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
    warn: &'a (dyn Fn(&str) + Sync),
    /// All that the trials depend on besides their turns and points.
    settings: String,
}

impl<'a> Objective<'a> {
    pub fn new(
        plan: &'a Plan<'a>,
        data: &'a Dataset,
        stop: &'a AtomicBool,
        warn: &'a (dyn Fn(&str) + Sync),
    ) -> Self {
        Self { plan, data, stop, warn, settings: plan.settings(data).to_string() }
    }

    /// The validation accuracy after the last epoch. Each epoch, from 1, is reported to the study. A repetition has the
    /// same network as the trial that it repeats, and goes on where that was left if there is a checkpoint.
    pub fn evaluate(
        &self,
        evaluation: &Evaluation<'_>,
        mut follow: Box<dyn Callback<f32>>,
    ) -> Result<f64, Interrupt> {
        let choice =
            Choice::new(|name| evaluation.get(name)).ok_or("the trial has no point of this space")?;
        let seed = trial_seed(self.plan.base.seed, evaluation.turn());
        evaluation.note(SEED, &seed.into())?;
        let config = choice.network();
        let mut network = config.build::<f32>(seed)?;
        let shape = network.input_shape().clone();
        let samples = |faces| Samples::new(faces, &shape, &self.plan.base.transform);
        let (train, val) = (samples(&self.data.train), samples(&self.data.val));
        let options = FitOptions {
            epochs: self.plan.base.epochs,
            batch_size: self.plan.batch,
            seed,
            ..FitOptions::default()
        };
        let warn = |problem: &str| (self.warn)(&format!("trial {}: {problem}", evaluation.number()));
        let arithmetic = Isa::current().arithmetic();
        let (config, optimizer) = (config.to_json(), choice.optimizer());
        let training = format!("{seed} {config} {optimizer:?} {} {arithmetic}", self.settings);
        let (mut kept, state) = self.plan.keep.trial(evaluation.turn(), &training, &warn);
        let mut reporter =
            Reporter { evaluation, stop: self.stop, interrupt: None, accuracy: None, epochs: 0 };
        let trained = Trainer::new(&mut network, LOSS, choice.optimizer())?.fit_from(
            state,
            &train,
            Some(&val),
            &options,
            &mut [follow.as_mut(), &mut reporter, &mut kept],
        );
        let value = match (trained, reporter.interrupt, reporter.accuracy) {
            (Err(error), ..) => Err(error.into()),
            (_, Some(interrupt), _) => Err(interrupt),
            (_, _, Some(accuracy)) if reporter.epochs == options.epochs => Ok(accuracy),
            _ => return Err(Interrupt::Abandoned),
        };
        kept.remove();
        value
    }
}

/// Tells the study of each epoch, and leaves the training when the study or the user says so.
struct Reporter<'a> {
    evaluation: &'a Evaluation<'a>,
    stop: &'a AtomicBool,
    interrupt: Option<Interrupt>,
    accuracy: Option<f64>,
    epochs: usize,
}

impl Reporter<'_> {
    fn report(&mut self, log: &EpochLog) {
        self.epochs = log.epoch + 1;
        self.accuracy = log.val_accuracy;
        let accuracy = log.val_accuracy.unwrap_or(f64::NAN);
        self.interrupt = self.evaluation.report(self.epochs as i64, accuracy).err();
    }

    fn action(&self) -> Action {
        let leave = self.interrupt.is_some() || self.stop.load(Ordering::SeqCst);
        if leave { Action::Pause } else { Action::Continue }
    }
}

impl Callback<f32> for Reporter<'_> {
    fn on_resume(
        &mut self,
        state: &TrainingState<f32>,
        _own: Option<&CallbackState<f32>>,
    ) -> Result<(), TrainError> {
        // What the trial that is repeated has reported already, for the pruner and whoever looks at the curves.
        for log in state.history() {
            self.report(log);
            if self.interrupt.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn on_step_end(&mut self, _: StepEnd) -> Result<Action, TrainError> {
        Ok(self.action())
    }

    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        self.report(end.log);
        Ok(self.action())
    }
}
