use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use super::{CallbackState, TrainingState};
use crate::error::TrainError;
use crate::model::Network;

/// What one epoch measured. `loss` and `accuracy` are means over the training steps, with dropout and with
/// the parameters changing underneath, as Keras reports them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochLog {
    /// Number of the epoch, from 0.
    pub epoch: usize,
    /// Mean training loss, penalties included.
    pub loss: f64,
    /// Share of training samples whose class was predicted.
    pub accuracy: f64,
    /// Loss on the validation data, penalties included.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation data.
    pub val_accuracy: Option<f64>,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Wall time of the epoch, validation included.
    pub seconds: f64,
}

/// The state after a step.
#[derive(Debug, Clone, Copy)]
pub struct StepEnd {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Step of the epoch, from 0.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Mean loss of the epoch so far.
    pub loss: f64,
    /// Accuracy of the epoch so far.
    pub accuracy: f64,
}

/// The state after an epoch.
#[derive(Debug)]
pub struct EpochEnd<'a, R: Real> {
    /// What the epoch measured.
    pub log: &'a EpochLog,
    /// The network, which a callback may change.
    pub network: &'a mut Network<R>,
}

/// What a callback asks of the training loop; of what several ask, the last in this list is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Go on.
    Continue,
    /// Hand every callback the state, see [`Callback::on_state`], and go on.
    Save,
    /// Hand every callback the state and leave: training is to be continued later.
    Pause,
    /// Hand every callback the state and leave: training is over.
    Stop,
}

/// Something that follows training and may end it.
#[allow(unused_variables)] // The provided methods ignore their arguments.
pub trait Callback<R: Real> {
    /// Before the first epoch.
    ///
    /// # Errors
    /// If the callback cannot do its work; training does not begin.
    fn on_train_begin(&mut self, epochs: usize, steps_per_epoch: usize) -> Result<(), TrainError> {
        Ok(())
    }

    /// After each step.
    ///
    /// # Errors
    /// If the callback cannot do its work; training ends.
    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        Ok(Action::Continue)
    }

    /// After each epoch and its validation.
    ///
    /// # Errors
    /// If the callback cannot do its work; training ends.
    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        Ok(Action::Continue)
    }

    /// When some callback has asked for it: all that it takes to continue from here.
    ///
    /// # Errors
    /// If the callback cannot do its work; training ends.
    fn on_state(&mut self, state: &TrainingState<R>) -> Result<(), TrainError> {
        Ok(())
    }

    /// What this callback has to remember when training is continued in another process. One that remembers
    /// something always gives a state, one that does not never.
    fn state(&self) -> Option<CallbackState<R>> {
        None
    }

    /// After `on_train_begin`, where training continues from `state`; `own` is what [`Callback::state`] of the
    /// callback in the same place gave.
    ///
    /// # Errors
    /// If it cannot be continued; no step is done.
    fn on_resume(
        &mut self,
        state: &TrainingState<R>,
        own: Option<&CallbackState<R>>,
    ) -> Result<(), TrainError> {
        Ok(())
    }

    /// After the last epoch, however training ended, unless by an error.
    ///
    /// # Errors
    /// If the callback cannot do its work.
    fn on_train_end(&mut self, network: &mut Network<R>) -> Result<(), TrainError> {
        Ok(())
    }
}

/// A callback from two closures: for a progress display, or to stop from outside.
pub struct Progress<S, E> {
    /// Called after each step.
    pub step: S,
    /// Called after each epoch.
    pub epoch: E,
}

impl<R: Real, S: FnMut(StepEnd) -> Action, E: FnMut(&EpochLog) -> Action> Callback<R> for Progress<S, E> {
    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        Ok((self.step)(end))
    }

    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        Ok((self.epoch)(end.log))
    }
}

/// The measured value that decides which epoch is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monitor {
    /// Training loss; smaller is better.
    Loss,
    /// Training accuracy; larger is better.
    Accuracy,
    /// Validation loss; smaller is better.
    ValLoss,
    /// Validation accuracy; larger is better.
    ValAccuracy,
}

impl Monitor {
    /// The value in `log`, negated where larger is better, so that smaller always is.
    ///
    /// # Errors
    /// If the value is a validation value and there is no validation data.
    pub(super) fn cost(self, callback: &'static str, log: &EpochLog) -> Result<f64, TrainError> {
        let value = match self {
            Self::Loss => Some(log.loss),
            Self::Accuracy => Some(-log.accuracy),
            Self::ValLoss => log.val_loss,
            Self::ValAccuracy => log.val_accuracy.map(|accuracy| -accuracy),
        };
        value.ok_or_else(|| {
            let problem = format!("cannot watch {self:?} without validation data");
            TrainError::Callback { callback, problem }
        })
    }
}

/// The best epoch so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Best {
    pub epoch: usize,
    pub cost: f64,
}
