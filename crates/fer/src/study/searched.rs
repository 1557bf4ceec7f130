//! A search's folder read back.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::record::{Record, State, find, read, read_csv};
use crate::run::RunError;
use crate::settings::TrainSettings;

/// A line of `trials.csv`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TrialLine {
    /// Its number, from 0.
    pub trial: u64,
    /// How it stands: `complete`, `pruned`, `failed`, `repeated`.
    pub status: String,
    /// Activation of the convolutions and of the dense layer.
    pub activation_fn: String,
    /// Rows and columns of the convolutions' windows.
    pub conv_kernel_size: Option<usize>,
    /// Share that the dropouts drop.
    pub dropout_prob: Option<f64>,
    /// The optimiser.
    pub optimizer: String,
    /// Validation accuracy after its last epoch.
    pub val_acc: Option<f64>,
    /// Wall time.
    pub seconds: Option<f64>,
}

/// A line of `importances.csv`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Share {
    /// The parameter.
    pub parameter: String,
    /// How much of the variation among good trials it explains.
    pub importance: f64,
}

/// What a search left behind.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    /// Its trials by number.
    pub trials: Vec<TrialLine>,
    /// Its parameters, the most important one first.
    pub importances: Vec<Share>,
    /// The finished runs of the best network, by seed.
    pub retrained: Vec<Record>,
}

impl Searched {
    /// Reads the search in a folder; everything is empty if there is none.
    ///
    /// # Errors
    /// If a file is damaged.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let mut retrained = Vec::new();
        if folder.join("best.toml").exists() {
            let best = what_is_trained(folder, "best.toml")?;
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                for path in if entry.path().is_dir() { find(&entry.path())? } else { Vec::new() } {
                    let record = Record::read(&path)?;
                    // A search that went on may have found a better network since.
                    if record.state == State::Finished && what_is_trained(&path, "config.toml")? == best {
                        retrained.push(record);
                    }
                }
            }
        }
        retrained.sort_by_key(|run| run.settings.get("seed").and_then(toml::Value::as_integer));
        Ok(Self {
            trials: read_csv(&folder.join("trials.csv"))?,
            importances: read_csv(&folder.join("importances.csv"))?,
            retrained,
        })
    }

    /// The mean test accuracy of the best network's runs.
    pub fn test_acc(&self) -> Option<f64> {
        let accuracies: Option<Vec<f64>> = self.retrained.iter().map(|run| run.reached().test_acc).collect();
        let accuracies = accuracies.filter(|accuracies| !accuracies.is_empty())?;
        Some(accuracies.iter().sum::<f64>() / accuracies.len() as f64)
    }
}

/// The settings in `config`, but for the seed, and the network beside it.
fn what_is_trained(folder: &Path, config: &str) -> Result<(TrainSettings, Option<String>), RunError> {
    let settings = TrainSettings::read(&folder.join(config))?.what_matters();
    Ok((TrainSettings { seed: None, ..settings }, read(&folder.join("network.json"))?))
}
