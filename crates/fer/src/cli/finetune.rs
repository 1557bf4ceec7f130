//! `fer finetune`: train a network on top of a pre-trained one.

use std::path::PathBuf;

use anyhow::Context;
use fer::features::{FeatureCache, Origin};
use fer::settings::{FinetuneSettings, TrainSettings};
use fer::training::Training;

use super::data::load_data;
use super::resume::RunArgs;
use super::{note, train, use_threads};

/// Train a network on top of a pre-trained one.
///
/// ft1 is built on ResNet50, ft2 and ft3 on MobileNetV2; each has three dense layers on top. The pre-trained layers are
/// frozen unless asked otherwise, and what the frozen ones compute of the faces is computed once and kept on disk. Each
/// setting comes from its flag, else from its environment variable, else from --config, else from a default.
#[derive(clap::Args)]
#[command(mut_arg("model", |model| model.help("ft1, ft2 or ft3").value_parser(["ft1", "ft2", "ft3"])))]
pub struct Finetune {
    #[command(flatten)]
    settings: TrainSettings,

    #[command(flatten)]
    finetune: FinetuneSettings,

    /// Settings not given as flags: a TOML file with the flags' names as keys, such as a run's config.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    place: RunArgs,

    /// Folder for what the frozen layers compute [default: vitrine in the user's folder of caches]
    #[arg(long, env = "FER_CACHE", value_name = "DIR")]
    cache: Option<PathBuf>,

    /// Send every face through the frozen layers in every epoch; the result is the same
    #[arg(long, conflicts_with = "cache")]
    no_cache: bool,
}

impl Finetune {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        let Self { settings, finetune, config, place, cache, no_cache } = self;
        if let Some(result) = place.finished()? {
            return train::print(&result, place.json);
        }
        let threads = settings.threads;
        let given = || {
            let from_file = config.as_deref().map(TrainSettings::read).transpose()?.unwrap_or_default();
            Ok(TrainSettings { finetune: Some(finetune), ..settings }.or(from_file))
        };
        let (resumed, settings) = place.settings(given, threads, true)?;
        let settings = settings.resolve()?;
        use_threads(settings.threads)?;
        let data = load_data(settings.data(), settings.limit, settings.seed)?;
        let mut training = Training::prepare(&settings, &data)?;
        let folder = place.folder(resumed, settings.network.name())?;
        place.keep_checkpoints(&mut training, &folder)?;
        let features = match no_cache {
            true => Features::Never,
            false => cache.map_or_else(Features::default, Features::Kept),
        };
        features.prepare(&mut training)?;
        train::finish(training, &folder, &place)
    }
}

/// What becomes of that which frozen layers compute.
pub enum Features {
    /// Each face is sent through the frozen layers in every epoch.
    Never,
    /// It is computed once, and kept in this folder.
    Kept(PathBuf),
    /// It is computed once, and not kept.
    Passing,
}

impl Default for Features {
    /// Kept in the user's folder of caches, where the system has one.
    fn default() -> Self {
        FeatureCache::default_folder().map_or(Self::Passing, Self::Kept)
    }
}

impl Features {
    /// Lets a training begin at what its frozen layers compute; one that is continued goes on as it began.
    pub fn prepare(&self, training: &mut Training) -> anyhow::Result<()> {
        let wanted = !matches!(self, Self::Never);
        if !training.continues_whole().map_or(wanted, |whole| !whole) {
            return Ok(());
        }
        note("computing what the frozen layers make of the faces, or reading it if it was kept");
        if let Self::Kept(folder) = self {
            let origins = training.start_from_features(&FeatureCache::new(folder))?;
            origins.iter().flatten().for_each(|origin| note(&describe(origin)));
            return Ok(());
        }
        let passing = tempfile::tempdir().context("cannot create a temporary folder")?;
        training.start_from_features(&FeatureCache::new(passing.path()))?;
        Ok(())
    }
}

fn describe(origin: &Origin) -> String {
    match origin {
        Origin::Read(path) => format!("features read from {}", path.display()),
        Origin::Kept(path) => format!("features computed, kept in {}", path.display()),
        Origin::NotKept(problem) => format!("warning: features computed but not kept: {problem}"),
    }
}
