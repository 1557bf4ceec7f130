//! The sections of the parts.

use super::{Content, Part};
use crate::augment::Fitted;
use crate::augment::preview::{self, Shown};
use crate::data::Dataset;
use crate::record::{self, State};
use crate::report::number::{Cell, Unit};
use crate::report::runs::{self, ReportedRun};
use crate::report::{Bars, Gallery, Listing, Picture, Section, figures};
use crate::run::{RunError, STATISTICS};
use crate::settings::{SettingsError, Variant};

/// Labelled faces of each class that are shown.
const SAMPLES: usize = 2;

/// (a) and (b): what the data look like.
pub(super) fn explore(data: &Dataset, seed: u64) -> Section {
    let (table, bars) = figures::class_counts(data);
    Section::new("(a), (b) The data")
        .with(figures::samples("Random training images of each class", &data.train, SAMPLES, seed))
        .with(table)
        .with(bars)
}

/// The finished run with the best validation accuracy, the first of several.
pub(super) fn best(runs: &[ReportedRun]) -> Option<&ReportedRun> {
    let finished = runs.iter().filter(|run| run.record.state == State::Finished);
    let accuracy = |run: &ReportedRun| run.record.reached().val_acc;
    finished
        .filter(|run| accuracy(run).is_some())
        .rev()
        .max_by(|a, b| accuracy(a).unwrap_or(0.0).total_cmp(&accuracy(b).unwrap_or(0.0)))
}

/// A table of the rows; the best of the runs in words, and the curves of these.
fn results(title: &str, caption: &str, rows: &[ReportedRun], runs: &[ReportedRun]) -> Section {
    let mut section = Section::new(title).with(runs::headline(caption, rows));
    let finished = runs.iter().filter(|run| run.record.state == State::Finished && !run.is_dry()).count();
    // A single one is no choice.
    if let Some(best) = best(runs).filter(|_| finished > 1) {
        let reached = best.record.reached();
        section = section.text(format!(
            "Best on validation: {} with {}; on the test images {}.",
            best.label,
            Cell::percent(reached.val_acc),
            Cell::percent(reached.test_acc)
        ));
    }
    for plot in runs.iter().flat_map(runs::curves) {
        section = section.with(plot);
    }
    section
}

/// The layers of each network, as its run recorded them.
fn summaries(mut section: Section, runs: &[ReportedRun]) -> Section {
    for run in runs {
        let read = |file| record::read(&run.record.path.join(file)).ok().flatten().unwrap_or_default();
        let (summary, settings) = (read("summary.txt"), read("config.toml"));
        let text = format!("{}\n{}", summary.trim_end(), settings.trim_end());
        if !summary.is_empty() {
            let caption = format!("{}: layers and settings", run.label);
            section = section.with(Listing { caption, text });
        }
    }
    section
}

impl Content<'_> {
    /// (c): fully connected networks.
    pub(super) fn fnn(&self) -> Section {
        let (rows, runs) = (self.every_run_of(Part::Fnn), self.runs_of(Part::Fnn));
        let section = results("(c) Fully connected networks", "Fully connected networks", &rows, &runs);
        summaries(section, &runs)
    }

    /// (d): convolutional networks, and both kinds side by side.
    pub(super) fn cnn(&self) -> Section {
        let (rows, runs) = (self.every_run_of(Part::Cnn), self.runs_of(Part::Cnn));
        let section = results("(d) Convolutional networks", "Convolutional networks", &rows, &runs);
        let section = summaries(section, &runs);
        let both = [self.runs_of(Part::Fnn), runs].concat();
        let values = |value: fn(&ReportedRun) -> Option<f64>| both.iter().map(value).collect();
        section.with(Bars {
            caption: "Fully connected and convolutional networks".into(),
            measure: "accuracy".into(),
            unit: Unit::Share,
            names: both.iter().map(|run| run.label.clone()).collect(),
            series: vec![
                ("validation".into(), values(|run| run.record.reached().val_acc)),
                ("test".into(), values(|run| run.record.reached().test_acc)),
            ],
        })
    }

    /// (f): networks on top of pre-trained ones.
    pub(super) fn finetune(&self) -> Section {
        let runs = self.runs_of(Part::Finetune);
        results("(f) Fine-tuning", "Networks on top of pre-trained ones", &runs, &runs)
    }

    /// (g): augmentation.
    pub(super) fn augment(&self) -> Result<Section, RunError> {
        let mut runs: Vec<_> = self.runs_of(Part::Augment);
        if runs.is_empty() {
            return Ok(Section::new("(g) Augmentation"));
        }
        let table = runs::headline("cnn1 on varied faces", &{
            let mut rows = Vec::from_iter(self.as_it_ran());
            rows.append(&mut runs.clone());
            rows
        });
        let mut section = Section::new("(g) Augmentation").with(self.grids()?).with(table);
        runs.retain(|run| !run.record.epochs.is_empty());
        for plot in runs.iter().flat_map(runs::curves) {
            section = section.with(plot);
        }
        Ok(section)
    }

    /// The first nine training faces, and what each variant makes of them; with the statistics of its run, where there is
    /// one.
    fn grids(&self) -> Result<Gallery, RunError> {
        let variants = Variant::OF_STUDY.into_iter().zip(1..);
        let named = variants.map(|(variant, i)| (format!("variant {i}"), format!("variant{i}"), variant));
        let face = ("what suits faces".to_owned(), "face".to_owned(), Variant::Face);
        let shown = named.chain([face]).map(|(name, folder, variant)| {
            let statistics = self.out.join(Part::Augment.name()).join(folder).join(STATISTICS);
            Shown { name, generator: variant.generator(), fitted: Fitted::load(&statistics).ok() }
        });
        let grids = preview::grids(&self.data.train, shown.collect(), self.plan.settings.seed);
        let grids = grids.map_err(SettingsError::from)?;
        Ok(Gallery {
            caption: "Nine training faces, and what each variant makes of them".into(),
            per_row: None,
            pictures: grids.into_iter().map(|(caption, image)| Picture { image, caption }).collect(),
        })
    }
}
