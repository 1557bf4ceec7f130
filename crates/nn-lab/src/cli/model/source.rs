//! Where a network comes from: Keras's files, a run folder, or our own configuration and weights.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use fer::run::RunFolder;
use nn_core::checkpoint::load_weights;
use nn_core::files;
use nn_core::keras::config::ModelConfig;
use nn_core::keras::weights::{self, SavedModel};
use nn_core::keras::{load_network, set_weights_by_layer};
use nn_core::model::{Network, Sequential};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longer configurations are refused, in bytes.
const LONGEST_CONFIG: u64 = 8 << 20;

/// The network's configuration in a run folder.
const RUN_CONFIG: &str = "network.json";

/// Where a model comes from.
#[derive(Args)]
#[group(required = true, multiple = true)]
pub struct Source {
    /// A model with its weights: .keras, .h5 of a whole model, or the folder of a training run, whose best weights are taken
    #[arg(long, value_name = "PATH", conflicts_with_all = ["config", "weights"])]
    model: Option<PathBuf>,
    /// The configuration alone, as model.to_json() gives it, or the network.json of a run; with --weights
    #[arg(long, value_name = "FILE", requires = "weights")]
    config: Option<PathBuf>,
    /// The weights for --config: .h5, .weights.h5 or .safetensors
    #[arg(long, value_name = "FILE", requires = "config")]
    weights: Option<PathBuf>,
}

/// A network, and the run that trained it, if one is known.
pub struct Loaded {
    /// With its weights.
    pub network: Network<f32>,
    /// Knows how images become inputs.
    pub run: Option<RunFolder>,
}

impl Source {
    /// The network, for samples of shape `input` where the model leaves that open.
    pub fn load(&self, input: Option<&[usize]>) -> anyhow::Result<Loaded> {
        let network = match (&self.model, &self.config, &self.weights) {
            (Some(run), ..) if is_run(run) => {
                let run = RunFolder::open(run)?;
                return Ok(Loaded { network: run.network("best.safetensors")?, run: Some(run) });
            }
            (Some(model), ..) => load_network(model, input)?,
            (None, Some(config), Some(weights)) => assemble(config, weights, input)?,
            _ => bail!("give --model, or --config with --weights"),
        };
        Ok(Loaded { network, run: None })
    }
}

/// A network from its two halves, each Keras's or our own.
fn assemble(config: &Path, weights: &Path, input: Option<&[usize]>) -> anyhow::Result<Network<f32>> {
    let own_weights = starts_like_safetensors(&start(weights)?);
    match (own_configuration(config)?, own_weights) {
        (None, false) => {
            let model =
                SavedModel { config: Some(ModelConfig::read(config)?), weights: weights::load(weights)? };
            Ok(model.into_network(input, weights)?)
        }
        (None, true) => {
            let mut network = ModelConfig::read(config)?.build(input, config)?;
            load_weights(&mut network, weights)?;
            Ok(network)
        }
        (Some(own), own_weights) => {
            let mut network = build(&own, config)?;
            match own_weights {
                true => load_weights(&mut network, weights)?,
                false => set_weights_by_layer(&mut network, &weights::load(weights)?, weights)?,
            }
            Ok(network)
        }
    }
}

/// The table of a model's layers; `input` is the shape of a sample where the model leaves it open. What is described by a
/// configuration alone takes no memory for its parameters.
pub fn summary(path: &Path, input: Option<&[usize]>) -> anyhow::Result<String> {
    let run = is_run(path).then(|| path.join(RUN_CONFIG));
    let path = run.as_deref().unwrap_or(path);
    if path.is_dir() {
        return Ok(load_network::<f32>(path, input)?.summary());
    }
    let start = start(path)?;
    if starts_like_safetensors(&start) {
        bail!("{}: holds weights alone: give the run's folder, or its {RUN_CONFIG}", path.display());
    }
    if !start.trim_ascii_start().starts_with(b"{") {
        return Ok(load_network::<f32>(path, input)?.summary());
    }
    let described = match own_configuration(path)? {
        Some(own) => own,
        None => ModelConfig::read(path)?.description(input, path)?,
    };
    let outline = described.outline().with_context(|| path.display().to_string())?;
    check_sample(&outline.name, &outline.input_shape, input.unwrap_or(&outline.input_shape))?;
    Ok(outline.summary::<f32>())
}

/// Whether the network of that name, which takes samples of the shape `expected`, takes those of `shape`.
pub fn check_sample(name: &str, expected: &[usize], shape: &[usize]) -> anyhow::Result<()> {
    if shape != expected {
        bail!("{name} takes inputs of {}, not {}", by(expected), by(shape));
    }
    Ok(())
}

/// A shape as `48 x 48 x 1`.
pub fn by(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ")
}

/// Whether it is the folder of a training run, and not some other model that is a folder.
fn is_run(path: &Path) -> bool {
    path.join(RUN_CONFIG).is_file()
}

/// Enough of a file to see what it is.
fn start(path: &Path) -> anyhow::Result<Vec<u8>> {
    Ok(files::read_start(path, 64)?)
}

/// Safetensors begin with the length of a header, which is JSON.
fn starts_like_safetensors(start: &[u8]) -> bool {
    start.get(8) == Some(&b'{') && !start.trim_ascii_start().starts_with(b"{")
}

/// A configuration that this program wrote; `None` if it is Keras's, or none at all.
fn own_configuration(path: &Path) -> anyhow::Result<Option<Sequential>> {
    /// What only one of the two has.
    #[derive(Deserialize)]
    struct Appearance {
        class_name: Option<IgnoredAny>,
        layers: Option<IgnoredAny>,
    }
    let json = files::read_text(path, LONGEST_CONFIG)?;
    let is_own = |seen: Appearance| seen.class_name.is_none() && seen.layers.is_some();
    if !serde_json::from_str(&json).is_ok_and(is_own) {
        return Ok(None);
    }
    let config = Sequential::from_json(&json).with_context(|| path.display().to_string())?;
    Ok(Some(config))
}

fn build(config: &Sequential, path: &Path) -> anyhow::Result<Network<f32>> {
    config.build(0).with_context(|| path.display().to_string())
}
