//! What the original study got wrong: each as it was, and done right, side by side.

use super::measure::{Measure, Measures, best_epoch};
use super::searched::Searched;
use crate::published;
use crate::record::State;
use crate::report::number::Cell;
use crate::report::runs::ReportedRun;
use crate::report::{Section, Table};
use crate::settings::FinetuneSettings;

/// What is at hand of a study.
pub(super) struct Found<'a> {
    /// The runs, by the path of their folder in the study's.
    pub runs: &'a [(String, ReportedRun)],
    /// The searches as (folder, what it holds).
    pub searches: &'a [(&'static str, Searched)],
    /// Further accuracies.
    pub measures: &'a Measures,
}

impl Found<'_> {
    /// The finished run in that folder; not one on random weights in place of pre-trained ones, which says nothing.
    fn run(&self, path: &str) -> Option<&ReportedRun> {
        let (_, run) = self.runs.iter().find(|(known, _)| known == path)?;
        let weights = run.record.setting("finetune.weights");
        let dry = weights.is_some_and(|weights| weights == FinetuneSettings::RANDOM);
        (run.record.state == State::Finished && !dry).then_some(run)
    }

    fn test_acc(&self, path: &str) -> Option<f64> {
        self.run(path)?.record.reached().test_acc
    }

    fn search(&self, name: &str) -> Option<&Searched> {
        let (_, search) = self.searches.iter().find(|(known, _)| *known == name)?;
        (!search.trials.is_empty()).then_some(search)
    }
}

/// The section with the pairs of which both sides are at hand.
pub(super) fn section(found: &Found) -> Section {
    let columns =
        ["mistake", "as it was: run", "as it was: test", "done right: run", "done right: test", "difference"];
    let mut pairs = Table::new("As it was, and done right", columns);
    let mut pair = |mistake: &str, was: (&str, Option<f64>), right: (&str, Option<f64>)| {
        if let (Some(before), Some(after)) = (was.1, right.1) {
            pairs.push([
                Cell::text(mistake),
                Cell::text(was.0),
                Cell::percent(before),
                Cell::text(right.0),
                Cell::percent(after),
                Cell::difference(Some(after), Some(before)),
            ]);
        }
    };
    let test = |path: &str| found.test_acc(path);
    let [joint, hyperopt] = ["joint", "hyperopt"].map(|name| found.search(name));
    let over_seeds = |trials: &str, search: Option<&Searched>| match search.map_or(0, |s| s.retrained.len()) {
        0 | 1 => trials.to_owned(),
        runs => format!("{trials}; mean of {runs} seeds"),
    };
    pair(
        "Bayesian search without a Bayesian step: hyperopt draws its first 20 trials at random",
        (&over_seeds("random trials", hyperopt), hyperopt.and_then(Searched::test_acc)),
        (&over_seeds("our density over all parameters", joint), joint.and_then(Searched::test_acc)),
    );
    for (name, was, right) in [
        ("ft1", "finetune/ft1-as-it-ran", "finetune/ft1-imagenet"),
        ("ft2", "finetune/ft2-as-it-ran", "finetune/ft2-imagenet"),
        ("ft3", "finetune/ft3-as-it-ran", "finetune/ft3-imagenet"),
    ] {
        pair(
            &format!("{name}: pre-trained networks fed with x / 255 - 0.5"),
            ("study's preparation", test(was)),
            ("ImageNet's preparation", test(right)),
        );
    }
    pair(
        "no layer of a pre-trained network was trained, though the task asked for it",
        ("all frozen", test("finetune/ft2-imagenet")),
        ("last three blocks trained", test("finetune/ft2-unfrozen")),
    );
    pair(
        "faces of 48x48 for a network made for larger ones",
        ("48x48, last three blocks trained", test("finetune/ft2-unfrozen")),
        ("enlarged to 96x96", test("finetune/ft2-unfrozen-96")),
    );
    pair(
        "variant 1: trained on whitened faces, tested on plain ones",
        ("raw test faces", found.measures.accuracy("augment/variant1", Measure::Raw)),
        ("tested alike", test("augment/variant1")),
    );
    pair(
        "variant 1: faces turned by up to 90 degrees, upside down",
        ("variant 1, tested alike", test("augment/variant1")),
        ("what suits faces", test("augment/face")),
    );
    pair(
        "ft3: its penalty was written and never acted",
        ("as it ran: no penalty", test("finetune/ft3-as-it-ran")),
        ("as written: the penalty acts", test("finetune/ft3-as-written")),
    );
    Section::new("What the original got wrong")
        .text(
            "Each mistake as a pair of runs: the run as it was, and the run done right. A better number on the right is \
             not promised: the penalty of ft3, for one, does harm when it acts.",
        )
        .with(pairs)
        .with(times())
        .text(
            "Every network was trained far into over-fitting, because no run looked at the validation images during \
             training. The best epoch is chosen on the validation images, and measured on the test images.",
        )
        .with(epochs(found))
}

/// The published times beside those that follow from the published time of a step.
fn times() -> Table {
    let columns = ["network", "printed", "follows from the steps"];
    let mut table = Table::new("Times printed as \u{201c}ms\u{201d} are seconds", columns);
    for result in published::results() {
        let curve = published::curve(&result.model);
        if let (Some(seconds), false) = (result.seconds, curve.is_empty()) {
            let steps: f64 = curve.iter().map(|epoch| epoch.steps as f64 * epoch.ms_per_step / 1000.0).sum();
            table.push([
                Cell::text(&result.model),
                Cell::text(format!("{seconds} ms")),
                Cell::seconds(steps),
            ]);
        }
    }
    table
}

/// Test accuracies of the last and of the best epoch of each run.
fn epochs(found: &Found) -> Table {
    let columns = [
        "run",
        "last epoch: number",
        "last epoch: validation",
        "last epoch: test",
        "best epoch: number",
        "best epoch: validation",
        "best epoch: test",
        "difference on test",
    ];
    let mut table = Table::new("The last epoch and the best one", columns);
    for (path, run) in found.runs {
        let (Some(best), Some((epoch, val))) =
            (found.measures.accuracy(path, Measure::Best), best_epoch(&run.record))
        else {
            continue;
        };
        let last = run.record.reached();
        table.push([
            Cell::text(&run.label),
            Cell::count(last.epochs.map(|epochs| epochs as u64)),
            Cell::percent(last.val_acc),
            Cell::percent(last.test_acc),
            Cell::Count(epoch as u64),
            Cell::percent(val),
            Cell::percent(best),
            Cell::difference(Some(best), last.test_acc),
        ]);
    }
    table
}
