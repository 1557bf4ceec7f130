//! `fer augment`: look at augmentation, and train with it.

use std::path::PathBuf;

use clap::Subcommand;
use fer::augment::preview::{self, Shown};
use fer::settings::{AugmentSettings, TrainSettings, Variant};
use fer::training::Training;
use nn_core::files::check_output;

use super::data::{DataArgs, load_data};
use super::resume::RunArgs;
use super::{emit, note, train, use_threads, write_png};

/// The subcommands of `fer augment`.
#[derive(Subcommand)]
pub enum Command {
    Preview(Preview),
    Train(Box<Train>),
}

impl Command {
    /// Runs the chosen subcommand.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Preview(preview) => preview.run(),
            Self::Train(train) => train.run(),
        }
    }
}

/// Draw the first nine training faces as they are, and as augmentation makes them, as a PNG.
///
/// Without --variant and --config all five of the study are drawn.
#[derive(clap::Args)]
pub struct Preview {
    #[command(flatten)]
    data: DataArgs,

    /// A ready-made augmentation: the study's 1 to 5, or one that suits faces
    #[arg(long, value_enum, conflicts_with = "config")]
    variant: Option<Variant>,

    /// An augmentation of your own: a TOML file with arguments of Keras's ImageDataGenerator
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where to write the PNG
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

impl Preview {
    fn run(self) -> anyhow::Result<()> {
        check_output(&self.output, self.force)?;
        let shown = |name, generator| Shown { name, generator, fitted: None };
        let named = |variant: Variant| shown(title(variant), variant.generator());
        let shown: Vec<Shown> = match (self.variant, self.config) {
            (Some(variant), _) => vec![named(variant)],
            (None, Some(config)) => {
                let settings =
                    AugmentSettings { generator_file: Some(config.clone()), ..AugmentSettings::default() };
                let name = config.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                vec![shown(name, settings.resolve()?)]
            }
            (None, None) => Variant::OF_STUDY.into_iter().map(named).collect(),
        };
        let faces = self.data.load()?.train;
        write_png(&self.output, self.force, &preview::sheet(&faces, shown, self.data.seed)?)?;
        emit(&self.output.display().to_string())
    }
}

fn title(variant: Variant) -> String {
    match variant {
        Variant::Face => "face".into(),
        of_study => format!("variant {}", of_study as usize + 1),
    }
}

/// Train a network on faces that are varied at random.
///
/// Without other settings this is the study's: cnn1, 10 epochs, batches of 32. The faces of evaluation are standardised
/// as those of training are; --raw-test leaves that out.
#[derive(clap::Args)]
#[command(mut_arg("model", |model| model.long("model").help("A model of `fer model list`, or a network configuration ending in .json [default: cnn1]")))]
pub struct Train {
    #[command(flatten)]
    settings: TrainSettings,

    #[command(flatten)]
    augment: AugmentSettings,

    /// Settings not given as flags: a TOML file with the flags' names as keys, such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    place: RunArgs,
}

impl Train {
    fn run(self) -> anyhow::Result<()> {
        let Self { settings, augment, config, place } = self;
        if let Some(result) = place.finished()? {
            return train::print(&result, place.json);
        }
        let threads = settings.threads;
        let given = || {
            let of_study = TrainSettings {
                model: Some("cnn1".into()),
                epochs: Some(10),
                batch: Some(32),
                ..TrainSettings::default()
            };
            let from_file = config.as_deref().map(TrainSettings::read).transpose()?.unwrap_or_default();
            Ok(TrainSettings { augment: Some(augment), ..settings }.or(from_file).or(of_study))
        };
        let (resumed, settings) = place.settings(given, threads, false)?;
        let settings = settings.resolve()?;
        use_threads(settings.threads)?;
        let data = load_data(settings.data(), settings.limit, settings.seed)?;
        if settings.transform.augmentation.as_ref().is_some_and(|it| it.validation_split > 0.0) {
            note("validation_split divides nothing here: the data have a validation split of their own");
        }
        if settings.transform.needs_fit() {
            note("computing statistics of the training faces");
        }
        let mut training = Training::prepare(&settings, &data)?;
        let folder = place.folder(resumed, settings.network.name())?;
        place.keep_checkpoints(&mut training, &folder)?;
        train::finish(training, &folder, &place)
    }
}
