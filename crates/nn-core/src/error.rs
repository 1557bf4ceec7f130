//! What can be wrong with a network or its training.

use std::fmt::Display;
use std::path::PathBuf;

use nn_kernels::GeometryError;
use nn_kernels::isa::IsaError;
use thiserror::Error;

use crate::files::ReadError;
use crate::number::{bytes as size, shown};
use crate::{JsonError, Shape};

/// Why one layer cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The sizes do not fit together.
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// An argument is out of range.
    #[error("{name} = {value}: expected {expected}")]
    Argument {
        /// The argument's name.
        name: String,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// The branches of a residual block cannot be added.
    #[error("the branches end in different shapes, {main} and {shortcut}")]
    Branches {
        /// Output of the main branch.
        main: Shape,
        /// Output of the shortcut; the block's input if it has no layers.
        shortcut: Shape,
    },
    /// A layer of a branch cannot be built.
    #[error("its part {name:?} ({class_name}) on input {input}: {source}")]
    Part {
        /// The part's name.
        name: String,
        /// The part's class.
        class_name: &'static str,
        /// The shape that it would get.
        input: Shape,
        /// What is wrong.
        source: Box<LayerError>,
    },
    /// The layer needs another kind of input.
    #[error("expected an input of shape {expected}, got {got}")]
    InputRank {
        /// What the layer needs, in words.
        expected: &'static str,
        /// What it would get.
        got: Shape,
    },
}

impl LayerError {
    /// An argument that is out of range.
    pub fn argument(name: &str, value: impl Display, expected: &str) -> Self {
        Self::Argument { name: name.into(), value: shown(value), expected: expected.into() }
    }
}

/// Why a network cannot be built.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// One layer is impossible.
    #[error("layer {index} {name:?} ({class_name}) on input {input}: {source}")]
    Layer {
        /// Position in the network, from 1.
        index: usize,
        /// The layer's name.
        name: String,
        /// The layer's class, such as `Conv2D`.
        class_name: &'static str,
        /// The shape that it would get.
        input: Shape,
        /// What is wrong.
        source: Box<LayerError>,
    },
    /// A name is unusable.
    #[error("layer {index}: the name {name:?} {problem}")]
    Name {
        /// Position in the network, from 1.
        index: usize,
        /// The name, shortened.
        name: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The network would take more memory than it may.
    #[error(
        "layer {name:?} ({class_name}): its {part} would take {}, the network {}; the limit is {}",
        size(*bytes), size(*total), size(*limit)
    )]
    Memory {
        /// The layer that takes most.
        name: String,
        /// Its class.
        class_name: &'static str,
        /// What of it: `parameters` or `output`.
        part: &'static str,
        /// What that takes.
        bytes: u64,
        /// Bytes that the network takes.
        total: u64,
        /// Bytes that it may take.
        limit: u64,
    },
    /// The kernels cannot run.
    #[error(transparent)]
    Isa(#[from] IsaError),
    /// The network has no layers or an impossible input.
    #[error("network {name:?}: {problem}")]
    Network {
        /// The network's name.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// A name that no layer of a network has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("network {network:?} has no layer {name:?}{}", nearest.as_ref().map_or(String::new(), |n| format!(", did you mean {n:?}?")))]
pub struct UnknownLayer {
    /// The name given.
    pub name: String,
    /// The network's name.
    pub network: String,
    /// The most similar name, if one is similar.
    pub nearest: Option<String>,
}

impl UnknownLayer {
    /// Looks for a similar name among the known ones.
    pub fn new(name: &str, network: &str, known: &[String]) -> Self {
        const SIMILAR: f64 = 0.7;
        let similarity = |known: &String| strsim::jaro_winkler(name, known);
        let nearest = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
        let nearest = nearest.filter(|nearest| similarity(nearest) >= SIMILAR).cloned();
        Self { name: name.into(), network: network.into(), nearest }
    }
}

/// Why a network cannot be cut behind one of its layers.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CutError {
    /// There is no such layer.
    #[error(transparent)]
    Layer(#[from] UnknownLayer),
    /// The network has no configuration to cut.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// What remains cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Why a configuration cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not JSON, or not the JSON of a network.
    #[error("not a network configuration: {0}")]
    Json(JsonError),
    /// The network contains a layer that has no configuration, such as one written outside this crate.
    #[error("layer {0:?} has no configuration to save")]
    NoConfig(String),
}

/// Why weights cannot be saved or loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read, or is no file that could hold the weights.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not a valid safetensors file.
    #[error("{path}: not a valid weight file: {problem}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file's tensors are not those of the network.
    #[error("{path}: tensor {tensor:?}: {problem}")]
    Tensor {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
        /// What is wrong.
        problem: String,
    },
}

/// Why the state of a training run cannot be saved or loaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file cannot be read, or is no file that could hold a state.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The folder cannot be read, or the file not written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not what was written.
    #[error("{path}: damaged checkpoint: {problem}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The file is of a later version of the format.
    #[error("{path}: checkpoint of format {version}, this program knows {known}: use a newer one")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
        /// The version that is known here.
        known: u64,
    },
    /// There are checkpoints, all damaged.
    #[error("no usable checkpoint: {}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoneUsable {
        /// What is wrong with each, the newest first.
        problems: Vec<StateError>,
    },
    /// A new run would mix its checkpoints with those of another.
    #[error("{0} holds checkpoints already: continue from them, or choose another folder")]
    Taken(PathBuf),
}

/// Why training cannot start or had to stop.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// An option is out of range.
    #[error("{name} = {value}: expected {expected}")]
    Option {
        /// The option's name.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// The data do not fit the network or the loss.
    #[error("{0}")]
    Data(String),
    /// The loss became NaN or infinite.
    #[error("non-finite loss {loss} at epoch {epoch}, step {step}: first seen in {place}")]
    NonFinite {
        /// The loss.
        loss: f64,
        /// Epoch, from 1.
        epoch: usize,
        /// Step of the epoch, from 1; 0 for the validation after it.
        step: usize,
        /// The layer, parameter or input with the first value that is not finite.
        place: String,
    },
    /// A network gives NaN or an infinity.
    #[error("the outputs of network {network:?} are not finite: NaN or an infinity is first seen in {place}")]
    Outputs {
        /// The network's name.
        network: String,
        /// The layer, parameter or input with the first value that is not finite.
        place: String,
    },
    /// What is to be trained is not what the state is of.
    #[error("cannot continue from this state: {0}")]
    Resume(String),
    /// A callback could not do its work.
    #[error("{callback}: {problem}")]
    Callback {
        /// The callback's name.
        callback: &'static str,
        /// What went wrong.
        problem: String,
    },
}

impl TrainError {
    pub(crate) fn option(name: &'static str, value: impl Display, expected: impl Into<String>) -> Self {
        Self::Option { name, value: shown(value), expected: expected.into() }
    }
}
