//! The section of the searches.

use super::Content;
use crate::published;
use crate::report::number::{Cell, Unit};
use crate::report::{Bars, Curves, Section, Series, Table};
use crate::study::searched::{Searched, TrialLine};

impl Content<'_> {
    /// (e): the search with our sampler and with hyperopt's, beside the published trials.
    pub(super) fn search(&self) -> Section {
        let mut section = Section::new("(e) Search for hyper-parameters");
        let done: Vec<_> = self
            .plan
            .searches
            .iter()
            .zip(&self.searches)
            .filter(|(_, (_, search))| !search.trials.is_empty())
            .map(|(planned, (_, search))| (planned, search))
            .collect();
        if done.is_empty() {
            return section;
        }
        section = section.text(
            "Each trial is a network with chosen windows, dropout, activation and optimiser; its value is the validation \
             accuracy after its last epoch.",
        );
        let mut history =
            Curves::new("Best validation accuracy so far", "trial", "validation accuracy", Unit::Share);
        let published: Vec<f64> = published::trials().iter().map(|trial| trial.val_accuracy).collect();
        for (colour, (planned, search)) in done.iter().enumerate() {
            history = history.with(Series::line(planned.label, colour, best_so_far(&values(search))));
        }
        history = history.with(Series::line("published", done.len(), best_so_far(&published)).dashed());
        section = section.with(history);
        for (planned, search) in &done {
            let dots = |values: &[f64]| (1..).map(f64::from).zip(values.iter().copied()).collect::<Vec<_>>();
            let trials = Curves::new(
                format!("{}: history", planned.label),
                "trial",
                "validation accuracy",
                Unit::Share,
            );
            let trials = trials.with(Series::dots("trials", 0, dots(&values(search))));
            section = section.with(trials.with(Series::dots("published trials", 1, dots(&published))));
        }
        section = section.with(importances(&done.iter().map(|(p, s)| (p.label, *s)).collect::<Vec<_>>()));
        for (planned, search) in &done {
            section = section.text(planned.sampler.describe(planned.trials) + ".");
            section = section.with(trials(planned.label, search)).with(retrained(planned.label, search));
        }
        section
    }
}

/// Values of the trials that others do not repeat.
fn values(search: &Searched) -> Vec<f64> {
    let counted = search.trials.iter().filter(|trial| trial.status != "repeated");
    counted.map(|trial| trial.val_acc.unwrap_or(f64::NAN)).collect()
}

fn best_so_far(values: &[f64]) -> Vec<(f64, f64)> {
    let best = values.iter().scan(f64::NEG_INFINITY, |best, &value| {
        *best = best.max(value);
        Some(*best)
    });
    (1..).map(f64::from).zip(best).collect()
}

/// How much of the variation among good trials each parameter explains.
fn importances(searches: &[(&str, &Searched)]) -> Bars {
    let names: Vec<String> = searches
        .first()
        .map(|(_, search)| search.importances.iter().map(|share| share.parameter.clone()).collect())
        .unwrap_or_default();
    let series = searches.iter().map(|(label, search)| {
        let share = |name: &String| {
            search.importances.iter().find(|share| share.parameter == *name).map(|share| share.importance)
        };
        ((*label).to_owned(), names.iter().map(share).collect())
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
fn trials(label: &str, search: &Searched) -> Table {
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
    let counted = search.trials.iter().filter(|trial| trial.status != "repeated");
    for (i, trial) in counted.enumerate() {
        let TrialLine { activation_fn, conv_kernel_size, dropout_prob, optimizer, status, .. } = trial;
        let other = published::trials().get(i);
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
    table
}

/// The best network of a search, trained anew.
fn retrained(label: &str, search: &Searched) -> Table {
    let caption = format!("{label}: the best network, trained anew");
    let mut table = Table::new(caption, ["seed", "epochs", "train", "validation", "test", "published test"]);
    let published = published::result("search").and_then(|result| result.test);
    for run in &search.retrained {
        let reached = run.reached();
        table.push([
            Cell::text(run.setting("seed").unwrap_or_default()),
            Cell::count(reached.epochs.map(|epochs| epochs as u64)),
            Cell::percent(reached.train_acc),
            Cell::percent(reached.val_acc),
            Cell::percent(reached.test_acc),
            Cell::percent(published),
        ]);
    }
    table
}
