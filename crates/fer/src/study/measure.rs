//! Accuracies on the test images that a run does not write itself: `measures.csv`.

use std::path::{Path, PathBuf};

use nn_core::train::{EVALUATION_BATCH, evaluate};
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::run::{RunError, RunFolder};
use crate::training::{LOSS, TrainingError};

/// What is measured, besides the final weights on faces that are standardised as in training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// The weights of the epoch with the best validation accuracy.
    Best,
    /// The final weights on faces that are not standardised.
    Raw,
}

/// A line of `measures.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    run: String,
    measure: Measure,
    test_acc: f64,
    test_loss: f64,
}

/// The file with the lines.
const FILE: &str = "measures.csv";

/// What was measured of the runs of a study. A finished run never changes, so a line is never measured again.
#[derive(Debug)]
pub struct Measures {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Measures {
    /// The measures of the study in the folder `out`, none if there is no file.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn read(out: &Path) -> Result<Self, RunError> {
        let none = Self::none(out);
        let lines = crate::record::read_csv(&none.path, "run")?;
        Ok(Self { lines, ..none })
    }

    /// No measures of the study in the folder `out`, whatever lies there.
    pub(super) fn none(out: &Path) -> Self {
        Self { path: out.join(FILE), lines: Vec::new() }
    }

    /// The test accuracy that was measured of the run in the folder `run` of the study.
    pub fn accuracy(&self, run: &str, measure: Measure) -> Option<f64> {
        let line = self.lines.iter().find(|line| line.run == run && line.measure == measure);
        line.map(|line| line.test_acc).filter(|accuracy| (0.0..=1.0).contains(accuracy))
    }

    /// Measures the finished run in the folder `run` of the study at `out`: its best weights, and where faces are
    /// standardised, its final weights on raw ones. `data` are those that it was trained on.
    ///
    /// # Errors
    /// If the run cannot be read, or the file cannot be written.
    pub fn add(&mut self, out: &Path, run: &str, data: &Dataset) -> Result<(), TrainingError> {
        let folder = RunFolder::open(&out.join(run))?;
        for (measure, weights) in [(Measure::Best, "best.safetensors"), (Measure::Raw, "last.safetensors")] {
            let raw = measure == Measure::Raw;
            if self.accuracy(run, measure).is_some() || raw && !folder.transform()?.needs_fit() {
                continue;
            }
            let network = folder.network(weights)?;
            let pipeline = folder.pipeline(&network, raw)?;
            let samples = pipeline.samples(&data.test);
            let measured = evaluate(&network, &LOSS, &*pipeline.evaluation(&samples)?, EVALUATION_BATCH)?;
            let (test_acc, test_loss) = (measured.accuracy, measured.loss);
            self.lines.push(Line { run: run.into(), measure, test_acc, test_loss });
            self.save()?;
        }
        Ok(())
    }

    fn save(&self) -> Result<(), RunError> {
        let failed = |source| RunError::Io { path: self.path.clone(), source };
        let mut writer = csv::Writer::from_writer(Vec::new());
        for line in &self.lines {
            writer.serialize(line).map_err(|e| failed(std::io::Error::other(e)))?;
        }
        let csv = writer.into_inner().map_err(|e| failed(std::io::Error::other(e.to_string())))?;
        nn_core::files::write_atomically(&self.path, &csv).map_err(failed)
    }
}
