//! Training: data in batches, the training step, epochs, callbacks.

mod callback;
mod checkpoints;
mod csv_log;
mod dataset;
mod early_stopping;
mod evaluate;
mod fit;
mod model_checkpoint;
mod state;
mod step;

pub use callback::{Action, Callback, EpochEnd, EpochLog, Monitor, Progress, StepEnd};
pub use checkpoints::{Checkpoints, FoundCheckpoints};
pub use csv_log::CsvLog;
pub use dataset::{ArrayDataset, Dataset, Targets};
pub use early_stopping::EarlyStopping;
pub use evaluate::{EVALUATION_BATCH, Evaluation, evaluate};
pub use fit::{FitOptions, History, check_data};
pub use model_checkpoint::ModelCheckpoint;
pub(crate) use state::Position;
pub use state::{CallbackState, TrainingState};
pub use step::{StepResult, Trainer};
pub(crate) use step::{loss_and_gradient, pass_of_training};
