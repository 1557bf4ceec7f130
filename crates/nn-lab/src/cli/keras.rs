//! `nn-lab run` and `nn-lab summary`: models that Keras saved.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use nn_core::inspect::input_gradient;
use nn_core::keras::config::ModelConfig;
use nn_core::keras::load_network;
use nn_core::keras::weights::{self, SavedModel};
use nn_core::model::Network;
use nn_lab::npy;

use super::{emit, note};

/// Where a model comes from.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Source {
    /// A model with its weights: .keras, or .h5 of a whole model
    #[arg(long, value_name = "FILE", conflicts_with_all = ["config", "weights"])]
    model: Option<PathBuf>,
    /// The configuration alone, as model.to_json() gives it; with --weights
    #[arg(long, value_name = "FILE", requires = "weights")]
    config: Option<PathBuf>,
    /// The weights for --config: .h5 or .weights.h5
    #[arg(long, value_name = "FILE", requires = "config")]
    weights: Option<PathBuf>,
}

impl Source {
    /// The network for samples of shape `input`.
    fn network(&self, input: &[usize]) -> anyhow::Result<Network<f32>> {
        match (&self.model, &self.config, &self.weights) {
            (Some(model), ..) => Ok(load_network(model, Some(input))?),
            (None, Some(config), Some(weights)) => {
                let model =
                    SavedModel { config: Some(ModelConfig::read(config)?), weights: weights::load(weights)? };
                Ok(model.into_network(Some(input), weights)?)
            }
            _ => bail!("give --model, or --config with --weights"),
        }
    }
}

/// Run a model that Keras saved on an array, or differentiate it
///
/// Writes what the model predicts, dropout off and batch normalisation with its running statistics.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    source: Source,
    /// The samples: a .npy file, the first axis counts them
    #[arg(long, value_name = "X.npy")]
    input: PathBuf,
    /// Where to write the result, as a .npy file of f32
    #[arg(long, value_name = "Y.npy")]
    output: PathBuf,
    /// The output of this layer, after its activation, instead of the model's
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Instead of the output the gradient of its element K, summed over the samples, with respect to the input; K counts
    /// the elements of a sample's output row by row
    #[arg(long, value_name = "K")]
    grad_of: Option<usize>,
}

impl Run {
    /// Runs the model.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let x = npy::read(&self.input)?;
        let shape = x.shape();
        if shape.len() < 2 || shape.contains(&0) {
            bail!("{}: an array of shape {shape:?} holds no samples", self.input.display());
        }
        let mut network = self.source.network(&shape[1..])?;
        if let Some(layer) = &self.layer {
            network = network.until(layer)?;
        }
        let y = match self.grad_of {
            None => network.predict(&x),
            Some(k) => {
                let elements = network.output_shape().elements();
                if k >= elements {
                    bail!(
                        "--grad-of {k}: the output {} has elements 0 to {}",
                        network.output_shape(),
                        elements - 1
                    );
                }
                input_gradient(&network, &x, k)
            }
        };
        npy::write(&self.output, &y)?;
        let what = if self.grad_of.is_some() { "gradient" } else { "output" };
        note(&format!("{}: {what} of shape {:?} in {}", network.name(), y.shape(), self.output.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the layers of a model that Keras saved: shapes, parameters, multiply-adds
#[derive(Args)]
pub struct Summary {
    /// A .keras file, an .h5 file of a whole model, or a configuration ending in .json
    file: PathBuf,
    /// Shape of a sample, where the model leaves it open, such as 48,48,3
    #[arg(long, value_name = "H,W,C", value_delimiter = ',')]
    input: Option<Vec<usize>>,
}

impl Summary {
    /// Prints the table.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let input = self.input.as_deref();
        let network: Network<f32> = match self.file.extension() {
            Some(extension) if extension == "json" => {
                ModelConfig::read(&self.file)?.build(input, &self.file)?
            }
            _ => load_network(&self.file, input)?,
        };
        emit(network.summary().trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
