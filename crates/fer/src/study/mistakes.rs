//! What the original study got wrong: each as it was, and done right, side by side.

use super::PlannedSearch;
use super::measure::{Measure, Measures};
use super::searched::Searched;
use crate::published;
use crate::record::{Record, State};
use crate::report::number::Cell;
use crate::report::runs::ReportedRun;
use crate::report::seeds::{Spread, listed};
use crate::report::{Section, Table};
use crate::search::SamplerName;

/// What is at hand of a study.
pub(super) struct Found<'a> {
    /// The runs, by the path of their folder in the study's.
    pub runs: &'a [(String, ReportedRun)],
    /// The searches, with what their folders hold.
    pub searches: &'a [(PlannedSearch, Searched)],
    /// Further accuracies.
    pub measures: &'a Measures,
    /// Whether the images are those that the original was trained on.
    pub on_fer2013: bool,
}

/// A side of a pair: what it is called, and the test accuracies of its runs, which differ in their seed alone.
type Side<'a> = (&'a str, Vec<f64>);

impl Found<'_> {
    /// The finished run in that folder; not one on random weights in place of pre-trained ones, which says nothing.
    fn run(&self, path: &str) -> Option<&ReportedRun> {
        let (_, run) = self.runs.iter().find(|(known, _)| known == path)?;
        (run.record.state == State::Finished && !run.is_dry()).then_some(run)
    }

    fn test(&self, path: &str) -> Vec<f64> {
        Vec::from_iter(self.run(path).and_then(|run| run.record.reached().test_acc))
    }

    fn search(&self, sampler: SamplerName) -> Option<&Searched> {
        self.searches.iter().find(|(planned, _)| planned.sampler == sampler).map(|(_, search)| search)
    }

    /// Test accuracies of the best networks of the search without a Bayesian step, and of the one that found its best
    /// trial by one; nothing if these are not what they are called.
    fn searched(&self) -> Option<[Vec<f64>; 2]> {
        let (ours, other) = (self.search(SamplerName::Joint)?, self.search(SamplerName::Hyperopt)?);
        let trials = other.turns().len();
        let without_model = SamplerName::Hyperopt.unweighed(trials as u64) == trials as u64;
        let alike = ours.turns().len() == trials;
        (without_model && alike && ours.found_by_model(SamplerName::Joint))
            .then(|| [other.test_accs(), ours.test_accs()])
    }
}

/// The pairs of which both sides are at hand and differ, and the names of those that do not.
fn pairs(found: &Found) -> (Table, Vec<String>) {
    let columns = [
        "mistake",
        "as it was: run",
        "as it was: test",
        "done right: run",
        "done right: test",
        "difference: points",
        "difference: spread",
    ];
    let mut table = Table::new("As it was, and done right", columns);
    let mut without = Vec::new();
    let mut pair = |mistake: &str, was: Side, right: Side| {
        let (Some(before), Some(after)) = (Spread::of(&was.1), Spread::of(&right.1)) else { return };
        let (difference, spread) = after.since(&before);
        let difference = Cell::Points(difference);
        if difference.to_string() == "0.00" {
            without.push(mistake.to_owned());
            return;
        }
        let called = |name: &str, spread: &Spread| match spread.runs {
            1 => Cell::text(name),
            runs => Cell::text(format!("{name}; mean of {runs} seeds")),
        };
        table.push([
            Cell::text(mistake),
            called(was.0, &before),
            Cell::percent(before.mean),
            called(right.0, &after),
            Cell::percent(after.mean),
            difference,
            Cell::text(spread),
        ]);
    };
    let test = |path: &str| found.test(path);
    if let Some([was, right]) = found.searched() {
        pair(
            "Bayesian search without a Bayesian step: hyperopt draws its first 20 trials at random",
            ("random trials", was),
            ("our density over all parameters", right),
        );
    }
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
    let raw = found.run("augment/variant1").and(found.measures.accuracy("augment/variant1", Measure::Raw));
    pair(
        "variant 1: trained on whitened faces, tested on plain ones",
        ("raw test faces", Vec::from_iter(raw)),
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
    (table, without)
}

/// The section with the pairs of which both sides are at hand.
pub(super) fn section(found: &Found) -> Section {
    let (pairs, without) = pairs(found);
    let mut section = Section::new("What the original got wrong");
    if !pairs.rows.is_empty() {
        section = section.text(
            "Each mistake as a pair of runs: the run as it was, and the run done right. A better number on the right is \
             not promised.",
        );
        if !found.on_fer2013 {
            section = section.text(
                "These runs were not made on FER-2013: they show what a mistake is, not what it cost the original.",
            );
        }
    }
    section = section.with(pairs);
    if let Some(names) = listed(without) {
        section = section.text(format!("Without any difference on these test images: {names}."));
    }
    section = section.with(times());
    let epochs = epochs(found);
    if !epochs.rows.is_empty() {
        section = section.text(
            "No run of the original looked at the validation images during training. Here the best epoch is chosen on \
             the validation images, and measured on the test images; each difference is that of one seed.",
        );
        let overfitted = found.runs.iter().map(|(_, run)| run).filter(|run| is_far_over_fitted(&run.record));
        if let Some(names) = listed(overfitted.map(|run| run.label.clone()).collect()) {
            section = section.text(format!(
                "Trained far into over-fitting: {names}. Their validation loss was least within the first half of the \
                 epochs and ended at least half above that, while their training loss went on falling."
            ));
        }
    }
    section.with(epochs)
}

/// Whether the validation loss of a finished run is least within the first half of its epochs and ends at least half
/// above that, while the training loss goes on falling.
fn is_far_over_fitted(record: &Record) -> bool {
    let losses = record.epochs.iter().map(|epoch| Some((epoch.val_loss?, epoch.loss?)));
    let Some(losses) = losses.collect::<Option<Vec<_>>>() else { return false };
    let least = losses.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0));
    let (Some((epoch, least)), Some(last)) = (least, losses.last()) else { return false };
    record.state == State::Finished
        && 2 * (epoch + 1) <= losses.len()
        && last.0 >= 1.5 * least.0
        && last.1 < least.1
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
            (found.measures.accuracy(path, Measure::Best), run.record.best_epoch())
        else {
            continue;
        };
        let last = run.record.reached();
        // The same weights are no pair.
        let is_last = last.epochs == Some(epoch);
        table.push([
            Cell::text(&run.label),
            Cell::count(last.epochs.map(|epochs| epochs as u64)),
            Cell::percent(last.val_acc),
            Cell::percent(last.test_acc),
            Cell::Count(epoch as u64),
            Cell::percent(val),
            Cell::percent(best),
            if is_last { Cell::Missing } else { Cell::difference(Some(best), last.test_acc) },
        ]);
    }
    table
}
