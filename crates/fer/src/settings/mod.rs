//! The settings of a training run, from the command line, a configuration file and defaults.

mod augment;
mod error;
mod finetune;

use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser};
use nn_core::error::TrainError;
use nn_core::files::read_text;
use nn_core::kernels::threads;
use nn_core::model::Sequential;
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_core::quoted::{objection, shortened};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use augment::{AugmentSettings, Variant};
pub use error::SettingsError;
pub use finetune::{Finetune, FinetuneSettings, Preprocess};

use crate::transform::{Scaling, Transform};

/// The optimisers that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerName {
    /// Adam, learning rate 0.001 if not set.
    Adam,
    /// Gradient descent, learning rate 0.01 if not set.
    Sgd,
}

/// Settings of a training run; what is not set is `None`.
///
/// The same names serve as flags, as keys of a configuration file and as keys of a run's `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// A model of `fer model list`, or a network configuration ending in .json
    #[arg(value_name = "MODEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// FER-2013: a folder with the CSV files, or one CSV file with a Usage column (.gz is fine)
    #[arg(long, env = "FER_DATA", value_name = "PATH", value_parser = path_or_nothing())]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Use N training images, and val and test in proportion; the classes keep their shares
    #[arg(long, env = "FER_LIMIT", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Passes over the training data [default: the study's, 10 to 20]
    #[arg(long, env = "FER_EPOCHS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Images per step [default: 256, or 64 for fewer than 10,000 training images]
    #[arg(long, env = "FER_BATCH", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// How gradients change parameters [default: adam]
    #[arg(long, env = "FER_OPTIMIZER", value_enum)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<OptimizerName>,
    /// Learning rate [default: 0.001 for adam, 0.01 for sgd]
    #[arg(long, env = "FER_LR", value_name = "RATE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Momentum of sgd [default: 0]
    #[arg(long, env = "FER_MOMENTUM", value_name = "SHARE", allow_negative_numbers = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub momentum: Option<f64>,
    /// End when validation accuracy has not improved for N epochs, and keep the best weights [default: never]
    #[arg(long, env = "FER_PATIENCE", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Seed of every random choice [default: 0]
    #[arg(long, env = "FER_SEED", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Threads to compute with [default: all cores]; the result does not depend on it
    #[arg(long, env = "FER_THREADS", value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// What fine-tuning asks for besides
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FinetuneSettings>,
    /// What augmentation asks for besides
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment: Option<AugmentSettings>,
}

impl TrainSettings {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// If it cannot be read, is not TOML, or has an unknown key or a wrong type; the message gives the line.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        read_toml(path)
    }

    /// The settings without those that name places or do not change the result. What is at those places is compared by
    /// itself: the data, the network's file, and the weights that a run begins with.
    pub(crate) fn what_matters(mut self) -> Self {
        self.data = None;
        self.threads = None;
        self.model = self.model.filter(|model| !model.ends_with(".json"));
        if let Some(finetune) = &mut self.finetune {
            let random = Path::new(FinetuneSettings::RANDOM);
            finetune.weights = finetune.weights.take().filter(|weights| weights == random);
        }
        self
    }

    /// These settings, with those of `other` where these are not set.
    pub fn or(self, other: Self) -> Self {
        Self {
            model: self.model.or(other.model),
            data: self.data.or(other.data),
            limit: self.limit.or(other.limit),
            epochs: self.epochs.or(other.epochs),
            batch: self.batch.or(other.batch),
            optimizer: self.optimizer.or(other.optimizer),
            lr: self.lr.or(other.lr),
            momentum: self.momentum.or(other.momentum),
            patience: self.patience.or(other.patience),
            seed: self.seed.or(other.seed),
            threads: self.threads.or(other.threads),
            finetune: match (self.finetune, other.finetune) {
                (Some(these), Some(others)) => Some(these.or(others)),
                (these, others) => these.or(others),
            },
            augment: match (self.augment, other.augment) {
                (Some(these), Some(others)) => Some(these.or(others)),
                (these, others) => these.or(others),
            },
        }
    }

    /// Checks what can be checked before the data are read, and finds the network.
    ///
    /// # Errors
    /// If a value is out of range, or the model is unknown.
    pub fn resolve(self) -> Result<ResolvedSettings, SettingsError> {
        let model = self.model.clone().ok_or(SettingsError::NoModel)?;
        let data = self.data.clone().filter(|path| !path.as_os_str().is_empty());
        let finetune = self.finetune.as_ref().map(|finetune| finetune.resolve(&model)).transpose()?;
        let (network, study_epochs) = match &finetune {
            Some(finetune) => (finetune.network.clone(), finetune.epochs),
            None => find_model(&model)?,
        };
        at_least_one("epochs", self.epochs)?;
        at_least_one("batch", self.batch)?;
        at_least_one("limit", self.limit)?;
        at_least_one("patience", self.patience)?;
        if let Some(seed) = self.seed.filter(|&seed| i64::try_from(seed).is_err()) {
            return Err(value(
                "seed",
                seed,
                "at most 9223372036854775807, the largest integer of a TOML file",
            ));
        }
        self.threads.map(|threads| threads::count(Some(threads))).transpose()?;
        let name = self.optimizer.unwrap_or(OptimizerName::Adam);
        let optimizer = match name {
            OptimizerName::Adam if self.momentum.is_some() => {
                return Err(value(
                    "momentum",
                    self.momentum.unwrap_or_default(),
                    "none with adam; it goes with sgd",
                ));
            }
            OptimizerName::Adam => Adam::new(self.lr.unwrap_or(Adam::default().learning_rate)).into(),
            OptimizerName::Sgd => Sgd::new(self.lr.unwrap_or(Sgd::default().learning_rate))
                .momentum(self.momentum.unwrap_or(0.0))
                .into(),
        };
        check_optimizer(&optimizer)?;
        let augmentation = self.augment.as_ref().map(AugmentSettings::resolve).transpose()?;
        let epochs = self.epochs.unwrap_or(study_epochs);
        let seed = self.seed.unwrap_or(0);
        let augment = self.augment.clone().map(|settings| AugmentSettings {
            variant: None,
            generator: augmentation.clone(),
            ..settings
        });
        let written =
            Self { data, epochs: Some(epochs), optimizer: Some(name), seed: Some(seed), augment, ..self };
        let Self { limit, threads, patience, .. } = written;
        let raw_test = written.augment.as_ref().and_then(|augment| augment.raw_test).unwrap_or(false);
        let preprocesses = augmentation.as_ref().is_some_and(|it| it.preprocessing_function.is_some());
        let scaling = match &finetune {
            _ if preprocesses => Scaling::Levels,
            Some(finetune) => finetune.scaling,
            None => Scaling::default(),
        };
        let transform = Transform { scaling, augmentation, raw_test };
        Ok(ResolvedSettings {
            written,
            network,
            transform,
            finetune,
            optimizer,
            epochs,
            seed,
            limit,
            threads,
            patience,
        })
    }
}

/// Settings that were checked, with the network that they name.
#[derive(Debug)]
pub struct ResolvedSettings {
    written: TrainSettings,
    /// The network's configuration.
    pub network: Sequential,
    /// How a face becomes the network's input.
    pub transform: Transform,
    /// Pre-trained weights, and what is frozen.
    pub finetune: Option<Finetune>,
    /// The optimiser.
    pub optimizer: OptimizerConfig,
    /// Passes over the training data.
    pub epochs: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Training images to use; all if `None`.
    pub limit: Option<usize>,
    /// Threads to compute with; all cores if `None`.
    pub threads: Option<usize>,
    /// Epochs without improvement after which training ends; never if `None`.
    pub patience: Option<usize>,
}

impl ResolvedSettings {
    /// Where the data are; the embedded faces if `None`.
    pub fn data(&self) -> Option<&Path> {
        self.written.data.as_deref()
    }

    /// The file with the network's configuration, where the settings name one.
    pub fn network_file(&self) -> Option<&Path> {
        self.written.model.as_deref().filter(|model| model.ends_with(".json")).map(Path::new)
    }

    /// The settings with everything that was decided, as they are written to a run's `config.toml`.
    ///
    /// # Errors
    /// If a path in them is not UTF-8, which TOML cannot hold.
    pub fn to_toml(&self, batch: usize) -> Result<String, SettingsError> {
        let decided = TrainSettings {
            batch: Some(batch),
            lr: Some(self.optimizer.learning_rate()),
            ..self.written.clone()
        };
        toml::to_string(&decided).map_err(|_| {
            let path = decided.data.unwrap_or_default().display().to_string();
            value("data", path, "a path that is valid UTF-8, so that the run can record it")
        })
    }

    /// Images per step: as set, or the study's 256. With few training images that would be a handful of steps
    /// per epoch, so a small set is gone through in steps of 64.
    ///
    /// # Errors
    /// If it was set to more than there are training images.
    pub fn batch(&self, training_images: usize) -> Result<usize, SettingsError> {
        const STUDY: usize = 256;
        const SMALL: usize = 64;
        match self.written.batch {
            Some(batch) if batch > training_images => {
                let expected = format!("at most the {training_images} training images");
                Err(SettingsError::Value { name: "batch", value: batch.to_string(), expected })
            }
            Some(batch) => Ok(batch),
            None if training_images >= 10_000 => Ok(STUDY),
            None => Ok(SMALL.min(training_images)),
        }
    }
}

/// The network of that name or in that file, and the number of epochs that suits it.
///
/// # Errors
/// If there is no such model, or the file is not the configuration of a network that can be built.
pub fn find_model(model: &str) -> Result<(Sequential, usize), SettingsError> {
    const EPOCHS: usize = 20;
    if model.ends_with(".json") {
        let path = PathBuf::from(model);
        let in_file = |problem: String| SettingsError::File { path: path.clone(), problem };
        let network = Sequential::from_json(&read_small(&path)?).map_err(|e| in_file(e.to_string()))?;
        network.outline().map_err(|e| in_file(e.to_string()))?;
        return Ok((network, EPOCHS));
    }
    if nn_zoo::Transfer::by_name(model).is_some() {
        return Err(SettingsError::Finetuned(model.into()));
    }
    let network = nn_zoo::by_name(model).map_err(|e| {
        let names = nn_zoo::MODELS.map(|(name, _)| name);
        let nearest = names.into_iter().max_by(|a, b| {
            let likeness = |name| strsim::jaro(name, model);
            likeness(a).total_cmp(&likeness(b))
        });
        let hint = nearest.map(|name| format!(", did you mean {name:?}?")).unwrap_or_default();
        SettingsError::Value {
            name: "model",
            value: format!("{:?}", e.name),
            expected: format!("one of {}, or a file ending in .json{hint}", names.join(", ")),
        }
    })?;
    let epochs = nn_zoo::MODELS.iter().find(|(name, _)| *name == model).map_or(EPOCHS, |(_, epochs)| *epochs);
    Ok((network, epochs))
}

/// Reads a TOML file.
pub(crate) fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, SettingsError> {
    parse(&read_small(path)?, path)
}

/// What a TOML file says; `path` is for messages.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, SettingsError> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count();
        let key = text.lines().nth(line).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
        // What is unknown is named by the objection itself.
        let key = key.filter(|_| error.message().starts_with("invalid "));
        let key = key.map(|key| format!("{}: ", shortened(key, 80))).unwrap_or_default();
        let problem = format!("line {}: {key}{}", line + 1, objection(error.message()));
        SettingsError::File { path: path.into(), problem }
    })
}

/// Reads a text file that a person wrote; one of more than a megabyte is something else.
fn read_small(path: &Path) -> Result<String, SettingsError> {
    Ok(read_text(path, 1 << 20)?)
}

fn at_least_one(name: &'static str, given: Option<usize>) -> Result<(), SettingsError> {
    given.map_or(Ok(()), |n| if n == 0 { Err(value(name, n, "at least 1")) } else { Ok(()) })
}

/// Reads a path that may be empty, as an environment variable is that was set to nothing. An empty path counts
/// as none.
pub fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// # Errors
/// If a number of the optimiser cannot be used, by the name that it has in the settings.
fn check_optimizer(optimizer: &OptimizerConfig) -> Result<(), SettingsError> {
    match optimizer.check::<f32>() {
        Err(TrainError::Option { name, value: given, expected }) => {
            Err(value(if name == "learning_rate" { "lr" } else { name }, given, &expected))
        }
        _ => Ok(()),
    }
}

fn value(name: &'static str, value: impl ToString, expected: &str) -> SettingsError {
    SettingsError::Value { name, value: value.to_string(), expected: expected.into() }
}
