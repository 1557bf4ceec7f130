//! The best network of a search, trained anew.

use std::path::{Path, PathBuf};

use fer::data::Dataset;
use fer::resume::Standing;
use fer::run::RunFolder;
use fer::search::Choice;
use fer::settings::{ResolvedSettings, SettingsError, TrainSettings};
use fer::training::TrainingResult;
use serde::Serialize;

use super::super::Interrupted;
use super::super::data::load_data;
use super::super::job::Worker;
use super::{Search, note, utf8};

/// A run of the best network.
#[derive(Serialize)]
pub struct Retrained {
    /// Its seed.
    pub seed: u64,
    /// Its run folder.
    pub folder: PathBuf,
    /// Accuracy on the validation images at the end.
    pub val_acc: f64,
    /// Accuracy on the test images at the end.
    pub test_acc: f64,
}

/// Refuses what would fail only after the search.
pub fn check(out: &Path, seed: u64, runs: u64) -> anyhow::Result<()> {
    const MOST: u64 = 1000;
    let wrong = |name, value: u64, expected: &str| {
        Err(SettingsError::Value { name, value: value.to_string(), expected: expected.into() }.into())
    };
    utf8(out)?;
    if runs > MOST {
        return wrong("retrain", runs, "at most 1000");
    }
    if seed.checked_add(runs).is_none_or(|last| i64::try_from(last).is_err()) {
        return wrong(
            "seed",
            seed,
            "at most 9223372036854775807 for the last of the networks that are trained anew",
        );
    }
    Ok(())
}

/// Writes the network at `choice` and the configuration of its runs, and trains it with each seed. What was trained
/// already is taken as it is, and a run that was left is continued.
pub fn retrain(
    search: &Search,
    folder: &RunFolder,
    choice: &Choice,
    batch: usize,
    data: &Dataset,
    worker: &Worker,
) -> anyhow::Result<Vec<Retrained>> {
    folder.write("network.json", &(choice.network().to_json() + "\n"))?;
    let network = utf8(&folder.file("network.json"))?;
    let settings = |seed| {
        let settings = search.settings(network.clone(), seed);
        TrainSettings { optimizer: Some(choice.optimizer), batch: Some(batch), ..settings }.resolve()
    };
    folder.write("best.toml", &settings(search.seed)?.to_toml(batch)?)?;
    let mut runs = Vec::new();
    for seed in search.seed..search.seed + search.retrain {
        let settings = settings(seed)?;
        // The choice of images depends on the seed, as in `fer train`.
        let other = match search.limit {
            Some(_) if seed != search.seed => Some(load_data(settings.data(), settings.limit, seed)?),
            _ => None,
        };
        let data = other.as_ref().unwrap_or(data);
        let path = run_folder(folder.path(), &settings, data)?;
        note(&format!("the best network with seed {seed}: {}", path.display()));
        let Some(TrainingResult { val_acc, test_acc, .. }) = worker.make(&path, &settings, data)? else {
            note(
                "interrupted; the trials are complete, the same command with --resume trains the network on",
            );
            return Err(Interrupted.into());
        };
        runs.push(Retrained { seed, folder: path, val_acc, test_acc });
    }
    Ok(runs)
}

/// The folder `best-SEED`, or `best-SEED-2` and so on if others are taken by runs of another network.
fn run_folder(out: &Path, settings: &ResolvedSettings, data: &Dataset) -> anyhow::Result<PathBuf> {
    let name = format!("best-{}", settings.seed);
    let names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}")));
    for path in names.map(|name| out.join(name)) {
        if !matches!(Standing::of(&path, settings, data)?, Standing::Other(_)) {
            return Ok(path);
        }
    }
    unreachable!("there are enough numbers")
}
