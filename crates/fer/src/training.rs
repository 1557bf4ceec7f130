//! A training run from settings and data to a run folder.

use std::path::PathBuf;
use std::time::Instant;

use nn_core::checkpoint::save_weights;
use nn_core::error::{BuildError, CutError, TrainError, WeightsError};
use nn_core::layer::Layer;
use nn_core::loss::Loss;
use nn_core::model::Network;
use nn_core::train::{
    self, Action, ArrayDataset, Callback, CallbackState, CsvLog, EVALUATION_BATCH, EarlyStopping, EpochEnd,
    FitOptions, FoundCheckpoints, ModelCheckpoint, Monitor, StepEnd, Trainer, TrainingState, check_data,
    evaluate,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::augment::AugmentError;
use crate::data::{Dataset, Faces, Split};
use crate::environment::Environment;
use crate::features::{FeatureCache, Origin};
use crate::pipeline::Pipeline;
use crate::resume::Parts;
use crate::run::{RESULT, RunError, RunFolder, STATISTICS, TRANSFORM, to_json};
use crate::samples::{Samples, WrongOutputs, check_outputs, targets};
use crate::settings::{ResolvedSettings, SettingsError};

/// Why a training run failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The settings do not fit the data.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The network of a file cannot be trained.
    #[error("{}: {source}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<TrainingError>,
    },
    /// The network cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The network's outputs are not the classes of the faces.
    #[error(transparent)]
    Outputs(#[from] WrongOutputs),
    /// The faces cannot be standardised.
    #[error(transparent)]
    Augment(#[from] AugmentError),
    /// The network cannot be cut behind its frozen layers.
    #[error(transparent)]
    Cut(#[from] CutError),
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrainingResult {
    /// The model's name.
    pub model: String,
    /// Number of parameters.
    pub params: usize,
    /// Epochs trained.
    pub epochs: usize,
    /// Wall time of training, validation after each epoch included; of all parts of the run.
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
    /// From outside; the weights so far are in `last.safetensors`, the state to continue from in `checkpoints/`.
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
    pipeline: Pipeline,
    /// The layers that are trained, where they start from features.
    head: Option<Head>,
    checkpoints: Option<FoundCheckpoints<f32>>,
}

/// The layers of a network behind its frozen ones.
#[derive(Debug)]
struct Head {
    network: Network<f32>,
    /// What the frozen layers compute of the faces of each split, in the order of [`Split::ALL`].
    features: [ArrayDataset<f32>; 3],
    /// Time for computing or reading them.
    seconds: f64,
}

/// The loss of every run: cross-entropy of class numbers, after the softmax at the network's end.
pub const LOSS: Loss = Loss::SparseCategoricalCrossentropy { from_logits: false };

impl<'a> Training<'a> {
    /// Builds the network and checks that settings, data and network fit together. Writes nothing.
    ///
    /// # Errors
    /// If they do not.
    pub fn prepare(settings: &'a ResolvedSettings, data: &'a Dataset) -> Result<Self, TrainingError> {
        Self::checked(settings, data).map_err(|error| match (settings.network_file(), error) {
            (
                Some(path),
                error @ (TrainingError::Build(_) | TrainingError::Outputs(_) | TrainingError::Train(_)),
            ) => TrainingError::Network { path: path.into(), source: Box::new(error) },
            (_, error) => error,
        })
    }

    fn checked(settings: &'a ResolvedSettings, data: &'a Dataset) -> Result<Self, TrainingError> {
        let mut network = settings.network.build::<f32>(settings.seed)?;
        check_outputs(&network)?;
        if let Some(finetune) = &settings.finetune {
            finetune.apply(&mut network);
        }
        let options = FitOptions {
            epochs: settings.epochs,
            batch_size: settings.batch(data.train.len())?,
            seed: settings.seed,
            ..FitOptions::default()
        };
        let shape = network.input_shape().clone();
        let samples = |faces| Samples::new(faces, &shape, &settings.transform);
        check_data(&network, &samples(&data.test), "test")?;
        let trainer = Trainer::new(&mut network, LOSS, settings.optimizer)?;
        trainer.check(&samples(&data.train), Some(&samples(&data.val)), &options)?;
        let config = settings.to_toml(options.batch_size)?;
        let pipeline = Pipeline::fit(&settings.transform, &shape, &data.train)?;
        Ok(Self { settings, data, network, options, config, pipeline, head: None, checkpoints: None })
    }

    /// The network that is to be trained, whole.
    pub fn network(&self) -> &Network<f32> {
        &self.network
    }

    /// Keeps checkpoints, and continues from the one that was found.
    pub fn keep_checkpoints(&mut self, found: FoundCheckpoints<f32>) {
        self.checkpoints = Some(found);
    }

    /// Whether the state to continue from is of the whole network, not of the layers behind the frozen ones; `None` if
    /// there is none.
    pub fn continues_whole(&self) -> Option<bool> {
        let state = self.checkpoints.as_ref()?.state.as_ref()?;
        Some(state.weights().len() == self.network.params().count())
    }

    /// Computes what the frozen layers at the network's beginning make of all faces, or reads it from `cache`; training
    /// starts from there. The result is the same, bit for bit where the layers behind are dense; sums over the samples in
    /// trained convolutions may have another order. Returns where the features of each split came from.
    ///
    /// `None`, and nothing changes, if there are no such layers, the faces are varied, or all features together would take
    /// more than 2 GiB.
    ///
    /// # Errors
    /// If features and labels do not fit, which no data that [`Training::prepare`] accepts bring about.
    pub fn start_from_features(
        &mut self,
        cache: &FeatureCache,
    ) -> Result<Option<[Origin; 3]>, TrainingError> {
        const MOST_BYTES: usize = 2 << 30;
        let start = Instant::now();
        let varies = self.settings.transform.augmentation.is_some();
        let Some(frozen) = frozen_layers(&self.network).filter(|_| !varies) else { return Ok(None) };
        let size = self.network.layers()[frozen - 1].info().output_shape.elements() * size_of::<f32>();
        let faces: usize = Split::ALL.map(|split| self.data.split(split).len()).iter().sum();
        if size.saturating_mul(faces) > MOST_BYTES {
            return Ok(None);
        }
        let (base, network) = self.network.split_at(frozen)?;
        let mut origins = Vec::new();
        let mut features = Vec::new();
        for split in Split::ALL {
            let faces = self.data.split(split);
            let (x, origin) = cache.features(&base, faces, &self.settings.transform)?;
            features.push(ArrayDataset::new(x, targets(faces))?);
            origins.push(origin);
        }
        let features = features.try_into().expect("one for each split");
        self.head = Some(Head { network, features, seconds: start.elapsed().as_secs_f64() });
        Ok(Some(origins.try_into().expect("one for each split")))
    }

    /// Trains, leaving everything in `folder`.
    ///
    /// `progress` follows the training; when it asks to stop, the run is [`Outcome::Interrupted`].
    ///
    /// # Errors
    /// If the loss is not finite, or a file cannot be written.
    pub fn run(self, folder: &RunFolder, progress: &mut dyn Callback<f32>) -> Result<Outcome, TrainingError> {
        let Self { settings, data, mut network, options, config, pipeline, mut head, mut checkpoints } = self;
        folder.write_once("config.toml", &config)?;
        folder.write_once("network.json", &(settings.network.to_json() + "\n"))?;
        folder.write_json(TRANSFORM, &settings.transform)?;
        folder.write_once("env.json", &to_json(&Environment::of(data)))?;
        folder.write("summary.txt", &network.summary())?;

        if let Some(fitted) = pipeline.fitted().filter(|_| settings.transform.needs_fit()) {
            fitted.save(&folder.file(STATISTICS))?;
        }
        let samples = Split::ALL.map(|split| pipeline.samples(data.split(split)));
        let varied = pipeline.training(&samples[0], settings.seed)?;
        let evaluated = [0, 1, 2].map(|split| pipeline.evaluation(&samples[split]));
        let [plain, validation, test] = evaluated;
        let (plain, validation, test) = (plain?, validation?, test?);
        let mut best = ModelCheckpoint::new(folder.file("best.safetensors"), Monitor::ValAccuracy);
        // What is trained and on what, and what it is measured on: the network and faces, or the head and features.
        let (trained, training, measured, prepared_in) = match &mut head {
            Some(Head { network: trained, features, seconds }) => {
                let mut whole = settings.network.build(0)?;
                whole.copy_weights(&network);
                best = best.part_of(whole);
                let features = features.each_ref().map(|split| split as &dyn train::Dataset<f32>);
                (&mut *trained, features[0], features, *seconds)
            }
            None => (&mut network, &*varied, [&*plain, &*validation, &*test], 0.0),
        };
        let [plain, validation, test] = measured;
        let mut parts = Parts::begin(data, trained, prepared_in);
        let mut log = CsvLog::create(&folder.file("metrics.csv"))?;
        let mut stopping = settings
            .patience
            .map(|patience| EarlyStopping::new(Monitor::ValAccuracy, patience).restore_best_weights(true));
        let mut watch = Watch { inner: progress, stopped: false };
        // Before anything that writes.
        let mut alone = Alone(folder);
        let mut callbacks: Vec<&mut dyn Callback<f32>> =
            vec![&mut alone, &mut log, &mut best, &mut parts, &mut watch];
        let mut state = None;
        if let Some(found) = &mut checkpoints {
            state = found.state.take();
            callbacks.push(&mut found.checkpoints);
        }
        if let Some(stopping) = &mut stopping {
            callbacks.push(stopping);
        }
        // The trainer's memory is free again before the evaluation.
        let history = Trainer::new(trained, LOSS, settings.optimizer)?.fit_from(
            state,
            training,
            Some(validation),
            &options,
            &mut callbacks,
        )?;
        let seconds = parts.seconds();
        let stopped = watch.stopped;
        folder.check()?;
        if stopped {
            save_trained(network, head, folder)?;
            return Ok(Outcome::Interrupted);
        }
        let measure = |data| evaluate(trained, &LOSS, data, EVALUATION_BATCH);
        let [train, val, tested] = [measure(plain)?, measure(validation)?, measure(test)?];
        let probabilities = trained.predict_dataset(test)?;
        let network = save_trained(network, head, folder)?;
        let result = TrainingResult {
            model: settings.network.name().into(),
            params: network.count_params(),
            epochs: history.len(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            train_acc: train.accuracy,
            val_acc: val.accuracy,
            test_acc: tested.accuracy,
            train_loss: train.loss,
            val_loss: val.loss,
            test_loss: tested.loss,
        };
        folder.write_predictions(&data.test, &probabilities)?;
        folder.write_json(RESULT, &result)?;
        Ok(Outcome::Finished(result))
    }
}

/// How many layers at a network's beginning compute something and learn nothing; `None` if there are none.
pub(crate) fn frozen_layers(network: &Network<f32>) -> Option<usize> {
    let learns = |layer: &dyn Layer<f32>| layer.params().iter().any(|param| param.trainable);
    let frozen = network.layers().iter().position(|layer| learns(layer.as_ref())).unwrap_or(0);
    network.layers()[..frozen].iter().any(|layer| layer.info().macs > 0).then_some(frozen)
}

/// Writes the weights at the end, and returns the whole network with them.
fn save_trained(
    mut network: Network<f32>,
    head: Option<Head>,
    folder: &RunFolder,
) -> Result<Network<f32>, TrainingError> {
    if let Some(head) = head {
        network.copy_weights(&head.network);
    }
    save_weights(&network, &folder.file("last.safetensors"))?;
    Ok(network)
}

/// The probabilities that a network gives for faces, `[faces, classes]`.
///
/// # Errors
/// If the pipeline is for images of another shape, or an output is NaN or infinite.
pub fn predict(
    network: &Network<f32>,
    faces: &Faces,
    pipeline: &Pipeline,
) -> Result<nn_core::Tensor<f32>, TrainingError> {
    let samples = pipeline.samples(faces);
    Ok(network.predict_dataset(&*pipeline.evaluation(&samples)?)?)
}

/// Ends the training before another process's files are overwritten.
struct Alone<'a>(&'a RunFolder);

impl Alone<'_> {
    fn check(&self) -> Result<(), TrainError> {
        self.0.check().map_err(|e| TrainError::Callback { callback: "run folder", problem: e.to_string() })
    }
}

impl Callback<f32> for Alone<'_> {
    fn on_epoch_end(&mut self, _end: EpochEnd<f32>) -> Result<Action, TrainError> {
        self.check().map(|()| Action::Continue)
    }

    fn on_state(&mut self, _state: &TrainingState<f32>) -> Result<(), TrainError> {
        self.check()
    }
}

/// Passes everything on and remembers who ended the training.
struct Watch<'a> {
    inner: &'a mut dyn Callback<f32>,
    stopped: bool,
}

impl Watch<'_> {
    fn note(&mut self, action: Action) -> Action {
        self.stopped |= action >= Action::Pause;
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

    fn on_state(&mut self, state: &TrainingState<f32>) -> Result<(), TrainError> {
        self.inner.on_state(state)
    }

    fn state(&self) -> Option<CallbackState<f32>> {
        self.inner.state()
    }

    fn on_resume(
        &mut self,
        state: &TrainingState<f32>,
        own: Option<&CallbackState<f32>>,
    ) -> Result<(), TrainError> {
        self.inner.on_resume(state, own)
    }

    fn on_train_end(&mut self, network: &mut Network<f32>) -> Result<(), TrainError> {
        self.inner.on_train_end(network)
    }
}
