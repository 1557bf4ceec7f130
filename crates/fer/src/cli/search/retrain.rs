//! The best network of a search, trained anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fer::data::Dataset;
use fer::run::{RunError, RunFolder};
use fer::search::Choice;
use fer::settings::{ResolvedSettings, SettingsError, TrainSettings};
use fer::training::{Outcome, Training};
use serde::Serialize;
use serde_json::Value;

use super::super::Interrupted;
use super::super::data::load_data;
use super::super::progress::Follow;
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

/// An accuracy over several runs.
#[derive(Serialize)]
pub struct Spread {
    /// How many.
    pub runs: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with `n - 1`; nothing for a single run.
    pub deviation: Option<f64>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// The test accuracies of these runs; nothing for none.
    pub fn of(runs: &[Retrained]) -> Option<Self> {
        let n = runs.len() as f64;
        let accuracies = || runs.iter().map(|run| run.test_acc);
        let mean = accuracies().sum::<f64>() / n;
        let squares: f64 = accuracies().map(|accuracy| (accuracy - mean).powi(2)).sum();
        (!runs.is_empty()).then(|| Self {
            runs: runs.len(),
            mean,
            deviation: (runs.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
            least: accuracies().fold(f64::INFINITY, f64::min),
            greatest: accuracies().fold(f64::NEG_INFINITY, f64::max),
        })
    }
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
/// already is taken as it is.
pub fn retrain(
    search: &Search,
    folder: &RunFolder,
    choice: &Choice,
    batch: usize,
    data: &Dataset,
    interrupted: &Arc<AtomicBool>,
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
        let (folder, known) = run_folder(folder.path(), &settings, batch)?;
        let run = |val_acc, test_acc| Retrained { seed, folder: folder.path().into(), val_acc, test_acc };
        if let Some((val_acc, test_acc)) = known {
            note(&format!("{} is trained already", folder.path().display()));
            runs.push(run(val_acc, test_acc));
            continue;
        }
        note(&format!("training the best network with seed {seed}: {}", folder.path().display()));
        // The choice of images depends on the seed, as in `fer train`.
        let other = match search.limit {
            Some(_) if seed != search.seed => Some(load_data(settings.data(), settings.limit, seed)?),
            _ => None,
        };
        let training = Training::prepare(&settings, other.as_ref().unwrap_or(data))?;
        match training.run(&folder, &mut Follow::new(Arc::clone(interrupted)))? {
            Outcome::Finished(result) => runs.push(run(result.val_acc, result.test_acc)),
            Outcome::Interrupted => {
                note(
                    "interrupted; the trials are complete, the same command with --resume trains the network anew",
                );
                return Err(Interrupted.into());
            }
        }
    }
    Ok(runs)
}

/// The folder `best-SEED`, or `best-SEED-2` and so on if others are taken by runs of another network or by unfinished ones;
/// and the accuracies of a finished run with these settings.
fn run_folder(
    out: &Path,
    settings: &ResolvedSettings,
    batch: usize,
) -> anyhow::Result<(RunFolder, Option<(f64, f64)>)> {
    let config = settings.to_toml(batch)?;
    let network = settings.network.to_json() + "\n";
    let name = format!("best-{}", settings.seed);
    let names = std::iter::once(name.clone()).chain((2..).map(|n| format!("{name}-{n}")));
    for path in names.map(|name| out.join(name)) {
        match RunFolder::create(Some(&path), "") {
            Err(RunError::Taken(_)) => {}
            free => return Ok((free?, None)),
        }
        let has =
            |file: &str, text: &str| fs::read_to_string(path.join(file)).is_ok_and(|found| found == text);
        if let Some(known) =
            accuracies(&path).filter(|_| has("config.toml", &config) && has("network.json", &network))
        {
            return Ok((RunFolder::open(&path)?, Some(known)));
        }
    }
    unreachable!("there are enough numbers")
}

/// What a finished run reached on the validation and on the test images.
fn accuracies(run: &Path) -> Option<(f64, f64)> {
    let result: Value = serde_json::from_str(&fs::read_to_string(run.join("result.json")).ok()?).ok()?;
    Some((result["val_acc"].as_f64()?, result["test_acc"].as_f64()?))
}
