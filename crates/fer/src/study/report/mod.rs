//! The report of a study's folder. It follows from what lies in the folder, the data and the plan alone.

mod search;
mod sections;

use std::path::Path;

use super::measure::{Measure, Measures};
use super::mistakes::{self, Found};
use super::searched::Searched;
use super::{Part, Plan, PlannedRun, PlannedSearch, Scale};
use crate::data::Dataset;
use crate::published;
use crate::record::{Damaged, Record, State, is_run};
use crate::report::number::Cell;
use crate::report::runs::{self, ReportedRun};
use crate::report::{Report, Section, Table, seeds};
use crate::run::RunError;

/// Errors shown of each part's best run.
const ERRORS: usize = 10;

/// The runs and searches of a study, as its report shows them.
struct Content<'a> {
    out: &'a Path,
    plan: &'a Plan,
    data: &'a Dataset,
    /// By the path of the folder in the study's, in the order of the plan.
    runs: Vec<(String, ReportedRun)>,
    searches: Vec<(PlannedSearch, Searched)>,
    measures: Measures,
    /// Runs and files that cannot be read.
    damaged: Vec<Damaged>,
    /// Whether what was published may stand beside what came out here.
    on_fer2013: bool,
}

/// The report of the study in the folder `out`, as far as it has got. `data` are those of its runs. What is damaged is
/// listed, and left out otherwise.
///
/// # Errors
/// If the training faces cannot be varied.
pub fn report(out: &Path, plan: &Plan, data: &Dataset) -> Result<Report, RunError> {
    let mut content = Content::read(out, plan, data);
    let (best, errors) = content.best_runs();
    let mut confusions = Section::new("Confusion matrices")
        .text("Test images of the best run of each part, chosen on the validation images.");
    let mut classes = Section::new("Results by class");
    for run in &best {
        if let Some(confusion) = runs::confusion(run) {
            classes = classes.with(confusion.by_class(format!("{}: test images by class", run.label)));
            confusions = confusions.with(confusion);
        }
    }
    let shown = content.every_run();
    let seeds = Section::new("Over seeds")
        .text("The best network of a part, chosen on the validation images, trained with further seeds.")
        .with(seeds::over_seeds("Means and standard deviations", &shown));
    let mut report = Report::new("Facial emotion recognition: the study");
    report.lead = content.lead();
    report.sections = vec![
        content.headline(),
        mistakes::section(&Found {
            runs: &content.runs,
            searches: &content.searches,
            measures: &content.measures,
            on_fer2013: content.on_fer2013,
        }),
        sections::explore(data, plan.settings.seed),
        content.fnn(),
        content.cnn(),
        content.search(),
        content.finetune(),
        content.augment()?,
        confusions,
        classes,
        errors,
        seeds,
        content.missing(),
        runs::environment("Environment", &shown),
    ];
    Ok(report)
}

impl<'a> Content<'a> {
    fn read(out: &'a Path, plan: &'a Plan, data: &'a Dataset) -> Self {
        let (mut runs, mut damaged) = (Vec::new(), Vec::new());
        let further = |run: &PlannedRun| {
            let seed = plan.settings.seed;
            let seeds = (1..plan.settings.seeds).map(move |i| seed + i);
            seeds.map(|seed| run.with_seed(seed)).collect::<Vec<_>>()
        };
        for planned in plan.runs.iter().flat_map(|run| [vec![run.clone()], further(run)].concat()) {
            let folder = planned.folder(out);
            if !is_run(&folder) {
                continue;
            }
            match Record::read(&folder).and_then(ReportedRun::new) {
                Ok(run) => {
                    let run = run.labelled(&planned.label).beside(planned.published.unwrap_or_default());
                    runs.push((format!("{}/{}", planned.part.name(), planned.name), run));
                }
                Err(error) => damaged.push(Damaged::new(&folder, &error)),
            }
        }
        let mut searches = Vec::new();
        for planned in &plan.searches {
            let folder = out.join(Part::Search.name()).join(planned.name);
            match Searched::read(&folder) {
                Ok((search, runs)) => {
                    searches.push((*planned, search));
                    damaged.extend(runs);
                }
                Err(error) => damaged.push(Damaged::new(&folder, &error)),
            }
        }
        let measures = Measures::read(out).unwrap_or_else(|error| {
            damaged.push(Damaged::new(out, &error));
            Measures::none(out)
        });
        Self { out, plan, data, runs, searches, measures, damaged, on_fer2013: published::is_fer2013(data) }
    }

    fn lead(&self) -> String {
        let [train, val, test] = [&self.data.train, &self.data.val, &self.data.test]
            .map(|faces| Cell::Count(faces.len() as u64).to_string());
        let settings = &self.plan.settings;
        let images = format!("{train} training, {val} validation and {test} test images");
        let whole = settings.epochs.is_none() && settings.trials.is_none();
        let what = match (settings.scale, settings.epochs) {
            (Scale::Quick, None) => "The quick study: every part with fewer epochs".to_owned(),
            (Scale::Quick, Some(epochs)) => format!("The quick study, with {epochs} epochs for each run"),
            (Scale::Full, _) if whole && self.on_fer2013 => "The whole protocol of the original study".into(),
            (Scale::Full, _) if whole => "The whole protocol".into(),
            (Scale::Full, _) => "The protocol of the original study with other epochs or trials".into(),
        };
        let on = match (&settings.data, self.on_fer2013) {
            (None, _) => {
                " of drawn faces. Its numbers show that everything works; they are no results on FER-2013"
            }
            (Some(_), false) => {
                ", which are not all of FER-2013: what was published does not stand beside them"
            }
            (Some(_), true) => "",
        };
        format!("{what}, on {images}{on}.")
    }

    /// The runs of a part, those with further seeds included.
    fn every_run_of(&self, part: Part) -> Vec<ReportedRun> {
        let of = |(path, _): &&(String, ReportedRun)| path.starts_with(part.name());
        self.runs.iter().filter(of).map(|(_, run)| run.clone()).collect()
    }

    /// The runs of a part with the study's seed: those that compete and that are shown in full.
    fn runs_of(&self, part: Part) -> Vec<ReportedRun> {
        let mut runs = self.every_run_of(part);
        runs.retain(|run| self.has_first_seed(run));
        runs
    }

    /// Whether it is no repetition with a further seed.
    fn has_first_seed(&self, run: &ReportedRun) -> bool {
        run.record.setting("seed") == Some(self.plan.settings.seed.to_string())
    }

    /// The best network of the search with our sampler, or of the other one as long as that is the only one, trained anew.
    fn searched(&self) -> Option<ReportedRun> {
        let (_, search) = self.searches.iter().find(|(_, search)| !search.retrained.is_empty())?;
        let run = search.retrained.first()?.clone();
        Some(run.labelled("best of the search").beside("search"))
    }

    /// The runs of a part among which the best is chosen.
    fn candidates(&self, part: Part) -> Vec<ReportedRun> {
        if part == Part::Search { Vec::from_iter(self.searched()) } else { self.runs_of(part) }
    }

    /// All runs, those at the end of a search included.
    fn every_run(&self) -> Vec<ReportedRun> {
        let mut runs: Vec<_> = self.runs.iter().map(|(_, run)| run.clone()).collect();
        for (planned, search) in &self.searches {
            for run in &search.retrained {
                runs.push(run.clone().labelled(format!("{}/{}", planned.name, run.record.name)));
            }
        }
        runs
    }

    /// What was published, beside what came out here.
    fn headline(&self) -> Section {
        let repeats = |run: &&ReportedRun| run.published.is_some() && self.has_first_seed(run);
        let mut shown: Vec<_> = self.runs.iter().map(|(_, run)| run).filter(repeats).cloned().collect();
        let search = shown.iter().position(|run| run.record.model.starts_with("ft")).unwrap_or(shown.len());
        shown.splice(search..search, self.searched());
        shown.extend(self.as_it_ran());
        let (title, caption) = match shown.iter().any(|run| run.counterpart().is_some()) {
            true => ("Published and ours", "Runs that repeat a published one"),
            false => ("Results", "Runs of which the study published a result"),
        };
        let mut section = Section::new(title).with(runs::headline(caption, &shown));
        for note in seeds::notes(&shown, &self.every_run()) {
            section = section.text(note);
        }
        section.with(self.chosen())
    }

    /// For each part the run with the best validation accuracy, and what it reaches on the test images, as the study
    /// chose.
    fn chosen(&self) -> Table {
        let columns = [
            "part",
            "best on validation: published",
            "best on validation: ours",
            "test: published",
            "test: ours",
            "test: difference",
        ];
        let mut table = Table::new("Best on validation, measured on test", columns);
        let parts = [
            (Part::Fnn, "(c) fully connected"),
            (Part::Cnn, "(d) convolutional"),
            (Part::Search, "(e) searched"),
            (Part::Finetune, "(f) fine-tuned"),
        ];
        for (part, name) in parts {
            // Only finished runs that repeat a published one compete, as in the study.
            let mut runs = self.candidates(part);
            runs.retain(|run| run.published.is_some() && run.record.state == State::Finished);
            let published = runs.iter().filter_map(ReportedRun::counterpart);
            let published = published.max_by(|a, b| a.val.unwrap_or(0.0).total_cmp(&b.val.unwrap_or(0.0)));
            let Some(ours) = sections::best(&runs) else { continue };
            let test = ours.record.reached().test_acc;
            let published_test = published.and_then(|published| published.test);
            table.push([
                Cell::text(name),
                published.map_or(Cell::Missing, |published| Cell::text(&published.model)),
                Cell::text(&ours.label),
                Cell::percent(published_test),
                Cell::percent(test),
                if ours.is_comparable() { Cell::difference(test, published_test) } else { Cell::Missing },
            ]);
        }
        table.without_empty_columns()
    }

    /// Variant 1 as the study measured it: on faces that are not standardised.
    fn as_it_ran(&self) -> Option<ReportedRun> {
        const PATH: &str = "augment/variant1";
        let raw = self.measures.accuracy(PATH, Measure::Raw)?;
        let (_, run) = self.runs.iter().find(|(path, _)| path == PATH)?;
        let mut run = run.clone().labelled("variant 1 as it ran").beside("aug1");
        let result = run.record.result.as_mut()?;
        (result.test_acc, result.val_acc, result.test_loss) = (Some(raw), None, None);
        run.record.confusion = None;
        Some(run)
    }

    /// The best finished run of each part, and pictures of their worst errors.
    fn best_runs(&mut self) -> (Vec<ReportedRun>, Section) {
        let mut chosen = Vec::new();
        for part in [Part::Fnn, Part::Cnn, Part::Search, Part::Finetune, Part::Augment] {
            chosen.extend(sections::best(&self.candidates(part)).cloned());
        }
        let mut errors = Section::new("Worst errors");
        for run in &mut chosen {
            if let Err(error) = run.show_errors(self.data, ERRORS) {
                self.damaged.push(Damaged::new(&run.record.path, &error));
            }
            if let Some(gallery) = &run.errors {
                errors = errors.with(gallery.clone());
            }
        }
        (chosen, errors)
    }

    /// What could not be run, and what is unfinished.
    fn missing(&self) -> Section {
        let mut table = Table::new("Not run", ["run", "why"]);
        for run in &self.plan.runs {
            let is_there = is_run(&run.folder(self.out));
            if let Some(why) = run.missing.as_ref().filter(|_| !is_there) {
                table.push([Cell::text(&run.label), Cell::text(why)]);
            }
        }
        for (_, run) in self.runs.iter().filter(|(_, run)| run.record.state == State::Unfinished) {
            table.push([Cell::text(&run.label), Cell::text("unfinished: --resume goes on")]);
        }
        Section::new("What is missing").with(table).with(runs::damaged(&self.damaged))
    }
}
