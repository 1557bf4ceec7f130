//! The settings of a study, and the runs that follow from them.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::search::SamplerName;
use crate::settings::{
    AugmentSettings, FinetuneSettings, Preprocess, SettingsError, TrainSettings, Variant, read_toml,
};

/// A part of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// What the data look like
    Explore,
    /// Five fully connected networks
    Fnn,
    /// Three convolutional networks
    Cnn,
    /// The search for hyper-parameters
    Search,
    /// Networks on top of pre-trained ones
    Finetune,
    /// Training on varied faces
    Augment,
}

impl Part {
    /// All parts, in the study's order.
    pub const ALL: [Self; 6] =
        [Self::Explore, Self::Fnn, Self::Cnn, Self::Search, Self::Finetune, Self::Augment];

    /// Its name, which is also that of its folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Explore => "explore",
            Self::Fnn => "fnn",
            Self::Cnn => "cnn",
            Self::Search => "search",
            Self::Finetune => "finetune",
            Self::Augment => "augment",
        }
    }
}

/// How much of the study is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Every part, with fewer epochs and rows.
    #[default]
    Quick,
    /// The original protocol.
    Full,
}

impl Scale {
    /// Training images that a quick study uses.
    const QUICK_IMAGES: usize = 1_120;

    /// Epochs of a run that the protocol gives `full`.
    fn epochs(self, full: usize) -> usize {
        match self {
            Self::Quick => full.div_ceil(5),
            Self::Full => full,
        }
    }
}

/// What a study is asked to be; what is not set is `None`. `study.toml` in its folder holds it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StudySettings {
    /// How much of the study is done.
    pub scale: Scale,
    /// FER-2013; the embedded faces if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Training images; as the scale says if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Epochs of every run and trial; as the scale says if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Trials of each search; as the scale says if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<u64>,
    /// Folder with the weight files that Keras publishes; where Keras keeps them if `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights_dir: Option<PathBuf>,
    /// Seed of every random choice.
    pub seed: u64,
    /// How many seeds the best networks of (c), (d) and (e) are trained with.
    pub seeds: u64,
}

impl StudySettings {
    /// Reads a `study.toml`.
    ///
    /// # Errors
    /// If it cannot be read or understood; the message gives the line.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        read_toml(path)
    }
}

/// A training run of the study.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// The part that it belongs to.
    pub part: Part,
    /// The name of its folder in that of the part.
    pub name: String,
    /// What the report calls it.
    pub label: String,
    /// The published run that it repeats.
    pub published: Option<&'static str>,
    /// Its settings.
    pub settings: TrainSettings,
    /// Why it cannot be made, if it cannot.
    pub missing: Option<String>,
}

impl PlannedRun {
    /// Its folder.
    pub fn folder(&self, out: &Path) -> PathBuf {
        out.join(self.part.name()).join(&self.name)
    }

    /// Whether it runs on initial weights in place of pre-trained ones, to show that it works.
    pub fn is_dry(&self) -> bool {
        let weights = self.settings.finetune.as_ref().and_then(|finetune| finetune.weights.as_deref());
        weights.is_some_and(|weights| weights == Path::new(FinetuneSettings::RANDOM))
    }

    /// The same with another seed.
    pub fn with_seed(&self, seed: u64) -> Self {
        Self {
            name: format!("{}-seed{seed}", self.name),
            label: format!("{}, seed {seed}", self.label),
            settings: TrainSettings { seed: Some(seed), ..self.settings.clone() },
            ..self.clone()
        }
    }
}

/// A search of the study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedSearch {
    /// The name of its folder.
    pub name: &'static str,
    /// What the report calls it.
    pub label: &'static str,
    /// How points are chosen.
    pub sampler: SamplerName,
    /// Trials.
    pub trials: u64,
    /// Epochs of a trial.
    pub epochs: usize,
}

/// What a study consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What was asked for.
    pub settings: StudySettings,
    /// The training runs, in order.
    pub runs: Vec<PlannedRun>,
    /// The searches.
    pub searches: Vec<PlannedSearch>,
}

/// The study's searches: ours, and the one that the original used.
const SEARCHES: [(&str, &str, SamplerName); 2] = [
    ("joint", "joint density", SamplerName::Joint),
    ("hyperopt", "hyperopt, as it ran", SamplerName::Hyperopt),
];

impl Plan {
    /// The plan that follows from settings, and from which weight files there are.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn new(settings: StudySettings) -> Result<Self, SettingsError> {
        let at_least = |name, value: Option<u64>| match value {
            Some(0) => Err(SettingsError::Value { name, value: "0".into(), expected: "at least 1".into() }),
            _ => Ok(()),
        };
        at_least("seeds", Some(settings.seeds))?;
        at_least("trials", settings.trials)?;
        if let Some(folder) = settings.weights_dir.as_ref().filter(|folder| !folder.is_dir()) {
            let (value, expected) = (folder.display().to_string(), "a folder that exists".into());
            return Err(SettingsError::Value { name: "weights-dir", value, expected });
        }
        let last = settings.seed.checked_add(settings.seeds).filter(|&last| i64::try_from(last).is_ok());
        if last.is_none() || settings.seeds > 1000 {
            let value = format!("{} with seeds = {}", settings.seed, settings.seeds);
            let expected = "at most 1000 seeds, the last of them at most 9223372036854775807".into();
            return Err(SettingsError::Value { name: "seed", value, expected });
        }
        let mut plan = Self { settings, runs: Vec::new(), searches: Vec::new() };
        plan.networks();
        plan.finetuned();
        plan.augmented();
        let trials = plan.settings.trials.unwrap_or(match plan.settings.scale {
            Scale::Quick => 3,
            Scale::Full => 15,
        });
        let epochs = plan.epochs(10);
        plan.searches = SEARCHES
            .map(|(name, label, sampler)| PlannedSearch { name, label, sampler, trials, epochs })
            .into();
        // Whatever is wrong comes to light before the first run.
        plan.runs
            .iter()
            .filter(|run| run.missing.is_none() && run.part != Part::Finetune)
            .try_for_each(|run| run.settings.clone().resolve().map(|_| ()))?;
        Ok(plan)
    }

    /// The runs of a part.
    pub fn runs_of(&self, part: Part) -> impl Iterator<Item = &PlannedRun> {
        self.runs.iter().filter(move |run| run.part == part)
    }

    /// Training images to use; all if `None`.
    pub fn limit(&self) -> Option<usize> {
        self.settings.limit.or((self.settings.scale == Scale::Quick).then_some(Scale::QUICK_IMAGES))
    }

    fn epochs(&self, full: usize) -> usize {
        self.settings.epochs.unwrap_or(self.settings.scale.epochs(full))
    }

    fn add(
        &mut self,
        part: Part,
        name: &str,
        label: &str,
        published: Option<&'static str>,
        settings: TrainSettings,
    ) {
        let settings = TrainSettings {
            data: self.settings.data.clone(),
            limit: self.limit(),
            seed: Some(self.settings.seed),
            ..settings
        };
        let (name, label) = (name.into(), label.into());
        self.runs.push(PlannedRun { part, name, label, published, settings, missing: None });
    }

    /// (c) and (d).
    fn networks(&mut self) {
        for (name, epochs) in nn_zoo::MODELS {
            let part = match &name[..3] {
                "fnn" => Part::Fnn,
                "cnn" => Part::Cnn,
                _ => continue,
            };
            let settings = TrainSettings {
                model: Some(name.into()),
                epochs: Some(self.epochs(epochs)),
                ..TrainSettings::default()
            };
            self.add(part, name, name, Some(name), settings);
        }
    }

    /// (f): as the original ran, as it was written, and done right.
    fn finetuned(&mut self) {
        let imagenet =
            || FinetuneSettings { preprocess: Some(Preprocess::Imagenet), ..FinetuneSettings::default() };
        let without_penalty = |settings| FinetuneSettings { l2: Some(0.0), ..settings };
        // The blocks from here on are trained, more slowly than the dense layers alone.
        let unfrozen = || FinetuneSettings { unfreeze_from: Some("block_14_expand".into()), ..imagenet() };
        let study = FinetuneSettings::default;
        let runs = [
            ("ft1-as-it-ran", "ft1 as it ran", "ft1", Some("ft1"), study()),
            ("ft2-as-it-ran", "ft2 as it ran", "ft2", Some("ft2"), study()),
            ("ft3-as-it-ran", "ft3 as it ran", "ft3", Some("ft3"), without_penalty(study())),
            ("ft3-as-written", "ft3 as written", "ft3", None, study()),
            ("ft1-imagenet", "ft1, ImageNet's preparation", "ft1", None, imagenet()),
            ("ft2-imagenet", "ft2, ImageNet's preparation", "ft2", None, imagenet()),
            (
                "ft3-imagenet",
                "ft3, ImageNet's preparation, no penalty",
                "ft3",
                None,
                without_penalty(imagenet()),
            ),
            ("ft2-unfrozen", "ft2, last three blocks trained", "ft2", None, unfrozen()),
            (
                "ft2-unfrozen-96",
                "ft2, last three blocks trained, 96x96",
                "ft2",
                None,
                FinetuneSettings { input: Some(96), ..unfrozen() },
            ),
        ];
        for (name, label, model, published, finetune) in runs {
            let trains_blocks = finetune.unfreeze_from.is_some();
            let study = nn_zoo::Transfer::by_name(model).map_or(10, |transfer| transfer.epochs);
            let mut finetune = FinetuneSettings { weights: self.settings.weights_dir.clone(), ..finetune };
            let absent = finetune.missing_weights(model).map(|error| error.to_string());
            if absent.is_some() && self.settings.scale == Scale::Quick {
                finetune.weights = Some(FinetuneSettings::RANDOM.into());
            }
            let settings = TrainSettings {
                model: Some(model.into()),
                epochs: Some(self.epochs(if trains_blocks { 10 } else { study })),
                lr: trains_blocks.then_some(1e-4),
                finetune: Some(finetune),
                ..TrainSettings::default()
            };
            self.add(Part::Finetune, name, label, published, settings);
            let run = self.runs.last_mut().expect("one was added");
            if run.is_dry() {
                run.label += " (random weights)";
            } else {
                run.missing = absent;
            }
        }
    }

    /// (g): the five variants, and one that suits faces.
    fn augmented(&mut self) {
        let variants = Variant::OF_STUDY.into_iter().zip(1..).map(|(variant, number)| {
            let label = match variant {
                Variant::Everything => "variant 1, tested alike".into(),
                _ => format!("variant {number}"),
            };
            (format!("variant{number}"), label, variant, 10, 32)
        });
        let face = ("face".to_owned(), "what suits faces".to_owned(), Variant::Face, 40, 128);
        for (name, label, variant, epochs, batch) in variants.chain([face]) {
            let settings = TrainSettings {
                model: Some("cnn1".into()),
                epochs: Some(self.epochs(epochs)),
                batch: Some(self.limit().map_or(batch, |images| batch.min(images))),
                augment: Some(AugmentSettings { variant: Some(variant), ..AugmentSettings::default() }),
                ..TrainSettings::default()
            };
            self.add(Part::Augment, &name, &label, None, settings);
        }
    }
}
