//! What shows training runs.

use std::collections::BTreeSet;

use super::figures::worst_errors;
use super::number::{Cell, Unit};
use super::seeds::{notes, over_seeds};
use super::{Block, Confusion, Curves, Gallery, Report, Section, Series, Table};
use crate::data::Dataset;
use crate::published::{self, Published};
use crate::record::{Damaged, Record, State};
use crate::run::RunError;
use crate::settings::FinetuneSettings;

/// A run as a report shows it.
#[derive(Debug, Clone)]
pub struct ReportedRun {
    /// What the report calls it.
    pub label: String,
    /// What it left behind.
    pub record: Record,
    /// What it would be compared with; [`ReportedRun::counterpart`] says whether it may be.
    pub published: Option<&'static Published>,
    /// Number of parameters, and multiply-adds of a forward pass of one image.
    pub cost: (u64, u64),
    /// Its worst errors, as pictures.
    pub errors: Option<Gallery>,
}

impl ReportedRun {
    /// The run under its folder's name, beside what was published of the network of its name.
    ///
    /// # Errors
    /// If its network cannot be built.
    pub fn new(record: Record) -> Result<Self, RunError> {
        let (label, published, cost) =
            (record.name.clone(), published::result(&record.model), record.cost()?);
        Ok(Self { label, record, published, cost, errors: None })
    }

    /// The run under another name.
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: label.into(), ..self }
    }

    /// The run beside what was published under `model`; beside nothing if that is no published name.
    pub fn beside(self, model: &str) -> Self {
        Self { published: published::result(model), ..self }
    }

    /// The run with its `count` worst errors on the test images of `data`. Nothing changes if it was made on other data
    /// (its checksum tells), or left no predictions; returns whether it did.
    ///
    /// # Errors
    /// If the run's predictions are damaged.
    pub fn show_errors(&mut self, data: &Dataset, count: usize) -> Result<bool, RunError> {
        let trained_on = self.record.environment.as_ref().map(|environment| environment.data_sha256.as_str());
        let predictions = self.record.predictions()?;
        if predictions.is_empty() || trained_on != Some(&data.fingerprint()) {
            return Ok(false);
        }
        let caption = format!("{}: most confident errors on the test images", self.label);
        self.errors = Some(worst_errors(caption, &data.test, &predictions, count));
        Ok(true)
    }

    /// The published result to compare the run with: it was made on FER-2013, with a network of as many parameters,
    /// and not on random weights in place of pre-trained ones.
    pub fn counterpart(&self) -> Option<&'static Published> {
        let published = self.published?;
        let same_network = published.params.is_none_or(|params| params == self.cost.0);
        (same_network && !self.is_dry() && self.record.is_on_fer2013()).then_some(published)
    }

    /// Whether its results differ from the published ones by what they are, not by how long it was trained: it is finished,
    /// after as many epochs.
    pub fn is_comparable(&self) -> bool {
        let whole = self.record.state == State::Finished;
        let epochs = self.record.reached().epochs;
        self.counterpart().is_some_and(|published| whole && epochs == Some(published.epochs))
    }

    /// Whether random weights stand for pre-trained ones, which says nothing of these.
    pub fn is_dry(&self) -> bool {
        self.record.setting("finetune.weights").is_some_and(|weights| weights == FinetuneSettings::RANDOM)
    }
}

/// The report of training runs, and of those that are damaged; parts of which there is nothing to show are left out.
pub fn report(title: impl Into<String>, runs: &[ReportedRun], damaged: &[Damaged]) -> Report {
    let mut results = Section::new("Results").with(headline("Runs", runs));
    for note in notes(runs, runs) {
        results = results.text(note);
    }
    results = results.with(over_seeds("Over seeds", runs));
    let mut confusions = Section::new("Confusion matrices");
    let mut classes = Section::new("Results by class");
    let mut errors = Section::new("Worst errors");
    let mut curves = Section::new("Curves");
    for run in runs {
        for plot in self::curves(run) {
            curves = curves.with(plot);
        }
        if let Some(confusion) = confusion(run) {
            classes = classes.with(confusion.by_class(format!("{}: test images by class", run.label)));
            confusions = confusions.with(confusion);
        }
        if let Some(gallery) = &run.errors {
            errors = errors.with(gallery.clone());
        }
    }
    Report::new(title)
        .with(results)
        .with(curves)
        .with(confusions)
        .with(classes)
        .with(errors)
        .with(Section::new("What is missing").with(self::damaged(damaged)))
        .with(environment("Environment", runs))
}

/// The runs that could not be read, each with its reason; no rows if there are none.
pub fn damaged(damaged: &[Damaged]) -> Table {
    let mut table = Table::new("Damaged", ["run", "why"]);
    for Damaged { path, problem } in damaged {
        table.push([Cell::text(path.display().to_string()), Cell::text(problem)]);
    }
    table
}

/// Published and own accuracies and times, their differences, parameters and multiply-adds: a row for each run.
///
/// Published values stand beside the runs that they may be [beside](ReportedRun::counterpart), differences where both are
/// [comparable](ReportedRun::is_comparable).
pub fn headline(caption: impl Into<String>, runs: &[ReportedRun]) -> Table {
    let columns = [
        "run",
        "network",
        "epochs",
        "train: published",
        "train: ours",
        "validation: published",
        "validation: ours",
        "validation: difference",
        "test: published",
        "test: ours",
        "test: difference",
        "time: published",
        "time: ours",
        "parameters",
        "multiply-adds",
    ];
    let mut table = Table::new(caption, columns);
    for run in runs {
        let ours = run.record.reached();
        let published = |value: fn(&Published) -> Option<f64>| run.counterpart().and_then(value);
        let difference = |ours, published| match run.is_comparable() {
            true => Cell::difference(ours, published),
            false => Cell::Missing,
        };
        let (val, test) = (published(|p| p.val), published(|p| p.test));
        table.push([
            Cell::text(&run.label),
            Cell::text(&run.record.model),
            Cell::text(epochs(&run.record)),
            Cell::percent(published(|p| p.train)),
            Cell::percent(ours.train_acc),
            Cell::percent(val),
            Cell::percent(ours.val_acc),
            difference(ours.val_acc, val),
            Cell::percent(test),
            Cell::percent(ours.test_acc),
            difference(ours.test_acc, test),
            Cell::seconds(published(|p| p.seconds)),
            Cell::seconds(ours.seconds),
            Cell::Count(run.cost.0),
            Cell::Count(run.cost.1),
        ]);
    }
    table.without_empty_columns()
}

/// Epochs of a run, and of how many if it is unfinished: `20`, `7 of 20`.
pub fn epochs(record: &Record) -> String {
    let done = record.reached().epochs.unwrap_or(record.epochs.len());
    match (record.state, record.setting("epochs")) {
        (State::Unfinished, Some(planned)) => format!("{done} of {planned}"),
        _ => done.to_string(),
    }
}

/// Loss and accuracy by epoch, in training and validation, beside the published training's.
pub fn curves(run: &ReportedRun) -> [Curves; 2] {
    let epochs = &run.record.epochs;
    let published = run.counterpart().map_or(Vec::new(), |published| published::curve(&published.model));
    let plot = |what: &str, unit| Curves::new(format!("{}: {what}", run.label), "epoch", what, unit);
    let ours = |value: fn(&crate::record::Epoch) -> Option<f64>| {
        epochs.iter().map(move |epoch| ((epoch.epoch + 1) as f64, value(epoch)))
    };
    let with_published =
        |plot: Curves, value: fn(&published::PublishedEpoch) -> f64| match published.is_empty() {
            true => plot,
            // Without epochs of ours there is nothing to compare.
            false if epochs.is_empty() => plot,
            false => {
                let points = published.iter().map(|epoch| (epoch.epoch as f64, value(epoch)));
                plot.with(Series::line("published training", 0, points).dashed())
            }
        };
    let loss = plot("loss", Unit::Plain)
        .with(Series::line("training", 0, ours(|epoch| epoch.loss)))
        .with(Series::line("validation", 1, ours(|epoch| epoch.val_loss)));
    let accuracy = plot("accuracy", Unit::Share)
        .with(Series::line("training", 0, ours(|epoch| epoch.accuracy)))
        .with(Series::line("validation", 1, ours(|epoch| epoch.val_accuracy)));
    [with_published(loss, |epoch| epoch.loss), with_published(accuracy, |epoch| epoch.accuracy)]
}

/// The counts of the test images.
pub fn confusion(run: &ReportedRun) -> Option<Confusion> {
    let counts = run.record.confusion.clone()?;
    let caption = format!("{}: confusion of the test images", run.label);
    Some(Confusion { caption, classes: counts.classes, counts: counts.counts })
}

/// On what the runs were made: what all have in common, and a table of what differs, with each run's command line.
pub fn environment(title: impl Into<String>, runs: &[ReportedRun]) -> Section {
    let facts: Vec<Vec<(&str, String)>> = runs.iter().map(|run| circumstances(&run.record)).collect();
    let names: Vec<&str> =
        facts.first().map(|facts| facts.iter().map(|fact| fact.0).collect()).unwrap_or_default();
    let (mut common, mut differing) = (Vec::new(), Vec::new());
    for (i, name) in names.into_iter().enumerate() {
        let values: BTreeSet<&str> = facts.iter().map(|facts| facts[i].1.as_str()).collect();
        match values.iter().next() {
            Some(&value) if values.len() == 1 && !value.is_empty() => {
                common.push((name.into(), value.into()))
            }
            Some(_) if values.len() > 1 => differing.push((i, name)),
            _ => {}
        }
    }
    let mut table =
        Table::new("By run", std::iter::once("run").chain(differing.iter().map(|(_, name)| *name)));
    for (run, facts) in runs.iter().zip(&facts).filter(|_| !differing.is_empty()) {
        let value = |&(i, _): &(usize, &str)| match facts[i].1.as_str() {
            "" => Cell::Missing,
            value => Cell::text(value),
        };
        table.push(std::iter::once(Cell::text(&run.label)).chain(differing.iter().map(value)));
    }
    Section::new(title).with(Block::Facts(common)).with(table)
}

/// Names and values, the same names for every run; empty where the run does not say.
fn circumstances(record: &Record) -> Vec<(&'static str, String)> {
    let environment = record.environment.clone().unwrap_or_default();
    let images =
        environment.images.map(|images| images.map(|n| Cell::Count(n as u64).to_string()).join(" / "));
    vec![
        ("processor", environment.cpu.unwrap_or_default()),
        ("platform", environment.platform),
        ("vector instructions", environment.isa.join(", ")),
        ("threads", environment.threads.map(|threads| threads.to_string()).unwrap_or_default()),
        ("version", environment.version),
        ("commit", environment.commit),
        ("seed", record.setting("seed").unwrap_or_default()),
        ("data", environment.data),
        ("images (train / val / test)", images.unwrap_or_default()),
        ("data SHA-256", environment.data_sha256),
        ("command", environment.command.join(" ")),
    ]
}
