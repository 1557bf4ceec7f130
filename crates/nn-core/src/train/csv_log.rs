use std::fs::File;
use std::path::{Path, PathBuf};

use nn_kernels::Real;

use super::callback::{Action, Callback, EpochEnd, EpochLog};
use super::{CallbackState, TrainingState};
use crate::error::TrainError;

/// Writes one line per epoch to a CSV file, with Keras's column names and epochs counted from 0. Where training is
/// continued, the file begins with the epochs before.
#[derive(Debug)]
pub struct CsvLog {
    path: PathBuf,
    writer: csv::Writer<File>,
    begun: bool,
}

const COLUMNS: [&str; 7] =
    ["epoch", "accuracy", "loss", "learning_rate", "val_accuracy", "val_loss", "seconds"];

impl CsvLog {
    /// Creates the file; an existing one is emptied when training begins, and not if that is refused.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path) -> Result<Self, TrainError> {
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let writer = csv::Writer::from_writer(file.map_err(|e| failed(path, e))?);
        Ok(Self { path: path.into(), writer, begun: false })
    }

    fn write(&mut self, record: [String; 7]) -> Result<(), TrainError> {
        let written = self.writer.write_record(record).map_err(|e| failed(&self.path, e));
        written.and_then(|()| self.writer.flush().map_err(|e| failed(&self.path, e)))
    }

    fn write_epoch(&mut self, log: &EpochLog) -> Result<(), TrainError> {
        let optional = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        self.write([
            log.epoch.to_string(),
            log.accuracy.to_string(),
            log.loss.to_string(),
            log.learning_rate.to_string(),
            optional(log.val_accuracy),
            optional(log.val_loss),
            format!("{:.3}", log.seconds),
        ])
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> TrainError {
    TrainError::Callback { callback: "CSV log", problem: format!("{}: {error}", path.display()) }
}

impl<R: Real> Callback<R> for CsvLog {
    fn on_train_begin(&mut self, _epochs: usize, _steps: usize) -> Result<(), TrainError> {
        if !std::mem::replace(&mut self.begun, true) {
            self.writer.get_ref().set_len(0).map_err(|e| failed(&self.path, e))?;
            self.write(COLUMNS.map(String::from))?;
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, end: EpochEnd<R>) -> Result<Action, TrainError> {
        self.write_epoch(end.log)?;
        Ok(Action::Continue)
    }

    fn on_resume(
        &mut self,
        state: &TrainingState<R>,
        _own: Option<&CallbackState<R>>,
    ) -> Result<(), TrainError> {
        state.history().iter().try_for_each(|log| self.write_epoch(log))
    }
}
