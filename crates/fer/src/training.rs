//! A training run from settings and data to a run folder.

use std::time::Instant;

use nn_core::checkpoint::save_weights;
use nn_core::error::{BuildError, TrainError, WeightsError};
use nn_core::loss::Loss;
use nn_core::model::Network;
use nn_core::train::{
    Action, Callback, CsvLog, EVALUATION_BATCH, EarlyStopping, EpochEnd, FitOptions, ModelCheckpoint,
    Monitor, StepEnd, Trainer, check_data, evaluate,
};
use serde::Serialize;
use thiserror::Error;

use crate::data::{Dataset, Faces};
use crate::environment::Environment;
use crate::run::{RunError, RunFolder};
use crate::samples::Samples;
use crate::settings::{ResolvedSettings, SettingsError};

/// Why a training run failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The settings do not fit the data.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The network cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Training could not start or had to stop.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The run folder cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Weights cannot be written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

/// What a run reached. Accuracies and losses are those of the final weights in evaluation mode.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingResult {
    /// The model's name.
    pub model: String,
    /// Number of parameters.
    pub params: usize,
    /// Epochs trained.
    pub epochs: usize,
    /// Wall time of training, validation after each epoch included.
    pub seconds: f64,
    /// Share of training images whose emotion was predicted.
    pub train_acc: f64,
    /// The same for validation images.
    pub val_acc: f64,
    /// The same for test images.
    pub test_acc: f64,
    /// Loss on the training images, penalties included.
    pub train_loss: f64,
    /// Loss on the validation images, penalties included.
    pub val_loss: f64,
    /// Loss on the test images, penalties included.
    pub test_loss: f64,
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// After its last epoch, or by early stopping.
    Finished(TrainingResult),
    /// From outside; the weights so far are in `last.safetensors`.
    Interrupted,
}

/// A training run of which everything was checked that can be checked before it begins.
#[derive(Debug)]
pub struct Training<'a> {
    settings: &'a ResolvedSettings,
    data: &'a Dataset,
    network: Network<f32>,
    options: FitOptions,
    /// The content of `config.toml`.
    config: String,
}

/// The loss of every run: cross-entropy of class numbers, after the softmax at the network's end.
pub const LOSS: Loss = Loss::SparseCategoricalCrossentropy { from_logits: false };

impl<'a> Training<'a> {
    /// Builds the network and checks that settings, data and network fit together. Writes nothing.
    ///
    /// # Errors
    /// If they do not.
    pub fn prepare(settings: &'a ResolvedSettings, data: &'a Dataset) -> Result<Self, TrainingError> {
        let mut network = settings.network.build::<f32>(settings.seed)?;
        let options = FitOptions {
            epochs: settings.epochs,
            batch_size: settings.batch(data.train.len())?,
            seed: settings.seed,
            ..FitOptions::default()
        };
        let shape = network.input_shape().clone();
        let samples = |faces| Samples::new(faces, &shape);
        check_data(&network, &samples(&data.test), "test")?;
        let trainer = Trainer::new(&mut network, LOSS, settings.optimizer)?;
        trainer.check(&samples(&data.train), Some(&samples(&data.val)), &options)?;
        let config = settings.to_toml(options.batch_size)?;
        Ok(Self { settings, data, network, options, config })
    }

    /// Trains, leaving everything in `folder`.
    ///
    /// `progress` follows the training; when it asks to stop, the run is [`Outcome::Interrupted`].
    ///
    /// # Errors
    /// If the loss is not finite, or a file cannot be written.
    pub fn run(self, folder: &RunFolder, progress: &mut dyn Callback<f32>) -> Result<Outcome, TrainingError> {
        let Self { settings, data, mut network, options, config } = self;
        folder.write("config.toml", &config)?;
        folder.write("network.json", &(settings.network.to_json() + "\n"))?;
        folder.write_json("env.json", &Environment::of(data))?;
        folder.write("summary.txt", &network.summary())?;

        let shape = network.input_shape().clone();
        let samples = |faces| Samples::new(faces, &shape);
        let mut log = CsvLog::create(&folder.file("metrics.csv"))?;
        let mut best = ModelCheckpoint::new(folder.file("best.safetensors"), Monitor::ValAccuracy);
        let mut stopping = settings
            .patience
            .map(|patience| EarlyStopping::new(Monitor::ValAccuracy, patience).restore_best_weights(true));
        let mut watch = Watch { inner: progress, stopped: false };
        let mut callbacks: Vec<&mut dyn Callback<f32>> = vec![&mut log, &mut best, &mut watch];
        if let Some(stopping) = &mut stopping {
            callbacks.push(stopping);
        }
        let start = Instant::now();
        let (training, validation) = (samples(&data.train), samples(&data.val));
        // The trainer's memory is free again before the evaluation.
        let history = Trainer::new(&mut network, LOSS, settings.optimizer)?.fit(
            &training,
            Some(&validation),
            &options,
            &mut callbacks,
        )?;
        let seconds = start.elapsed().as_secs_f64();
        let stopped = watch.stopped;

        save_weights(&network, &folder.file("last.safetensors"))?;
        if stopped {
            return Ok(Outcome::Interrupted);
        }
        let measure = |faces| evaluate(&network, &LOSS, &samples(faces), EVALUATION_BATCH);
        let (train, val, test) = (measure(&data.train)?, measure(&data.val)?, measure(&data.test)?);
        let result = TrainingResult {
            model: settings.network.name().into(),
            params: network.count_params(),
            epochs: history.len(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            train_acc: train.accuracy,
            val_acc: val.accuracy,
            test_acc: test.accuracy,
            train_loss: train.loss,
            val_loss: val.loss,
            test_loss: test.loss,
        };
        folder.write_predictions(&data.test, &predict(&network, &data.test))?;
        folder.write_json("result.json", &result)?;
        Ok(Outcome::Finished(result))
    }
}

/// The probabilities that a network gives for faces, `[faces, classes]`.
pub fn predict(network: &Network<f32>, faces: &Faces) -> nn_core::Tensor<f32> {
    network.predict_dataset(&Samples::new(faces, network.input_shape()))
}

/// Passes everything on and remembers who ended the training.
struct Watch<'a> {
    inner: &'a mut dyn Callback<f32>,
    stopped: bool,
}

impl Watch<'_> {
    fn note(&mut self, action: Action) -> Action {
        self.stopped |= action == Action::Stop;
        action
    }
}

impl Callback<f32> for Watch<'_> {
    fn on_train_begin(&mut self, epochs: usize, steps: usize) -> Result<(), TrainError> {
        self.inner.on_train_begin(epochs, steps)
    }

    fn on_step_end(&mut self, end: StepEnd) -> Result<Action, TrainError> {
        let action = self.inner.on_step_end(end)?;
        Ok(self.note(action))
    }

    fn on_epoch_end(&mut self, end: EpochEnd<f32>) -> Result<Action, TrainError> {
        let action = self.inner.on_epoch_end(end)?;
        Ok(self.note(action))
    }

    fn on_train_end(&mut self, network: &mut Network<f32>) -> Result<(), TrainError> {
        self.inner.on_train_end(network)
    }
}
