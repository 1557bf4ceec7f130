//! `fer train`: train a network and leave a run folder.

use std::path::PathBuf;

use fer::run::RunFolder;
use fer::settings::TrainSettings;
use fer::training::{Outcome, Training, TrainingResult};
use fer::transform::Transform;
use nn_core::model::Network;

use super::data::load_data;
use super::progress::{Follow, interrupted_by_signals};
use super::resume::RunArgs;
use super::{Interrupted, Loss, emit, emit_json, note, use_threads};

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

    #[command(flatten)]
    place: RunArgs,
}

impl Train {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { settings, config, place } = self;
        if let Some(result) = place.finished()? {
            return print(&result, place.json);
        }
        let threads = settings.threads;
        let given =
            || Ok(settings.or(config.as_deref().map(TrainSettings::read).transpose()?.unwrap_or_default()));
        let (resumed, settings) = place.settings(given, threads, false)?;
        let settings = settings.resolve()?;
        use_threads(settings.threads)?;
        let data = load_data(settings.data(), settings.limit, settings.seed)?;
        let mut training = Training::prepare(&settings, &data)?;
        let folder = place.folder(resumed, settings.network.name())?;
        place.keep_checkpoints(&mut training, &folder)?;
        finish(training, &folder, &place)
    }
}

/// Runs a training with its progress on stderr, and prints the result.
pub fn finish(training: Training, folder: &RunFolder, place: &RunArgs) -> anyhow::Result<()> {
    note_resizing(training.network());
    let mut follow = Follow::new(interrupted_by_signals()?);
    match training.run(folder, &mut follow)? {
        Outcome::Finished(result) => print(&result, place.json),
        Outcome::Interrupted => {
            note(&format!("interrupted; --resume --run {} continues", folder.path().display()));
            Err(Interrupted.into())
        }
    }
}

/// Says on stderr that faces are resized, if a network takes them in another size.
pub fn note_resizing(network: &Network<f32>) {
    if let Some(remark) = Transform::remark(network.input_shape()) {
        note(&remark);
    }
}

/// Prints what a run has reached.
pub fn print(result: &TrainingResult, as_json: bool) -> anyhow::Result<()> {
    if as_json { emit_json(result) } else { emit(&describe(result)) }
}

fn describe(result: &TrainingResult) -> String {
    let TrainingResult { model, params, epochs, seconds, .. } = result;
    let split = |name, accuracy: f64, loss| {
        format!("{name:<10}  accuracy {:6.2} %   loss {}\n", accuracy * 100.0, Loss(loss))
    };
    let mut text = format!("{model}: {params} parameters, {epochs} epochs in {seconds:.1} s\n");
    text += &split("train", result.train_acc, result.train_loss);
    text += &split("validation", result.val_acc, result.val_loss);
    text += &split("test", result.test_acc, result.test_loss);
    text.trim_end().into()
}
