//! `nn-lab run` and `nn-lab summary`: models that Keras saved, and trained runs.

mod input;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use nn_core::inspect::{first_non_finite, input_gradient};
use nn_lab::npy;

use super::output::{self, Replacing};
use super::{emit, note, start_threads};
use input::Input;
use source::{Loaded, Source};

/// Run a model that Keras saved, or a trained run, on an array or images, or differentiate it
///
/// Writes what the model predicts, dropout off and batch normalisation with its running statistics.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    source: Source,
    /// The samples: a .npy file, the first axis counts them; or PNG and JPEG images, prepared as the run did it, otherwise
    /// scaled to the model's size with values from 0 to 255
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    input: Vec<PathBuf>,
    /// Where to write the result, as a .npy file of f32; - is stdout
    #[arg(long, value_name = "Y.npy")]
    output: PathBuf,
    #[command(flatten)]
    replacing: Replacing,
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
        output::check(&[&self.output], self.replacing.force)?;
        start_threads(None)?.install(|| self.compute())
    }

    fn compute(&self) -> anyhow::Result<ExitCode> {
        let input = Input::open(&self.input)?;
        let mut loaded = self.source.load(input.sample_shape())?;
        let x = input.samples(&loaded).with_context(|| self.input[0].display().to_string())?;
        if let Some(layer) = &self.layer {
            loaded.network = loaded.network.until(layer)?;
        }
        let Loaded { network, .. } = loaded;
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
        output::write(&self.output, self.replacing.force, &npy::encode(&y))?;
        let what = if self.grad_of.is_some() { "gradient" } else { "output" };
        note(&format!("{}: {what} of shape {:?} in {}", network.name(), y.shape(), self.output.display()));
        let bad = y.iter().filter(|value| !value.is_finite()).count();
        if bad > 0 {
            let place = first_non_finite(&network, Some(&x));
            note(&format!(
                "warning: {bad} of {} values are NaN or infinite; the first such is in {place}",
                y.len()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the layers of a model that Keras saved, or of a run: shapes, parameters, multiply-adds
#[derive(Args)]
pub struct Summary {
    /// A .keras file, an .h5 file of a whole model, a configuration as JSON, or the folder of a run
    file: PathBuf,
    /// Shape of a sample, where the model leaves it open, such as 48,48,3
    #[arg(long, value_name = "H,W,C", value_delimiter = ',')]
    input: Option<Vec<usize>>,
}

impl Summary {
    /// Prints the table.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        emit(source::summary(&self.file, self.input.as_deref())?.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
