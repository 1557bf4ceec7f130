//! Run folders read back: what a training run left behind, for reports and comparisons.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nn_core::JsonError;
use nn_core::error::ConfigError;
use nn_core::files::read_text;
use nn_core::model::Sequential;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::published;
use crate::run::{RESULT, RunError};
use crate::settings::SettingsError;

mod table;

pub(crate) use table::read_csv;

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has a `result.json`.
    Finished,
    /// It is still going on, was interrupted, or failed.
    Unfinished,
}

/// A run that cannot be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Damaged {
    /// Its folder.
    pub path: PathBuf,
    /// What is wrong with it; names the file.
    pub problem: String,
}

/// What a run reached: `result.json`. A value that is not a number there is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// Number of parameters.
    pub params: Option<u64>,
    /// Epochs trained.
    pub epochs: Option<usize>,
    /// Wall time of training.
    pub seconds: Option<f64>,
    /// Accuracy on the training images, in `[0, 1]`.
    pub train_acc: Option<f64>,
    /// Accuracy on the validation images.
    pub val_acc: Option<f64>,
    /// Accuracy on the test images.
    pub test_acc: Option<f64>,
    /// Loss on the training images.
    pub train_loss: Option<f64>,
    /// Loss on the validation images.
    pub val_loss: Option<f64>,
    /// Loss on the test images.
    pub test_loss: Option<f64>,
}

/// A line of `metrics.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Mean training accuracy over the epoch.
    pub accuracy: Option<f64>,
    /// Mean training loss over the epoch.
    pub loss: Option<f64>,
    /// Accuracy on the validation images after the epoch.
    pub val_accuracy: Option<f64>,
    /// Loss on the validation images after the epoch.
    pub val_loss: Option<f64>,
    /// Wall time of the epoch.
    pub seconds: Option<f64>,
}

/// `env.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Circumstances {
    /// The program's version.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
    /// The command line.
    pub command: Vec<String>,
    /// Operating system and processor architecture.
    pub platform: String,
    /// The processor's name.
    pub cpu: Option<String>,
    /// Vector instruction sets.
    pub isa: Vec<String>,
    /// The one of them that computed; empty where that was not recorded.
    pub instruction_set: String,
    /// Threads that computed.
    pub threads: Option<usize>,
    /// Where the data came from.
    pub data: String,
    /// Images in the training, validation and test split.
    pub images: Option<[usize; 3]>,
    /// SHA-256 of the data.
    pub data_sha256: String,
}

/// Counts of the test images: `confusion.csv`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counts {
    /// The classes.
    pub classes: Vec<String>,
    /// For each true class, how often each class was predicted.
    pub counts: Vec<Vec<u64>>,
}

/// A line of `predictions.csv`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The image's place in the test split.
    pub index: usize,
    /// Its class.
    pub label: usize,
    /// The class predicted.
    pub predicted: usize,
    /// The probability given to the predicted class.
    pub probability: f64,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// The last part of the folder's path.
    pub name: String,
    /// The folder.
    pub path: PathBuf,
    /// The network's name.
    pub model: String,
    /// How far it got.
    pub state: State,
    /// What it reached, if it is finished.
    pub result: Option<Results>,
    /// Its settings, tables flattened: `finetune.weights`.
    pub settings: BTreeMap<String, toml::Value>,
    /// Its epochs.
    pub epochs: Vec<Epoch>,
    /// On what it was made.
    pub environment: Option<Circumstances>,
    /// Counts of the test images, if it is finished.
    pub confusion: Option<Counts>,
    #[serde(skip)]
    network: Sequential,
}

impl Record {
    /// Reads the run in the folder `path`. Only `network.json` must be there; what is not is `None` or empty.
    ///
    /// # Errors
    /// If the folder is not one of a run, or a file cannot be read or is damaged; the message names it.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let file = |name: &str| path.join(name);
        let json = read(&file(NETWORK))?.ok_or_else(|| RunError::NotARun(path.into()))?;
        let network = Sequential::from_json(&json).map_err(|error| match error {
            ConfigError::Json(error) => damaged(&file(NETWORK), error),
            other => damaged(&file(NETWORK), other),
        })?;
        let result = read_json::<Results>(&file(RESULT))?.map(Results::checked).transpose();
        let result = result.map_err(|problem| damaged(&file(RESULT), problem))?;
        let config = file("config.toml");
        let text = read(&config)?.unwrap_or_default();
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            damaged(&config, format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
        })?;
        let mut settings = BTreeMap::new();
        flatten("", table, &mut settings);
        let absolute = path.canonicalize().unwrap_or_else(|_| path.into());
        Ok(Self {
            name: absolute.file_name().unwrap_or(absolute.as_os_str()).to_string_lossy().into_owned(),
            path: path.into(),
            model: network.name().into(),
            state: if result.is_some() { State::Finished } else { State::Unfinished },
            result,
            settings,
            epochs: table::epochs(&file("metrics.csv"))?,
            environment: read_json(&file("env.json"))?,
            confusion: table::counts(&file("confusion.csv"))?,
            network,
        })
    }

    /// As [`Record::read`], of a run among others, which one that is damaged does not keep from being shown.
    ///
    /// # Errors
    /// As there.
    pub fn read_among_others(path: &Path) -> Result<Self, Damaged> {
        Self::read(path).map_err(|error| Damaged::new(path, &error))
    }

    /// Whether the run was made on FER-2013: on as many images, which are those that this project knows, or of which as
    /// many test images belong to each class.
    pub fn is_on_fer2013(&self) -> bool {
        let Some(environment) = &self.environment else { return false };
        let counted = self.confusion.as_ref().map(|confusion| {
            let images = confusion.counts.iter().map(|row| row.iter().sum::<u64>() as usize);
            images.collect::<Vec<_>>()
        });
        environment.images == Some(published::IMAGES)
            && (environment.data_sha256 == published::FINGERPRINT
                || counted.is_some_and(|counted| counted == published::CLASSES[2]))
    }

    /// The epoch, from 1, with the best validation accuracy, and that accuracy; the first of several.
    pub fn best_epoch(&self) -> Option<(usize, f64)> {
        let epochs = self.epochs.iter().filter_map(|epoch| Some((epoch.epoch + 1, epoch.val_accuracy?)));
        epochs.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
    }

    /// A setting as text, as it stands in `config.toml`.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).map(|value| match value {
            toml::Value::String(text) => text.clone(),
            // Written out, they have hundreds of digits.
            toml::Value::Float(x) if *x != 0.0 && !(1e-9..1e16).contains(&x.abs()) => format!("{x:e}"),
            other => other.to_string(),
        })
    }

    /// What was reached; of an unfinished run what its last epoch tells: validation, and the time so far.
    pub fn reached(&self) -> Results {
        self.result.clone().unwrap_or_else(|| {
            let last = self.epochs.last();
            Results {
                epochs: Some(self.epochs.len()),
                seconds: self.epochs.iter().try_fold(0.0, |sum, epoch| Some(sum + epoch.seconds?)),
                val_acc: last.and_then(|epoch| epoch.val_accuracy),
                val_loss: last.and_then(|epoch| epoch.val_loss),
                ..Results::default()
            }
        })
    }

    /// Number of parameters, and multiply-adds of a forward pass of one image, of a network of any size.
    ///
    /// # Errors
    /// If the network is impossible, or has not as many parameters as the run's result says.
    pub fn cost(&self) -> Result<(u64, u64), RunError> {
        let path = self.path.join(NETWORK);
        let outline = self.network.outline();
        let outline = outline.map_err(|source| RunError::Network { path: path.clone(), source })?;
        let params = outline.count_params();
        let macs = outline.layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.info.macs));
        match self.result.as_ref().and_then(|result| result.params).filter(|&known| known != params) {
            Some(known) => {
                let problem = format!("has {params} parameters, but {RESULT} tells of {known}");
                Err(damaged(&path, problem))
            }
            None => Ok((params, macs)),
        }
    }

    /// The test images and what was predicted for them; none if the run has no `predictions.csv`.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn predictions(&self) -> Result<Vec<Prediction>, RunError> {
        table::predictions(&self.path.join("predictions.csv"))
    }
}

impl Damaged {
    /// The run in the folder `path`, of which `problem` is told.
    pub fn new(path: &Path, problem: &impl ToString) -> Self {
        Self { path: path.into(), problem: problem.to_string() }
    }
}

impl Results {
    /// The same, if every accuracy is one; a time that is none is missing.
    fn checked(mut self) -> Result<Self, String> {
        let accuracies = [
            ("train_acc", &mut self.train_acc),
            ("val_acc", &mut self.val_acc),
            ("test_acc", &mut self.test_acc),
        ];
        for (name, accuracy) in accuracies {
            *accuracy = share(name, *accuracy)?;
        }
        self.seconds = time(self.seconds);
        Ok(self)
    }
}

/// A share in `[0, 1]`; nothing in the place of NaN.
fn share(name: &str, value: Option<f64>) -> Result<Option<f64>, String> {
    match value {
        Some(value) if value.is_nan() => Ok(None),
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(format!("{name} is {value:e}, not within 0 and 1"))
        }
        share => Ok(share),
    }
}

/// Seconds; nothing in the place of what is no duration.
fn time(seconds: Option<f64>) -> Option<f64> {
    seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}

/// The file with a run's network.
const NETWORK: &str = "network.json";

/// Files that, with `config.toml`, mark a folder without a network as what is left of a run.
const TRACES: [&str; 3] = ["metrics.csv", "env.json", RESULT];

/// Whether the folder is a run's, even a damaged one. A search keeps its best network next to its runs, and is no run.
pub fn is_run(folder: &Path) -> bool {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
    let is_left_of_one = || has("config.toml") && TRACES.into_iter().any(has);
    (has(NETWORK) || is_left_of_one()) && !has("trials.csv")
}

/// The folders of runs in `folder` and in the folders within, four levels deep, by name; `folder` itself if it is one.
///
/// # Errors
/// If the folder cannot be read.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    if is_run(folder) {
        return Ok(vec![folder.into()]);
    }
    let mut found = Vec::new();
    search(folder, 4, &mut found).map_err(|source| RunError::Io { path: folder.into(), source })?;
    Ok(found)
}

fn search(folder: &Path, levels: usize, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let entries = std::fs::read_dir(folder)?;
    let mut folders: Vec<_> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    for path in folders {
        if is_run(&path) {
            found.push(path);
        } else if levels > 1 {
            // What may not be read has no runs for us.
            let _ = search(&path, levels - 1, found);
        }
    }
    Ok(())
}

fn damaged(path: &Path, problem: impl ToString) -> RunError {
    SettingsError::File { path: path.into(), problem: problem.to_string().trim_end().into() }.into()
}

/// The text of a file of a run, `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, RunError> {
    match read_text(path, 64 << 20) {
        Err(error) if error.is_not_found() => Ok(None),
        text => Ok(Some(text?)),
    }
}

/// What a JSON file of a run says, `None` if there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, RunError> {
    let Some(text) = read(path)? else { return Ok(None) };
    // A list would do for the parser, too.
    if text.trim_start().starts_with('[') {
        return Err(damaged(path, "a list instead of an object"));
    }
    serde_json::from_str(&text).map(Some).map_err(|error| damaged(path, JsonError::from(error)))
}

fn flatten(prefix: &str, table: toml::Table, flat: &mut BTreeMap<String, toml::Value>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => flatten(&format!("{prefix}{key}."), inner, flat),
            value => {
                flat.insert(format!("{prefix}{key}"), value);
            }
        }
    }
}
