//! `fer train`: train a network and leave a run folder.

use std::path::PathBuf;

use fer::run::RunFolder;
use fer::settings::TrainSettings;
use fer::training::{Outcome, Training, TrainingResult};

use super::data::load_data;
use super::progress::{Follow, interrupted_by_ctrl_c};
use super::{Interrupted, emit, emit_json, note, use_threads};

/// Train a network on the faces.
///
/// Without --data the embedded synthetic faces are used. Each setting comes from its flag, else from its
/// environment variable, else from --config, else from a default. The run folder gets the settings as decided,
/// the log of each epoch, the best and the last weights, and the predictions for the test images.
#[derive(clap::Args)]
pub struct Train {
    #[command(flatten)]
    settings: TrainSettings,

    /// Settings not given as flags: a TOML file with the flags' names as keys, such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Folder to create for the run [default: runs/MODEL, runs/MODEL-2, ...]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Train {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let from_file = self.config.as_deref().map(TrainSettings::read).transpose()?.unwrap_or_default();
        let settings = self.settings.or(from_file).resolve()?;
        use_threads(settings.threads)?;
        let data = load_data(settings.data(), settings.limit, settings.seed)?;
        let training = Training::prepare(&settings, &data)?;
        let folder = RunFolder::create(self.run.as_deref(), settings.network.name())?;
        finish(training, &folder, self.json)
    }
}

/// Runs a training with its progress on stderr, and prints the result.
pub fn finish(training: Training, folder: &RunFolder, as_json: bool) -> anyhow::Result<()> {
    note(&format!("run folder: {}", folder.path().display()));
    let mut follow = Follow::new(interrupted_by_ctrl_c()?);
    match training.run(folder, &mut follow)? {
        Outcome::Finished(result) if as_json => emit_json(&result),
        Outcome::Finished(result) => emit(&describe(&result)),
        Outcome::Interrupted => {
            note(&format!("interrupted; the weights so far are in {}", folder.path().display()));
            Err(Interrupted.into())
        }
    }
}

fn describe(result: &TrainingResult) -> String {
    let TrainingResult { model, params, epochs, seconds, .. } = result;
    let split = |name, accuracy: f64, loss| {
        format!("{name:<10}  accuracy {:6.2} %   loss {loss:.4}\n", accuracy * 100.0)
    };
    let mut text = format!("{model}: {params} parameters, {epochs} epochs in {seconds:.1} s\n");
    text += &split("train", result.train_acc, result.train_loss);
    text += &split("validation", result.val_acc, result.val_loss);
    text += &split("test", result.test_acc, result.test_loss);
    text.trim_end().into()
}
