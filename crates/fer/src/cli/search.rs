//! `fer search`: search for the hyper-parameters of a network.

mod retrain;
mod table;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use fer::data::Dataset;
use fer::layout::SEARCH;
use fer::report::seeds::Spread;
use fer::run::{CHECKPOINTS, RunFolder};
use fer::search::{self, Audience, Keep, Place, Plan, PrunerName, SamplerName, SearchResult};
use fer::settings::{ResolvedSettings, TrainSettings, path_or_nothing};
use fer::study::{self, PlannedSearch, StudySettings};
use fer::training::Training;
use serde::Serialize;

use super::data::load_data;
use super::finetune::Features;
use super::job::{Worker, refuse_taken};
use super::progress::{Follow, interrupted_by_signals};
use super::{Interrupted, emit, emit_json, note, use_threads};
use retrain::Retrained;

/// Search for the hyper-parameters of a network.
///
/// The network is that of `fer model summary search`. Chosen are the size of its convolutions' windows (1, 3, 5), its
/// dropout (0.1 to 0.35), its activation (relu, sigmoid, elu) and its optimiser (adam, sgd), such that the validation
/// accuracy after the last epoch is great. Without --data the embedded synthetic faces are used. The trials are kept in a
/// file that Optuna and its dashboard open; several processes may work on it. Afterwards the best network is trained anew
/// and measured on the test images.
#[derive(clap::Args)]
pub struct Search {
    /// Trials in all, over all processes and earlier calls
    #[arg(long, value_name = "N", default_value_t = 15)]
    trials: u64,

    /// How points are chosen
    #[arg(long, value_enum, default_value_t = SamplerName::Joint)]
    sampler: SamplerName,

    /// How trials are given up before their last epoch
    #[arg(long, value_enum, default_value_t = PrunerName::None)]
    pruner: PrunerName,

    /// Where the trials are kept: FILE.db (SQLite), FILE.journal or postgresql://... [default: DIR/study.db]
    #[arg(long, env = "FER_STUDY", hide_env_values = true, value_name = "PLACE")]
    study: Option<OsString>,

    /// The study's name there
    #[arg(long, default_value = "search")]
    name: String,

    /// Continue the study if it exists, or help other processes with it
    #[arg(long)]
    resume: bool,

    /// Repeat a trial whose process gave no sign of life for so long
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    lease: u64,

    /// Train the best network anew with N seeds, and measure it on the test images
    #[arg(long, value_name = "N", default_value_t = 1)]
    retrain: u64,

    /// FER-2013: a folder with the CSV files, or one CSV file with a Usage column (.gz is fine)
    #[arg(long, env = "FER_DATA", value_name = "PATH", value_parser = path_or_nothing())]
    data: Option<PathBuf>,

    /// Use N training images, and val and test in proportion; the classes keep their shares
    #[arg(long, env = "FER_LIMIT", value_name = "N")]
    limit: Option<usize>,

    /// Passes over the training data in each trial
    #[arg(long, value_name = "N", default_value_t = 10)]
    epochs: usize,

    /// Images per step [default: 256, or 64 for fewer than 10,000 training images]
    #[arg(long, env = "FER_BATCH", value_name = "N")]
    batch: Option<usize>,

    /// Seed of every random choice
    #[arg(long, env = "FER_SEED", value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Threads to compute with [default: all cores]; the result does not depend on it
    #[arg(long, env = "FER_THREADS", value_name = "N")]
    threads: Option<usize>,

    /// Folder for what the search finds
    #[arg(long, value_name = "DIR", default_value = "runs/search")]
    out: PathBuf,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Time between checkpoints of a trial, and of the best network's training.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(300);

/// What the command leaves in `result.json`.
#[derive(Serialize)]
pub struct Finished {
    #[serde(flatten)]
    search: SearchResult,
    /// The best network, trained anew.
    retrained: Vec<Retrained>,
    /// Its accuracy on the test images.
    test_acc: Option<Spread>,
}

impl Search {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let base = self.settings("search".into(), self.seed).resolve()?;
        self.place()?;
        retrain::check(&self.out, self.seed, self.retrain)?;
        self.plan(&base).check()?;
        if !self.resume {
            refuse_taken(&self.out, "search")?;
        }
        use_threads(self.threads)?;
        let data = load_data(base.data(), base.limit, base.seed)?;
        // Whatever is wrong with the data comes to light before anything is written.
        Training::prepare(&base, &data)?;

        let worker = Worker {
            interrupted: interrupted_by_signals()?,
            every: CHECKPOINT_EVERY,
            features: Features::Never,
        };
        let finished = self.conduct(&data, &worker)?;
        match self.json {
            true => emit_json(&finished)?,
            false => emit(&table::describe(&finished, self.sampler.describe(self.trials)))?,
        }
        anyhow::ensure!(finished.search.best.is_some(), "no trial was trained to its last epoch");
        Ok(())
    }

    /// The search of a study, begun or continued, in the folder `out`.
    pub fn planned(search: &PlannedSearch, plan: &study::Plan, out: PathBuf) -> Self {
        let StudySettings { data, seed, seeds, .. } = plan.settings.clone();
        Self {
            trials: search.trials,
            sampler: search.sampler,
            pruner: PrunerName::None,
            study: None,
            name: "search".into(),
            resume: true,
            lease: 60,
            retrain: seeds,
            data,
            limit: plan.limit(),
            epochs: search.epochs,
            batch: None,
            seed,
            threads: None,
            out,
            json: false,
        }
    }

    /// What is searched, as far as the settings say.
    fn plan<'a>(&self, base: &'a ResolvedSettings) -> Plan<'a> {
        Plan {
            base,
            batch: 1,
            trials: self.trials,
            sampler: self.sampler,
            pruner: self.pruner,
            name: self.name.clone(),
            lease: Duration::from_secs(self.lease),
            keep: Keep { folder: self.out.join(CHECKPOINTS), every: CHECKPOINT_EVERY },
        }
    }

    /// Where the trials are kept.
    fn place(&self) -> anyhow::Result<Place> {
        Ok(match &self.study {
            Some(place) if !place.is_empty() => Place::parse(place)?,
            _ => Place::Sqlite(self.out.join("study.db")),
        })
    }

    /// Takes trials until there are enough, and trains the best network anew; leaves everything in the folder.
    pub fn conduct(&self, data: &Dataset, worker: &Worker) -> anyhow::Result<Finished> {
        let base = self.settings("search".into(), self.seed).resolve()?;
        let mut plan = self.plan(&base);
        plan.batch = base.batch(data.train.len())?;
        plan.keep.every = worker.every;
        let place = self.place()?;
        let is_new = !self.out.exists();
        let folder = RunFolder::reuse(&self.out, &SEARCH)?;
        let flag = Arc::clone(&worker.interrupted);
        let waits_for = move |server: &str| {
            note(&format!("waiting for {server} ..."));
            !flag.load(Ordering::SeqCst)
        };
        let search = search::Search::open(&plan, data, &place, self.resume, waits_for).map_err(|error| {
            if is_new {
                // Only if nothing is in it.
                let _ = fs::remove_dir(&self.out);
            }
            match worker.interrupted.load(Ordering::SeqCst) {
                true => Interrupted.into(),
                false => anyhow::Error::from(error),
            }
        })?;
        note(&plan.sampler.describe(plan.trials));
        match search.known_trials()? {
            0 => note(&format!("study {:?} in {place}", plan.name)),
            known => note(&format!("study {:?} in {place}, which has {known} trials already", plan.name)),
        }
        let interrupted = &worker.interrupted;
        let audience = Audience {
            follow: &|trial| Box::new(Follow::part(Arc::clone(interrupted), format!("trial {trial}"))),
            ended: &|row, best| note(&table::line(row, best)),
            waiting: &|others| note(&format!("waiting for {others} trials of other processes")),
            warned: &|problem| note(&format!("warning: {problem}")),
        };
        search.run(interrupted, &audience)?;
        if interrupted.load(Ordering::SeqCst) {
            note("interrupted; the same command with --resume goes on");
            return Err(Interrupted.into());
        }
        let result = search.result()?;
        folder.write("trials.csv", &result.trials_csv())?;
        folder.write("importances.csv", &result.importances_csv())?;
        let retrained = match (&result.best, folder.only_one("search.lock")?) {
            (Some(best), Some(_lock)) => {
                let best = best.choice.as_ref().context("the best trial has no point of this space")?;
                retrain::retrain(self, &folder, best, plan.batch, data, worker)?
            }
            (Some(_), None) => {
                note("another process trains the best network anew");
                Vec::new()
            }
            (None, _) => Vec::new(),
        };
        let accuracies: Vec<f64> = retrained.iter().map(|run| run.test_acc).collect();
        let finished = Finished { search: result, test_acc: Spread::of(&accuracies), retrained };
        if !finished.retrained.is_empty() || self.retrain == 0 {
            folder.write_json("result.json", &finished)?;
        }
        Ok(finished)
    }

    /// The settings of a training run of this search.
    fn settings(&self, model: String, seed: u64) -> TrainSettings {
        TrainSettings {
            model: Some(model),
            data: self.data.clone(),
            limit: self.limit,
            epochs: Some(self.epochs),
            batch: self.batch,
            seed: Some(seed),
            threads: None,
            ..TrainSettings::default()
        }
    }
}

/// A path as text, which configuration files need.
fn utf8(path: &Path) -> anyhow::Result<String> {
    path.to_str().map(str::to_owned).with_context(|| {
        format!(
            "out = {}: expected a path that is valid UTF-8, so that best.toml can name it",
            path.display()
        )
    })
}
