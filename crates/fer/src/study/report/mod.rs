//! The report of a study's folder. It follows from what lies in the folder, the data and the plan alone.

mod search;
mod sections;

use std::path::Path;

use super::measure::{Measure, Measures};
use super::mistakes::{self, Found};
use super::searched::Searched;
use super::{Part, Plan, PlannedRun, Scale};
use crate::data::Dataset;
use crate::record::{Record, State, is_run};
use crate::report::number::Cell;
use crate::report::runs::{self, ReportedRun};
use crate::report::{Report, Section, Table};
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
    searches: Vec<(&'static str, Searched)>,
    measures: Measures,
}

/// The report of the study in the folder `out`, as far as it has got. `data` are those of its runs.
///
/// # Errors
/// If a run is damaged.
pub fn report(out: &Path, plan: &Plan, data: &Dataset) -> Result<Report, RunError> {
    let content = Content::read(out, plan, data)?;
    let (best, errors) = content.best_runs()?;
    let mut confusions = Section::new("Confusion matrices")
        .text("Test images of the best run of each part, chosen on the validation images.");
    let mut classes = Section::new("Results by class");
    for run in &best {
        if let Some(confusion) = runs::confusion(run) {
            classes = classes.with(confusion.by_class(format!("{}: test images by class", run.label)));
            confusions = confusions.with(confusion);
        }
    }
    let shown = content.every_run()?;
    let seeds = Section::new("Over seeds")
        .text("The best network of a part, chosen on the validation images, trained with further seeds.")
        .with(runs::over_seeds("Means and standard deviations", &shown));
    let mut report = Report::new("Facial emotion recognition: the study");
    report.lead = content.lead();
    report.sections = vec![
        content.headline(),
        mistakes::section(&Found {
            runs: &content.runs,
            searches: &content.searches,
            measures: &content.measures,
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
    fn read(out: &'a Path, plan: &'a Plan, data: &'a Dataset) -> Result<Self, RunError> {
        let mut runs = Vec::new();
        let further = |run: &PlannedRun| {
            let seed = plan.settings.seed;
            let seeds = (1..plan.settings.seeds).map(move |i| seed + i);
            seeds.map(|seed| run.with_seed(seed)).collect::<Vec<_>>()
        };
        for planned in plan.runs.iter().flat_map(|run| [vec![run.clone()], further(run)].concat()) {
            let folder = planned.folder(out);
            if is_run(&folder) {
                let run = ReportedRun::new(Record::read(&folder)?)?.labelled(&planned.label);
                let run = run.beside(planned.published.unwrap_or_default());
                runs.push((format!("{}/{}", planned.part.name(), planned.name), run));
            }
        }
        let searches = plan.searches.iter().map(|search| {
            let folder = out.join(Part::Search.name()).join(search.name);
            Ok((search.name, Searched::read(&folder)?))
        });
        let searches = searches.collect::<Result<_, RunError>>()?;
        Ok(Self { out, plan, data, runs, searches, measures: Measures::read(out)? })
    }

    fn lead(&self) -> String {
        let [train, val, test] = [&self.data.train, &self.data.val, &self.data.test]
            .map(|faces| Cell::Count(faces.len() as u64).to_string());
        let images = format!("{train} training, {val} validation and {test} test images");
        match (self.plan.settings.scale, &self.plan.settings.data) {
            (Scale::Quick, None) => format!(
                "The quick study: every part with fewer epochs, on {images} of drawn faces. Its numbers show that \
                 everything works; they are no results on FER-2013."
            ),
            (Scale::Quick, Some(_)) => {
                format!("The quick study: every part with fewer epochs, on {images}.")
            }
            (Scale::Full, None) => {
                format!("The whole protocol, on {images} of drawn faces, not on FER-2013.")
            }
            (Scale::Full, Some(_)) => format!("The whole protocol of the original study, on {images}."),
        }
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
        let run = ReportedRun::new(search.retrained.first()?.clone()).ok()?;
        Some(run.labelled("best of the search").beside("search"))
    }

    /// The runs of a part among which the best is chosen.
    fn candidates(&self, part: Part) -> Vec<ReportedRun> {
        if part == Part::Search { Vec::from_iter(self.searched()) } else { self.runs_of(part) }
    }

    /// All runs, those at the end of a search included.
    fn every_run(&self) -> Result<Vec<ReportedRun>, RunError> {
        let mut runs: Vec<_> = self.runs.iter().map(|(_, run)| run.clone()).collect();
        for (name, search) in &self.searches {
            for record in &search.retrained {
                let label = format!("{name}/{}", record.name);
                runs.push(ReportedRun::new(record.clone())?.labelled(label));
            }
        }
        Ok(runs)
    }

    /// What was published, beside what came out here.
    fn headline(&self) -> Section {
        let repeats = |run: &&ReportedRun| run.published.is_some() && self.has_first_seed(run);
        let mut shown: Vec<_> = self.runs.iter().map(|(_, run)| run).filter(repeats).cloned().collect();
        let search = shown.iter().position(|run| run.record.model.starts_with("ft")).unwrap_or(shown.len());
        shown.splice(search..search, self.searched());
        shown.extend(self.as_it_ran());
        let mut section = Section::new("Published and ours")
            .with(runs::headline("Runs that repeat a published one", &shown));
        for note in runs::notes(&shown) {
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
            // Only runs that repeat a published one compete, as in the study.
            let mut runs = self.candidates(part);
            runs.retain(|run| run.published.is_some());
            let published = crate::published::results().iter().filter(|result| {
                runs.iter().any(|run| run.published.is_some_and(|published| published.model == result.model))
            });
            let published = published.max_by(|a, b| a.val.unwrap_or(0.0).total_cmp(&b.val.unwrap_or(0.0)));
            let (Some(ours), Some(published)) = (sections::best(&runs), published) else { continue };
            let test = ours.record.reached().test_acc;
            let comparable = ours.is_comparable();
            table.push([
                Cell::text(name),
                Cell::text(&published.model),
                Cell::text(&ours.label),
                Cell::percent(published.test),
                Cell::percent(test),
                if comparable { Cell::difference(test, published.test) } else { Cell::Missing },
            ]);
        }
        table
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
    fn best_runs(&self) -> Result<(Vec<ReportedRun>, Section), RunError> {
        let mut chosen = Vec::new();
        for part in [Part::Fnn, Part::Cnn, Part::Search, Part::Finetune, Part::Augment] {
            chosen.extend(sections::best(&self.candidates(part)).cloned());
        }
        let mut errors = Section::new("Worst errors");
        for run in &mut chosen {
            run.show_errors(self.data, ERRORS)?;
            if let Some(gallery) = &run.errors {
                errors = errors.with(gallery.clone());
            }
        }
        Ok((chosen, errors))
    }

    /// What could not be run, and what is unfinished.
    fn missing(&self) -> Section {
        let mut table = Table::new("Not run", ["run", "why"]);
        for run in &self.plan.runs {
            if let Some(why) = &run.missing {
                table.push([Cell::text(&run.label), Cell::text(why)]);
            }
        }
        for (_, run) in self.runs.iter().filter(|(_, run)| run.record.state == State::Unfinished) {
            table.push([Cell::text(&run.label), Cell::text("unfinished: --resume goes on")]);
        }
        Section::new("What is missing").with(table)
    }
}
