//! The section of the searches.

use super::Content;
use crate::published::{self, PublishedTrial};
use crate::report::number::{Cell, Unit};
use crate::report::{Bars, Curves, Section, Series, Table};
use crate::study::PlannedSearch;
use crate::study::searched::{Searched, TrialLine};

impl Content<'_> {
    /// (e): the search with our sampler and with hyperopt's, beside the published trials.
    pub(super) fn search(&self) -> Section {
        let mut section = Section::new("(e) Search for hyper-parameters");
        let begun = self.searches.iter().filter(|(_, search)| !search.trials.is_empty());
        let done: Vec<_> = begun.map(|(planned, search)| (planned, search)).collect();
        if done.is_empty() {
            return section;
        }
        section = section.text(
            "Each trial is a network with chosen windows, dropout, activation and optimiser; its value is the validation \
             accuracy after its last epoch.",
        );
        let published = self.published_trials();
        let mut history =
            Curves::new("Best validation accuracy so far", "trial", "validation accuracy", Unit::Share);
        let accuracies: Vec<f64> = published.iter().map(|trial| trial.val_accuracy).collect();
        for (colour, (planned, search)) in done.iter().enumerate() {
            history = history.with(Series::line(planned.label, colour, best_so_far(&values(search))));
        }
        if !accuracies.is_empty() {
            history = history.with(Series::line("published", done.len(), best_so_far(&accuracies)).dashed());
        }
        section = section.with(history);
        for (planned, search) in &done {
            let dots = |values: &[f64]| (1..).map(f64::from).zip(values.iter().copied()).collect::<Vec<_>>();
            let caption = format!("{}: history", planned.label);
            let mut trials = Curves::new(caption, "trial", "validation accuracy", Unit::Share)
                .with(Series::dots("trials", 0, dots(&values(search))));
            if !accuracies.is_empty() {
                trials = trials.with(Series::dots("published trials", 1, dots(&accuracies)));
            }
            section = section.with(trials);
        }
        section = section.with(importances(&done));
        for (planned, search) in &done {
            let trials = search.turns().len() as u64;
            section = section.text(planned.sampler.describe(trials) + ".");
            section = section
                .with(self::trials(planned.label, search, published))
                .with(retrained(planned.label, search));
        }
        section
    }

    /// The trials that were published, if those here can stand beside them: of as many epochs, on FER-2013.
    fn published_trials(&self) -> &'static [PublishedTrial] {
        let epochs = published::result("search").map(|result| result.epochs);
        let alike = self.plan.searches.iter().all(|search| Some(search.epochs) == epochs);
        if alike && self.on_fer2013 { published::trials() } else { &[] }
    }
}

/// Values of the trials that others do not repeat.
fn values(search: &Searched) -> Vec<f64> {
    search.turns().iter().map(|trial| trial.val_acc.unwrap_or(f64::NAN)).collect()
}

fn best_so_far(values: &[f64]) -> Vec<(f64, f64)> {
    let best = values.iter().scan(f64::NEG_INFINITY, |best, &value| {
        *best = best.max(value);
        Some(*best)
    });
    (1..).map(f64::from).zip(best).collect()
}

/// How much of the variation among good trials each parameter explains, by the searches with enough trials.
fn importances(searches: &[(&PlannedSearch, &Searched)]) -> Bars {
    let judged: Vec<_> =
        searches.iter().filter_map(|(p, search)| Some((p, search, search.judged()?))).collect();
    let names: Vec<String> = judged
        .first()
        .map(|(_, search, _)| search.importances.iter().map(|share| share.parameter.clone()).collect())
        .unwrap_or_default();
    let series = judged.iter().map(|(planned, search, trials)| {
        let share = |name: &String| {
            let share = search.importances.iter().find(|share| share.parameter == *name);
            share.map(|share| share.importance).filter(|share| (0.0..=1.0).contains(share))
        };
        (format!("{} ({trials} trials)", planned.label), names.iter().map(share).collect())
    });
    Bars {
        caption: "Importance of the parameters (PED-ANOVA)".into(),
        measure: "share".into(),
        unit: Unit::Share,
        series: series.collect(),
        names: names.clone(),
    }
}

/// The trials of a search, beside those that were published.
fn trials(label: &str, search: &Searched, published: &[PublishedTrial]) -> Table {
    let columns = [
        "trial",
        "activation",
        "window",
        "dropout",
        "optimiser",
        "state",
        "validation",
        "time",
        "published: activation",
        "published: window",
        "published: dropout",
        "published: optimiser",
        "published: validation",
    ];
    let mut table = Table::new(format!("{label}: trials"), columns);
    let size = |size: Option<usize>| Cell::count(size.map(|size| size as u64));
    for (i, trial) in search.turns().into_iter().enumerate() {
        let TrialLine { activation_fn, conv_kernel_size, dropout_prob, optimizer, status, .. } = trial;
        let other = published.get(i);
        table.push([
            Cell::Count(i as u64 + 1),
            Cell::text(activation_fn),
            size(*conv_kernel_size),
            Cell::number(*dropout_prob),
            Cell::text(optimizer),
            Cell::text(status),
            Cell::percent(trial.val_acc),
            Cell::seconds(trial.seconds),
            other.map_or(Cell::Missing, |other| Cell::text(&other.activation_fn)),
            size(other.map(|other| other.conv_kernel_size)),
            Cell::number(other.map(|other| other.dropout_prob)),
            other.map_or(Cell::Missing, |other| Cell::text(&other.optimizer)),
            Cell::percent(other.map(|other| other.val_accuracy)),
        ]);
    }
    table.without_empty_columns()
}

/// The best network of a search, trained anew.
fn retrained(label: &str, search: &Searched) -> Table {
    let caption = format!("{label}: the best network, trained anew");
    let mut table = Table::new(caption, ["seed", "epochs", "train", "validation", "test", "published test"]);
    for run in &search.retrained {
        let reached = run.record.reached();
        let published = run.clone().beside("search").counterpart().and_then(|result| result.test);
        table.push([
            Cell::text(run.record.setting("seed").unwrap_or_default()),
            Cell::count(reached.epochs.map(|epochs| epochs as u64)),
            Cell::percent(reached.train_acc),
            Cell::percent(reached.val_acc),
            Cell::percent(reached.test_acc),
            Cell::percent(published),
        ]);
    }
    table.without_empty_columns()
}
