//! `fer predict`: the emotion on photographs.

use std::path::PathBuf;

use anyhow::ensure;
use fer::data::{EMOTIONS, Faces, image_file};
use fer::run::RunFolder;
use fer::training::predict;
use serde_json::{Value, json};

use super::train::note_resizing;
use super::{Weights, emit, emit_json, note, use_threads};

/// Predict the emotion of faces in image files.
///
/// An image that cannot be read has an error in place of a prediction, on stderr and in the JSON, and the others
/// have theirs; the exit code is 1 then.
#[derive(clap::Args)]
pub struct Predict {
    /// PNG or JPEG images of any size; the middle square is used, colour becomes grey
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    /// The run whose network predicts
    #[arg(long, value_name = "DIR")]
    run: PathBuf,

    /// Which of the run's weights
    #[arg(long, value_enum, default_value_t = Weights::Best)]
    weights: Weights,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Predict {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        use_threads(None)?;
        let run = RunFolder::open(&self.run)?;
        let network = run.network(self.weights.file())?;
        note_resizing(&network);
        let pipeline = run.pipeline(&network, false)?;
        let mut faces = Faces::default();
        let mut read = Vec::new();
        for path in &self.images {
            read.push(image_file::read(path).map(|face| faces.push(&face, 0)));
        }
        let probabilities = predict(&network, &faces, &pipeline)?;
        let mut rows = probabilities.outer_iter();
        let (mut results, mut failed) = (Vec::new(), 0);
        for (path, read) in self.images.iter().zip(read) {
            let path = path.to_string_lossy();
            let row: anyhow::Result<Vec<f32>> = read.map_err(anyhow::Error::from).and_then(|()| {
                let row: Vec<f32> = rows.next().iter().flatten().copied().collect();
                ensure!(
                    row.iter().all(|p| p.is_finite()),
                    "{path}: the network's outputs are not finite numbers"
                );
                Ok(row)
            });
            match row {
                Ok(row) if self.json => results.push(as_json(&path, &row)),
                Ok(row) => emit(&format!("{path}: {}", ranked(&row)))?,
                Err(error) => {
                    failed += 1;
                    let error = super::told(&error);
                    note(&format!("error: {error}"));
                    results.push(json!({"image": path, "error": error}));
                }
            }
        }
        if self.json {
            emit_json(&results)?;
        }
        ensure!(failed == 0, "no prediction for {failed} of {} images", self.images.len());
        Ok(())
    }
}

/// The emotions with their probabilities, the most probable first.
fn ranked(row: &[f32]) -> String {
    let text: Vec<_> =
        in_order(row).iter().map(|(p, emotion)| format!("{emotion} {:.1} %", p * 100.0)).collect();
    text.join(", ")
}

fn as_json(path: &str, row: &[f32]) -> Value {
    let of_emotion: serde_json::Map<_, _> =
        row.iter().zip(EMOTIONS).map(|(p, emotion)| (emotion.to_owned(), json!(p))).collect();
    json!({"image": path, "emotion": in_order(row)[0].1, "probabilities": of_emotion})
}

fn in_order(row: &[f32]) -> Vec<(f32, &'static str)> {
    let mut ranked: Vec<_> = row.iter().copied().zip(EMOTIONS).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
}
