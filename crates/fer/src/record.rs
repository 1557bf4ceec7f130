//! Run folders read back: what a training run left behind, for reports and comparisons.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nn_core::files::read_text;
use nn_core::model::Sequential;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::run::{RunError, RunFolder};
use crate::settings::SettingsError;

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It has a `result.json`.
    Finished,
    /// It is still going on, was interrupted, or failed.
    Unfinished,
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
        let folder = RunFolder::open(path)?;
        let text = read(&folder.file("network.json"))?.unwrap_or_default();
        let network = Sequential::from_json(&text).map_err(|e| damaged(&folder.file("network.json"), e))?;
        let result: Option<Results> = read_json(&folder.file("result.json"))?;
        let config = folder.file("config.toml");
        let table: toml::Table = read(&config)?
            .map_or(Ok(toml::Table::new()), |text| text.parse())
            .map_err(|e| damaged(&config, e))?;
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
            epochs: read_csv(&folder.file("metrics.csv"))?,
            environment: read_json(&folder.file("env.json"))?,
            confusion: counts(&folder.file("confusion.csv"))?,
            network,
        })
    }

    /// A setting as text, as it stands in `config.toml`.
    pub fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).map(|value| match value {
            toml::Value::String(text) => text.clone(),
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

    /// Number of parameters, and multiply-adds of a forward pass of one image. Builds the network.
    ///
    /// # Errors
    /// If the network cannot be built.
    pub fn cost(&self) -> Result<(u64, u64), RunError> {
        let path = self.path.join("network.json");
        let network = self.network.build::<f32>(0).map_err(|source| RunError::Network { path, source })?;
        let macs = network.layers().iter().map(|layer| layer.info().macs).sum();
        Ok((network.count_params() as u64, macs))
    }

    /// The test images and what was predicted for them; none if the run has no `predictions.csv`.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    pub fn predictions(&self) -> Result<Vec<Prediction>, RunError> {
        let path = self.path.join("predictions.csv");
        let rows: Vec<Vec<f64>> = read_csv(&path)?;
        let whole = |value: f64, below: usize| {
            (value >= 0.0 && value.fract() == 0.0 && value < below as f64).then_some(value as usize)
        };
        let prediction = |row: &Vec<f64>| {
            let [index, label, predicted, probabilities @ ..] = &row[..] else { return None };
            let predicted = whole(*predicted, probabilities.len())?;
            Some(Prediction {
                index: whole(*index, usize::MAX)?,
                label: whole(*label, probabilities.len())?,
                predicted,
                probability: probabilities[predicted],
            })
        };
        let read = |(i, row)| {
            prediction(row).ok_or_else(|| damaged(&path, format!("line {}: no index and two classes", i + 2)))
        };
        rows.iter().enumerate().map(read).collect()
    }
}

/// Whether the folder is one of a run. A search keeps its best network beside its runs, and is none.
pub fn is_run(folder: &Path) -> bool {
    RunFolder::open(folder).is_ok() && !folder.join("trials.csv").exists()
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
    serde_json::from_str(&text).map(Some).map_err(|e| damaged(path, e))
}

pub(crate) fn read_csv<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, RunError> {
    let Some(text) = read(path)? else { return Ok(Vec::new()) };
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|e| damaged(path, e))
}

fn counts(path: &Path) -> Result<Option<Counts>, RunError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let classes: Vec<String> =
        reader.headers().map_err(|e| damaged(path, e))?.iter().skip(1).map(String::from).collect();
    let rows: Vec<(String, Vec<u64>)> =
        reader.deserialize().collect::<Result<_, _>>().map_err(|e| damaged(path, e))?;
    if classes.is_empty() || rows.len() != classes.len() {
        return Err(damaged(path, format!("{} classes, but {} lines of counts", classes.len(), rows.len())));
    }
    Ok(Some(Counts { classes, counts: rows.into_iter().map(|(_, counts)| counts).collect() }))
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
