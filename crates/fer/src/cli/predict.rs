//! `fer predict`: the emotion on photographs.

use std::path::PathBuf;

use fer::data::{EMOTIONS, Faces, image_file};
use fer::run::RunFolder;
use fer::training::predict;
use serde_json::json;

use super::{Weights, emit, emit_json, use_threads};

/// Predict the emotion of faces in image files.
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
        let pipeline = run.pipeline(&network, false)?;
        let mut faces = Faces::default();
        for path in &self.images {
            faces.push(&image_file::read(path)?, 0);
        }
        let probabilities = predict(&network, &faces, &pipeline)?;
        let mut results = Vec::new();
        for (path, row) in self.images.iter().zip(probabilities.outer_iter()) {
            let mut ranked: Vec<(f32, &str)> = row.iter().copied().zip(EMOTIONS).collect();
            ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
            let path = path.to_string_lossy();
            if self.json {
                let of_emotion: serde_json::Map<_, _> =
                    row.iter().zip(EMOTIONS).map(|(p, emotion)| (emotion.to_owned(), json!(p))).collect();
                results.push(json!({"image": path, "emotion": ranked[0].1, "probabilities": of_emotion}));
            } else {
                let text: Vec<_> =
                    ranked.iter().map(|(p, emotion)| format!("{emotion} {:.1} %", p * 100.0)).collect();
                emit(&format!("{path}: {}", text.join(", ")))?;
            }
        }
        if self.json { emit_json(&results) } else { Ok(()) }
    }
}
