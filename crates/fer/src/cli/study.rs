//! `fer study`: the whole study, from data to a report.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use fer::data::Dataset;
use fer::layout::STUDY;
use fer::record::Record;
use fer::report::Table;
use fer::report::number::Cell;
use fer::run::RunFolder;
use fer::settings::{TrainSettings, path_or_nothing};
use fer::study::{
    self, Estimate, Estimator, Measures, Part, Plan, PlannedRun, PlannedSearch, Scale, StudySettings,
};
use serde::Serialize;
use serde_json::json;

use super::data::{Images, warn};
use super::finetune::Features;
use super::job::{Worker, refuse_taken};
use super::progress::interrupted_by_signals;
use super::resume::minutes;
use super::runs::printed;
use super::search::Search;
use super::{Interrupted, emit, emit_json, note, use_threads};

/// Repeat the whole study, and report it beside what was published.
///
/// Without --data the embedded synthetic faces are used. The quick study does every part with fewer epochs and rows; --full is
/// the original protocol. A study can be made in stages: --only chooses parts, --resume goes on in the folder --out. The
/// folder gets report.html, report.md, and a folder for each run.
#[derive(clap::Args)]
pub struct Study {
    /// Every part with fewer epochs and rows: minutes (this is the default)
    #[arg(long, conflicts_with = "full")]
    quick: bool,

    /// The original protocol: hours
    #[arg(long)]
    full: bool,

    /// Only these parts, separated by commas [default: all]
    #[arg(long, value_enum, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,

    /// FER-2013: a folder with the CSV files, or one CSV file with a Usage column (.gz is fine)
    #[arg(long, env = "FER_DATA", value_name = "PATH", value_parser = path_or_nothing())]
    data: Option<PathBuf>,

    /// Folder with the weight files that Keras publishes [default: where Keras keeps them, ~/.keras/models]
    #[arg(long, env = "FER_WEIGHTS", value_name = "DIR", value_parser = path_or_nothing())]
    weights_dir: Option<PathBuf>,

    /// Train the best network of (c), (d) and (e) with N seeds [default: 1]
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,

    /// Seed of every random choice [default: 0]
    #[arg(long, env = "FER_SEED", value_name = "N")]
    seed: Option<u64>,

    /// Use N training images, and val and test in proportion; the classes keep their shares
    #[arg(long, env = "FER_LIMIT", value_name = "N")]
    limit: Option<usize>,

    /// Epochs of every run and trial, in place of the protocol's
    #[arg(long, env = "FER_EPOCHS", value_name = "N")]
    epochs: Option<usize>,

    /// Trials of each search [default: 3, with --full 15]
    #[arg(long, value_name = "N")]
    trials: Option<u64>,

    /// Folder for the study
    #[arg(long, value_name = "DIR", default_value = "runs/study")]
    out: PathBuf,

    /// Continue the study in the folder --out, with its own settings
    #[arg(long)]
    resume: bool,

    /// Say what would be done, with estimated time and memory, and stop
    #[arg(long)]
    plan: bool,

    /// Minutes between checkpoints; there is one at the end of each epoch besides
    #[arg(long, value_name = "N", default_value = "5", value_parser = minutes)]
    checkpoint_minutes: Duration,

    /// Folder for what frozen layers compute [default: vitrine in the user's folder of caches]
    #[arg(long, env = "FER_CACHE", value_name = "DIR")]
    cache: Option<PathBuf>,

    /// Threads to compute with [default: all cores]; the result does not depend on it
    #[arg(long, env = "FER_THREADS", value_name = "N")]
    threads: Option<usize>,

    /// Print the plan or the results as JSON
    #[arg(long)]
    json: bool,
}

/// The file with a study's settings.
const SETTINGS: &str = "study.toml";

/// A study under way.
struct Work {
    out: PathBuf,
    plan: Plan,
    images: Images,
    worker: Worker,
}

impl Study {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let settings = self.settings()?;
        let plan = Plan::new(settings)?;
        if !self.resume && !self.plan {
            refuse_taken(&self.out, "study")?;
        }
        use_threads(self.threads)?;
        let images = Images::load(plan.settings.data.as_deref())?;
        if let Images::Read(all) = &images {
            warn(all);
        }
        let mut parts = if self.only.is_empty() { Part::ALL.to_vec() } else { self.only.clone() };
        parts.sort();
        parts.dedup();
        if self.plan {
            return show(
                &plan,
                &parts,
                &images.limited(plan.limit(), plan.settings.seed),
                &self.out,
                self.json,
            );
        }
        let folder = RunFolder::reuse(&self.out, &STUDY)?;
        let toml = toml::to_string(&plan.settings).context("paths of a study have to be valid UTF-8")?;
        folder.write(SETTINGS, &toml)?;
        let worker = Worker {
            interrupted: interrupted_by_signals()?,
            every: self.checkpoint_minutes,
            features: self.cache.map_or_else(Features::default, Features::Kept),
        };
        let work = Work { out: self.out, plan, images, worker };
        let mut files = Vec::new();
        for part in parts {
            let done = work.part(part)?;
            files = work.report()?;
            if !done {
                note(&format!("interrupted; fer study --resume --out {} continues", work.out.display()));
                return Err(Interrupted.into());
            }
        }
        let records = work.records()?;
        if self.json {
            let results = records.iter().map(|(name, record)| {
                json!({ "run": name, "model": record.model, "state": record.state, "result": record.reached() })
            });
            let files: Vec<_> = files.iter().map(|path| path.display().to_string()).collect();
            return emit_json(&json!({ "runs": results.collect::<Vec<_>>(), "files": files }));
        }
        emit(&printed(&table(&records)))?;
        emit(&format!("\n{}\n{}", files[0].display(), files[1].display()))
    }

    /// The settings of the study that is resumed, or those that were given.
    fn settings(&self) -> anyhow::Result<StudySettings> {
        if !self.resume {
            return Ok(StudySettings {
                scale: if self.full { Scale::Full } else { Scale::Quick },
                data: self.data.clone().filter(|path| !path.as_os_str().is_empty()),
                limit: self.limit,
                epochs: self.epochs,
                trials: self.trials,
                weights_dir: self.weights_dir.clone().filter(|path| !path.as_os_str().is_empty()),
                seed: self.seed.unwrap_or(0),
                seeds: self.seeds.unwrap_or(1),
            });
        }
        let mut settings = StudySettings::read(&self.out.join(SETTINGS))
            .with_context(|| format!("{} holds no study to resume", self.out.display()))?;
        settings.seeds = self.seeds.unwrap_or(settings.seeds);
        let weights_dir = self.weights_dir.clone().filter(|path| !path.as_os_str().is_empty());
        settings.weights_dir = weights_dir.or(settings.weights_dir);
        Ok(settings)
    }
}

impl Work {
    /// The images that runs with this seed use.
    fn data(&self, seed: u64) -> Cow<'_, Dataset> {
        self.images.limited(self.plan.limit(), seed)
    }

    /// Does a part; false if it was interrupted.
    fn part(&self, part: Part) -> anyhow::Result<bool> {
        let runs: Vec<_> = self.plan.runs_of(part).collect();
        for (i, run) in runs.iter().enumerate() {
            let place = format!("[{} {}/{}]", part.name(), i + 1, runs.len());
            match &run.missing {
                Some(why) => note(&format!("{place} {}: skipped: {why}", run.label)),
                None => {
                    note(&format!("{place} {}: {}", run.label, run.folder(&self.out).display()));
                    if !self.train(run)? {
                        return Ok(false);
                    }
                }
            }
        }
        if part == Part::Search {
            for search in &self.plan.searches {
                if !self.search(search)? {
                    return Ok(false);
                }
            }
        }
        if matches!(part, Part::Fnn | Part::Cnn) {
            return self.further_seeds(&runs);
        }
        Ok(true)
    }

    /// Makes a run, and measures what it does not measure itself.
    fn train(&self, run: &PlannedRun) -> anyhow::Result<bool> {
        let settings = run.settings.clone().resolve()?;
        let data = self.data(settings.seed);
        let folder = run.folder(&self.out);
        let Some(_) = self.worker.make(&folder, &settings, &data)? else { return Ok(false) };
        let name = format!("{}/{}", run.part.name(), run.name);
        Measures::read(&self.out)?.add(&self.out, &name, &data)?;
        Ok(true)
    }

    fn search(&self, planned: &PlannedSearch) -> anyhow::Result<bool> {
        let out = self.out.join(Part::Search.name()).join(planned.name);
        note(&format!("[search] {}: {}", planned.label, out.display()));
        let search = Search::planned(planned, &self.plan, out);
        let data = self.data(self.plan.settings.seed);
        match search.conduct(&data, &self.worker) {
            Err(error) if error.is::<Interrupted>() => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// Trains the network with the best validation accuracy with the other seeds.
    fn further_seeds(&self, runs: &[&PlannedRun]) -> anyhow::Result<bool> {
        let mut best: Option<(f64, &PlannedRun)> = None;
        for run in runs {
            let record = match Record::read(&run.folder(&self.out)) {
                Ok(record) => record,
                Err(error) => {
                    note(&format!("warning: not among those of which the best gets further seeds: {error}"));
                    continue;
                }
            };
            let accuracy = record.reached().val_acc.unwrap_or(0.0);
            if best.is_none_or(|(known, _)| accuracy > known) {
                best = Some((accuracy, run));
            }
        }
        let Some((_, best)) = best else { return Ok(true) };
        for further in 1..self.plan.settings.seeds {
            let run = best.with_seed(self.plan.settings.seed + further);
            note(&format!("[{}] {}: {}", run.part.name(), run.label, run.folder(&self.out).display()));
            if !self.train(&run)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the report of what there is, and returns its files.
    fn report(&self) -> anyhow::Result<Vec<PathBuf>> {
        let data = self.data(self.plan.settings.seed);
        let report = study::report(&self.out, &self.plan, &data)?;
        Ok(report.write(&self.out.join("report.html"), true)?)
    }

    /// The runs that there are, by name; those that are damaged are only told.
    fn records(&self) -> anyhow::Result<Vec<(String, Record)>> {
        let mut records = Vec::new();
        for path in fer::record::find(&self.out)? {
            match Record::read(&path) {
                Ok(record) => {
                    let name = path.strip_prefix(&self.out).unwrap_or(&path).display().to_string();
                    records.push((name, record));
                }
                Err(error) => note(&format!("warning: left out: {error}")),
            }
        }
        Ok(records)
    }
}

/// What the runs reached.
fn table(records: &[(String, Record)]) -> Table {
    let mut table = Table::new("", ["run", "epochs", "train", "val", "test", "time"]);
    for (name, record) in records {
        let reached = record.reached();
        table.push([
            Cell::text(name),
            Cell::text(fer::report::runs::epochs(record)),
            Cell::percent(reached.train_acc),
            Cell::percent(reached.val_acc),
            Cell::percent(reached.test_acc),
            Cell::seconds(reached.seconds),
        ]);
    }
    table
}

/// Prints what would be done.
fn show(plan: &Plan, parts: &[Part], data: &Dataset, out: &Path, as_json: bool) -> anyhow::Result<()> {
    let images = [data.train.len(), data.val.len(), data.test.len()];
    let mut estimator = Estimator::new(images);
    let mut rows = Vec::new();
    note("timing a few steps of each network");
    for &part in parts {
        let mut best = None;
        for run in plan.runs_of(part) {
            let estimate = match &run.missing {
                Some(_) => Default::default(),
                None => estimator.run(run)?,
            };
            // The study's own choice stands for whichever will be best.
            if run.name == "fnn1" || run.name == "cnn1" {
                best = Some(estimate);
            }
            let done = run.folder(out).join("result.json").is_file();
            let state = if done {
                "done"
            } else if run.missing.is_some() {
                "no weights"
            } else {
                ""
            };
            let epochs = run.settings.epochs.unwrap_or_default();
            rows.push(Row::new(part, &run.label, epochs, estimate, state));
        }
        for further in best.iter().flat_map(|&best| (1..plan.settings.seeds).map(move |_| best)) {
            rows.push(Row::new(part, "the best of them, another seed", 0, further, ""));
        }
        for search in plan.searches.iter().filter(|_| part == Part::Search) {
            let base =
                TrainSettings { model: Some("search".into()), ..TrainSettings::default() }.resolve()?;
            let estimate = estimator.search(search, plan.settings.seeds, base.batch(images[0])?)?;
            let done = out.join(part.name()).join(search.name).join("result.json").is_file();
            let label = format!("{} trials, {}", search.trials, search.label);
            rows.push(Row::new(part, &label, search.epochs, estimate, if done { "done" } else { "" }));
        }
    }
    let seconds: f64 = rows.iter().filter(|row| row.state.is_empty()).map(|row| row.estimate.seconds).sum();
    let bytes = rows.iter().map(|row| row.estimate.bytes).max().unwrap_or(0);
    if as_json {
        return emit_json(&json!({ "images": images, "seconds": seconds, "bytes": bytes, "runs": rows }));
    }
    let mut table = Table::new("", ["part", "run", "epochs", "time", "memory", "state"]);
    let megabytes = |bytes: u64| format!("{} MB", bytes.div_ceil(1_000_000));
    for Row { part, run, epochs, estimate, state } in &rows {
        table.push([
            Cell::text(part.name()),
            Cell::text(run),
            Cell::count(Some(*epochs as u64).filter(|epochs| *epochs > 0)),
            Cell::seconds(Some(estimate.seconds).filter(|seconds| *seconds > 0.0)),
            Cell::text(if estimate.bytes > 0 { megabytes(estimate.bytes) } else { String::new() }),
            Cell::text(*state),
        ]);
    }
    emit(&printed(&table.without_empty_columns()))?;
    let [train, val, test] = images;
    emit(&format!(
        "\n{train} training, {val} validation and {test} test images; about {} to go, at most about {} of memory, with {} \
         threads\nfolder: {}",
        duration(seconds),
        megabytes(bytes),
        rayon::current_num_threads(),
        out.display()
    ))
}

/// A line of a plan.
#[derive(Serialize)]
struct Row {
    part: Part,
    run: String,
    epochs: usize,
    #[serde(flatten)]
    estimate: Estimate,
    state: &'static str,
}

impl Row {
    fn new(part: Part, run: &str, epochs: usize, estimate: Estimate, state: &'static str) -> Self {
        Self { part, run: run.into(), epochs, estimate, state }
    }
}

fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    match minutes {
        0..60 => format!("{minutes} min"),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}
