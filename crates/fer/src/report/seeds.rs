//! How far the results of different seeds lie apart, and what has to be known about numbers that stand side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Table;
use super::number::Cell;
use super::runs::ReportedRun;
use crate::record::State;

/// Names in a sentence; beyond them only how many more there are.
const NAMES: usize = 12;

/// A mean, and how far values lie apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many values.
    pub runs: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with `n - 1`; nothing for a single value.
    pub deviation: Option<f64>,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Spread {
    /// The spread of the values; nothing for none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        let mean = values.iter().sum::<f64>() / runs as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs as f64 - 1.0)).sqrt());
        (runs > 0).then(|| Self {
            runs,
            mean,
            deviation,
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// The difference of two means, `self - other`, with its standard error in words: `\u{b1} 0.80 (3 and 3 seeds)`, or
    /// `one seed` where one side has no spread.
    pub fn since(&self, other: &Self) -> (f64, String) {
        let variance = |spread: &Self| Some(spread.deviation?.powi(2) / spread.runs as f64);
        let words = match variance(self).zip(variance(other)) {
            Some((a, b)) => {
                let error = (a + b).sqrt() * 100.0;
                format!("\u{b1} {error:.2} ({} and {} seeds)", other.runs, self.runs)
            }
            None => "one seed".into(),
        };
        (self.mean - other.mean, words)
    }
}

/// Finished runs that differ in their seed alone, in groups of several with a seed each.
fn groups(runs: &[ReportedRun]) -> Vec<Vec<&ReportedRun>> {
    /// Settings that do not change what is measured, beside the seed.
    const FREE: [&str; 3] = ["seed", "threads", "data"];
    let mut groups: BTreeMap<String, Vec<&ReportedRun>> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.record.state == State::Finished) {
        let settings = run.record.settings.iter().filter(|(name, _)| !FREE.contains(&name.as_str()));
        let settings: Vec<_> = settings.map(|(name, value)| format!("{name}={value}")).collect();
        // Not the checksum: with --limit the seed chooses the images too.
        let data = run.record.environment.as_ref().map(|environment| environment.data.as_str());
        let key = format!("{} {:?} {data:?} {}", run.record.model, run.cost, settings.join(" "));
        groups.entry(key).or_default().push(run);
    }
    let has_several = |group: &Vec<&ReportedRun>| {
        let seeds: BTreeSet<_> = group.iter().map(|run| run.record.setting("seed")).collect();
        seeds.len() > 1 && seeds.len() == group.len()
    };
    groups.into_values().filter(has_several).collect()
}

fn spread(group: &[&ReportedRun], value: impl Fn(&ReportedRun) -> Option<f64>) -> Option<Spread> {
    let values: Option<Vec<f64>> = group.iter().map(|run| value(run)).collect();
    Spread::of(&values?)
}

/// Means and sample standard deviations of runs that differ in their seed alone; no rows if there are none.
pub fn over_seeds(caption: impl Into<String>, runs: &[ReportedRun]) -> Table {
    let columns = [
        "network",
        "first run",
        "runs",
        "validation: mean",
        "validation: sd",
        "test: mean",
        "test: sd",
        "time: mean",
    ];
    let mut table = Table::new(caption, columns);
    for group in groups(runs) {
        let val = spread(&group, |run| run.record.reached().val_acc);
        let test = spread(&group, |run| run.record.reached().test_acc);
        let deviation = |spread: Option<Spread>| Cell::percent(spread.and_then(|spread| spread.deviation));
        let mean = |spread: Option<Spread>| spread.map(|spread| spread.mean);
        table.push([
            Cell::text(&group[0].record.model),
            Cell::text(&group[0].label),
            Cell::Count(group.len() as u64),
            Cell::percent(mean(val)),
            deviation(val),
            Cell::percent(mean(test)),
            deviation(test),
            Cell::seconds(mean(spread(&group, |run| run.record.reached().seconds))),
        ]);
    }
    table
}

/// What has to be known about the numbers of the [headline](super::runs::headline) of `shown`; `all` are the runs that
/// tell how far seeds lie apart.
pub fn notes(shown: &[ReportedRun], all: &[ReportedRun]) -> Vec<String> {
    let names = |which: &dyn Fn(&&ReportedRun) -> bool| {
        listed(shown.iter().filter(which).map(|run| run.label.clone()).collect())
    };
    let mut notes = Vec::new();
    if let Some(names) = names(&|run| run.record.state == State::Unfinished) {
        notes.push(format!("Unfinished, with the values of the last epoch: {names}."));
    }
    if let Some(names) = names(&|run| run.published.is_some() && run.counterpart().is_none()) {
        notes.push(format!(
            "Published numbers are those of the study's networks on FER-2013, so none stands beside {names}."
        ));
    }
    let other_epochs = |run: &&ReportedRun| {
        run.counterpart().is_some() && !run.is_comparable() && run.record.state == State::Finished
    };
    if let Some(names) = names(&other_epochs) {
        notes.push(format!(
            "Trained for other epochs than the published runs, so without differences: {names}."
        ));
    }
    if shown.iter().any(ReportedRun::is_comparable) {
        notes.push(format!("Each difference is that of one seed. {}", apart(all)));
    }
    if shown.iter().any(|run| run.counterpart().is_some_and(|published| published.seconds.is_some())) {
        notes.push("Published times are those of a cloud GPU; times of unlike machines are no comparison of programs.".into());
    }
    notes
}

/// How far seeds lie apart, as far as that was measured.
fn apart(all: &[ReportedRun]) -> String {
    let measured = groups(all).into_iter().filter_map(|group| {
        let spread = spread(&group, |run| run.record.reached().test_acc)?;
        let points = spread.deviation? * 100.0;
        Some(format!("{points:.2} points for {} ({} seeds)", group[0].label, spread.runs))
    });
    match listed(measured.collect()) {
        Some(measured) => format!("Over seeds, the standard deviation of the test accuracy is {measured}."),
        None => "How far seeds lie apart was not measured, so a small one may be chance.".into(),
    }
}

/// Names in a sentence, a long list cut; nothing for none.
pub fn listed(mut names: Vec<String>) -> Option<String> {
    let more = names.len().saturating_sub(NAMES);
    names.truncate(NAMES);
    // Names have commas.
    let names = names.join("; ");
    match more {
        _ if names.is_empty() => None,
        0 => Some(names),
        more => Some(format!("{names} and {more} more")),
    }
}
