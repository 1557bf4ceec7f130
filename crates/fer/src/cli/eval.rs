//! `fer eval`: measure a run's network on a split.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use fer::data::{EMOTIONS, Faces, Split};
use fer::run::{RunFolder, confusion};
use fer::training::LOSS;
use nn_core::metrics::{Confusion, in_top_k};
use nn_core::train::{EVALUATION_BATCH, evaluate};
use serde_json::json;

use super::data::load_data;
use super::train::note_resizing;
use super::{Loss, Weights, emit, emit_json, use_threads};

/// Measure the network of a run: accuracy, loss, and how each emotion fares.
#[derive(clap::Args)]
pub struct Eval {
    /// The run's folder
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// The split to measure on
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,

    /// FER-2013, if not the data that the run was trained on
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,

    /// Which of the run's weights
    #[arg(long, value_enum, default_value_t = Weights::Last)]
    weights: Weights,

    /// Leave out the standardisation that the run was trained with
    #[arg(long)]
    raw_test: bool,

    /// Threads to compute with [default: all cores]; the result does not depend on it
    #[arg(long, env = "FER_THREADS", value_name = "N")]
    threads: Option<usize>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Eval {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        use_threads(self.threads)?;
        let folder = RunFolder::open(&self.run)?;
        let settings = folder.settings()?;
        let network = folder.network(self.weights.file())?;
        note_resizing(&network);
        let path = self.data.as_deref().or(settings.data.as_deref());
        let data = load_data(path, settings.limit, settings.seed.unwrap_or(0))?;
        let faces = data.split(self.split);
        let pipeline = folder.pipeline(&network, self.raw_test)?;
        let samples = pipeline.samples(faces);
        let samples = pipeline.evaluation(&samples)?;
        let measured = evaluate(&network, &LOSS, &*samples, EVALUATION_BATCH)?;
        let probabilities = network.predict_dataset(&*samples)?;
        let counts = confusion(faces, &probabilities);
        let top2 = top_k(faces, &probabilities, 2);
        if self.json {
            return emit_json(&json!({
                "model": network.name(),
                "split": self.split,
                "images": faces.len(),
                "accuracy": measured.accuracy,
                "top_2_accuracy": top2,
                "loss": measured.loss,
                "classes": EMOTIONS,
                "confusion": counts.rows().collect::<Vec<_>>(),
            }));
        }
        emit(&format!(
            "{} on {} {} images: accuracy {:.2} %, top-2 accuracy {:.2} %, loss {}",
            network.name(),
            faces.len(),
            self.split,
            measured.accuracy * 100.0,
            top2 * 100.0,
            Loss(measured.loss)
        ))?;
        emit(&table(&counts))
    }
}

fn top_k(faces: &Faces, probabilities: &nn_core::Tensor<f32>, k: usize) -> f64 {
    let hits = probabilities.outer_iter().zip(faces.labels()).filter(|(row, label)| {
        let row: Vec<f32> = row.iter().copied().collect();
        in_top_k(&row, usize::from(**label), k)
    });
    hits.count() as f64 / faces.len() as f64
}

/// Counts by true (rows) and predicted (columns) emotion, with recall, and precision below.
fn table(counts: &Confusion) -> String {
    let share = |part: u64, whole: u64| match whole {
        0 => "-".into(),
        _ => format!("{:.1} %", 100.0 * part as f64 / whole as f64),
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["true \\ predicted"].into_iter().chain(EMOTIONS).chain(["recall"]));
    for (class, row) in counts.rows().enumerate() {
        let mut cells = vec![EMOTIONS[class].to_owned()];
        cells.extend(row.iter().map(u64::to_string));
        cells.push(share(row[class], row.iter().sum()));
        table.add_row(cells);
    }
    let mut precision = vec!["precision".to_owned()];
    for class in 0..EMOTIONS.len() {
        let predicted: u64 = counts.rows().map(|row| row[class]).sum();
        precision.push(share(counts.count(class, class), predicted));
    }
    precision.push(String::new());
    table.add_row(precision);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}
