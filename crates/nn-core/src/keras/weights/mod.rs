//! The arrays of a model, layer by layer, from any of Keras's weight files.

mod classic;
mod keras3;
mod naming;
mod safetensors;

use std::path::Path;

pub use naming::Naming;
pub use safetensors::{load_safetensors, save_safetensors};

use super::KerasError;
use super::archive;
use super::config::ModelConfig;
use super::file::{self, Container};
use super::hdf5::Hdf5;
use crate::tensor::Tensor;

/// The attribute with the configuration of a whole model in a classic file.
const CONFIG: &str = "model_config";

/// The arrays of one layer, as Keras orders and names them.
///
/// Classic files name arrays by their path, `dense/kernel:0` or `conv1_W_1:0`, Keras 3 numbers them. Their order is the
/// same in all: kernel, bias; gamma, beta, moving mean, moving variance.
/// [`ModelConfig::name_weights`](super::config::ModelConfig::name_weights) finds the layers of a model that they belong
/// to, and gives them the names of their arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// The layer's name, in the session that saved the file.
    pub layer: String,
    /// The layer's place in a file of Keras 3: its class and its number among the layers of that class, `conv2d_1`. Older
    /// files have none; there the order of the layers counts.
    pub place: Option<String>,
    /// Names and arrays; empty for a layer without weights.
    pub weights: Vec<(String, Tensor<f32>)>,
}

impl LayerWeights {
    /// How many numbers the layer holds.
    pub fn count(&self) -> usize {
        self.weights.iter().map(|(_, array)| array.len()).sum()
    }
}

/// What a file with weights holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedModel {
    /// The model's configuration, where the file has one.
    pub config: Option<ModelConfig>,
    /// The arrays.
    pub weights: Vec<LayerWeights>,
}

/// Reads the weights of a file: a classic weight file or model (`.h5`), a Keras 3 weight file (`.weights.h5`) or an
/// archive (`.keras`).
///
/// Layers come in the order of the model, from a Keras 3 weight file in alphabetical order: it tells no other.
/// Elements of 16, 32 or 64 bits become `f32`; all are finite.
///
/// # Errors
/// [`KerasError`] names the file and the object inside that is missing, damaged, too large, outside the file or
/// not an array of floats.
pub fn load(path: &Path) -> Result<Vec<LayerWeights>, KerasError> {
    match file::container(file::bytes(path, file::LARGEST)?, path)? {
        Container::Zip(bytes) => Ok(archive::Archive::open(path, bytes)?.model()?.weights),
        Container::Hdf5(bytes) => from_hdf5(&Hdf5::open(path, bytes)?),
    }
}

/// Reads weights and, from an archive or a classic file of a whole model, the configuration.
///
/// With a configuration, layers come in the order of the model.
///
/// # Errors
/// Those of [`load`] and of [`ModelConfig::from_json`].
pub fn load_model(path: &Path) -> Result<SavedModel, KerasError> {
    read_model(file::bytes(path, file::LARGEST)?, path)
}

/// [`load_model`] for a file that is in memory; `path` is for messages.
///
/// # Errors
/// Those of [`load_model`].
pub fn read_model(bytes: Vec<u8>, path: &Path) -> Result<SavedModel, KerasError> {
    let bytes = match file::container(bytes, path)? {
        Container::Zip(bytes) => return archive::Archive::open(path, bytes)?.model(),
        Container::Hdf5(bytes) => bytes,
    };
    let hdf5 = Hdf5::open(path, bytes)?;
    let json = hdf5.root()?.text(CONFIG)?;
    let within = path.join(format!("@{CONFIG}"));
    let config = json.map(|json| ModelConfig::from_json(&json, &within)).transpose()?;
    Ok(SavedModel { config, weights: from_hdf5(&hdf5)? })
}

/// Weights in either layout, told by the groups and attributes that are there.
fn from_hdf5(hdf5: &Hdf5) -> Result<Vec<LayerWeights>, KerasError> {
    if let Some(weights) = classic::read(hdf5)? {
        return Ok(weights);
    }
    match keras3::read(hdf5)? {
        Some(layers) => Ok(layers),
        None => Err(hdf5
            .root()?
            .error("", "no weights of Keras: neither the attribute layer_names nor the group layers")),
    }
}

/// Weights in the layout of Keras 3, as they lie in archives.
pub(super) fn from_archive(hdf5: &Hdf5) -> Result<Vec<LayerWeights>, KerasError> {
    keras3::read(hdf5)?
        .ok_or_else(|| hdf5.root().map_or_else(|e| e, |root| root.error("layers", "there is no such group")))
}
