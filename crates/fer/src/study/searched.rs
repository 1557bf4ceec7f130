//! A search's folder read back.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::record::{Damaged, Record, State, find, read, read_csv};
use crate::report::runs::ReportedRun;
use crate::run::RunError;
use crate::search::{SamplerName, are_enough};
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
    /// The first of the trials that it repeats.
    #[serde(default)]
    pub repeats: Option<u64>,
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
    pub retrained: Vec<ReportedRun>,
}

impl Searched {
    /// Reads the search in a folder; everything is empty if there is none. Those of its runs that are damaged are told
    /// besides.
    ///
    /// # Errors
    /// If a file of the search itself is damaged.
    pub fn read(folder: &Path) -> Result<(Self, Vec<Damaged>), RunError> {
        let (mut retrained, mut damaged) = (Vec::new(), Vec::new());
        if folder.join("best.toml").exists() {
            let best = what_is_trained(folder, "best.toml")?;
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                for path in if entry.path().is_dir() { find(&entry.path())? } else { Vec::new() } {
                    let trained = what_is_trained(&path, "config.toml");
                    match trained.and_then(|trained| Ok((trained, ReportedRun::new(Record::read(&path)?)?))) {
                        // A search that went on may have found a better network since.
                        Ok((trained, run)) if run.record.state == State::Finished && trained == best => {
                            retrained.push(run);
                        }
                        Ok(_) => {}
                        Err(error) => damaged.push(Damaged::new(&path, &error)),
                    }
                }
            }
        }
        retrained.sort_by_key(|run| run.record.settings.get("seed").and_then(toml::Value::as_integer));
        let mut trials: Vec<TrialLine> = read_csv(&folder.join("trials.csv"), "trial")?;
        for trial in &mut trials {
            trial.val_acc = trial.val_acc.filter(|accuracy| (0.0..=1.0).contains(accuracy));
        }
        let importances = read_csv(&folder.join("importances.csv"), "parameter")?;
        Ok((Self { trials, importances, retrained }, damaged))
    }

    /// The trials that others do not repeat, each in the turn of the one that it repeats.
    pub fn turns(&self) -> Vec<&TrialLine> {
        let mut turns: Vec<_> = self.trials.iter().filter(|trial| trial.status != "repeated").collect();
        turns.sort_by_key(|trial| trial.repeats.unwrap_or(trial.trial));
        turns
    }

    /// Whether the trial with the best validation accuracy followed from what `sampler` had seen before: it is none of
    /// those that are drawn without regard to others.
    pub fn found_by_model(&self, sampler: SamplerName) -> bool {
        let turns = self.turns();
        let completed = turns.iter().enumerate().filter(|(_, trial)| trial.status == "complete");
        // The first of several.
        let best = completed.rev().filter(|(_, trial)| trial.val_acc.is_some()).max_by(|a, b| {
            let accuracy = |trial: &TrialLine| trial.val_acc.unwrap_or(0.0);
            accuracy(a.1).total_cmp(&accuracy(b.1))
        });
        best.is_some_and(|(turn, _)| turn as u64 >= sampler.unweighed(u64::MAX))
    }

    /// How many trials the importances come from; nothing if these are not [enough](are_enough).
    pub fn judged(&self) -> Option<usize> {
        let completed = self.trials.iter().filter(|trial| trial.status == "complete");
        let values: Vec<f64> = completed.filter_map(|trial| trial.val_acc).collect();
        are_enough(&values).then_some(values.len())
    }

    /// The test accuracies of the best network's runs.
    pub fn test_accs(&self) -> Vec<f64> {
        self.retrained.iter().filter_map(|run| run.record.reached().test_acc).collect()
    }
}

/// The settings in `config`, but for the seed, and the network beside it.
fn what_is_trained(folder: &Path, config: &str) -> Result<(TrainSettings, Option<String>), RunError> {
    let settings = TrainSettings::read(&folder.join(config))?.what_matters();
    Ok((TrainSettings { seed: None, ..settings }, read(&folder.join("network.json"))?))
}
