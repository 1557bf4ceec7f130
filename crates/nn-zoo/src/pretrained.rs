//! Networks of `keras.applications`: what they have in common, and their published weights.

use std::path::{Path, PathBuf};

use nn_core::error::BuildError;
use nn_core::keras::weights::{self, LayerWeights, Naming};
use nn_core::keras::{KerasError, set_weights_by_layer};
use nn_core::layers::GlobalAveragePooling2D;
use nn_core::model::{Network, Sequential};
use thiserror::Error;

use crate::{mobilenet_v2, resnet50};

/// The shortest side of an input: these networks halve an image five times.
const SHORTEST: usize = 32;

/// What becomes of the last feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// They are the output.
    None,
    /// The mean of each one is the output.
    Average,
}

impl Pooling {
    pub(crate) fn append(self, network: Sequential, name: &str) -> Sequential {
        match self {
            Self::None => network,
            Self::Average => network.add(GlobalAveragePooling2D::new().name(name)),
        }
    }
}

/// An input that is too small for a network that halves it five times.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{network}: an input of {height}x{width} is too small, expected at least {SHORTEST}x{SHORTEST}")]
pub struct InputTooSmall {
    /// The network's name.
    pub network: String,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
}

/// The beginning of a network for images of (height, width, channels).
pub(crate) fn input_of(network: &str, input: [usize; 3]) -> Result<Sequential, InputTooSmall> {
    let [height, width, _] = input;
    if height < SHORTEST || width < SHORTEST {
        return Err(InputTooSmall { network: network.into(), height, width });
    }
    Ok(Sequential::new(network, &input))
}

/// The widths of MobileNetV2 that Keras publishes weights for.
const ALPHAS: [f64; 6] = [0.35, 0.5, 0.75, 1.0, 1.3, 1.4];

/// Why published weights cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PretrainedError {
    /// The file cannot be read, or its arrays do not fit.
    #[error(transparent)]
    File(#[from] KerasError),
    /// The file holds another network.
    #[error("{0} holds neither ResNet50 nor MobileNetV2 without classifier, by the names of its layers")]
    Unknown(PathBuf),
    /// The network is too deep for the images.
    #[error(transparent)]
    Input(#[from] InputTooSmall),
    /// The network cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A network of `keras.applications` without its classifier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Base {
    /// ResNet50, with the epsilon of its batch normalisations.
    ResNet50 {
        /// 1.001e-5, or 1e-3 for the weights of Keras 1 and 2.
        epsilon: f64,
    },
    /// MobileNetV2 of some width.
    MobileNetV2 {
        /// The width: 1 for the network of the paper.
        alpha: f64,
    },
}

impl Base {
    /// Its layers.
    ///
    /// # Errors
    /// If a side of the input is shorter than 32.
    pub fn network(self, input: [usize; 3], pooling: Pooling) -> Result<Sequential, InputTooSmall> {
        match self {
            Self::ResNet50 { epsilon } => resnet50::with_epsilon(epsilon, input, pooling),
            Self::MobileNetV2 { alpha } => mobilenet_v2(alpha, input, pooling),
        }
    }

    /// Its name in the literature.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet50 { .. } => "ResNet50",
            Self::MobileNetV2 { .. } => "MobileNetV2",
        }
    }

    /// The file in which Keras publishes its weights, trained on ImageNet; Keras keeps it in `~/.keras/models`.
    pub fn weight_file(self) -> String {
        match self {
            Self::ResNet50 { .. } => "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5".into(),
            Self::MobileNetV2 { alpha } => {
                let alpha = if alpha.fract() == 0.0 { format!("{alpha:.1}") } else { alpha.to_string() };
                format!("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_224_no_top.h5")
            }
        }
    }
}

/// Published weights, read from a file of Keras.
#[derive(Debug)]
pub struct Pretrained {
    /// The network that they belong to, told by the names of layers and the shapes of arrays, never by the file's name.
    pub base: Base,
    path: PathBuf,
    weights: Vec<LayerWeights>,
}

impl Pretrained {
    /// Reads a weight file of any of Keras's layouts.
    ///
    /// # Errors
    /// If it cannot be read or holds another network.
    pub fn read(path: &Path) -> Result<Self, PretrainedError> {
        Self::of(weights::load(path)?, path)
    }

    /// Weights that have been read; `path` is for messages.
    ///
    /// # Errors
    /// If they are of another network.
    pub fn of(mut weights: Vec<LayerWeights>, path: &Path) -> Result<Self, PretrainedError> {
        let unknown = || PretrainedError::Unknown(path.into());
        let naming = Naming::of(&weights).ok_or_else(unknown)?;
        let base = match naming {
            Naming::MobileNetV2 => Base::MobileNetV2 { alpha: alpha(&weights).ok_or_else(unknown)? },
            resnet => Base::ResNet50 { epsilon: resnet.epsilon() },
        };
        for layer in &mut weights {
            layer.layer = naming.layer(&layer.layer);
        }
        Ok(Self { base, path: path.into(), weights })
    }

    /// The network with these weights.
    ///
    /// # Errors
    /// If a side of the input is shorter than 32, or the file's arrays are not those of the network.
    pub fn network(&self, input: [usize; 3], pooling: Pooling) -> Result<Network<f32>, PretrainedError> {
        let mut network = self.base.network(input, pooling)?.build(0)?;
        set_weights_by_layer(&mut network, &self.weights, &self.path)?;
        Ok(network)
    }
}

/// The width of a MobileNetV2, from the output channels of its first layer and its last block.
fn alpha(weights: &[LayerWeights]) -> Option<f64> {
    let channels = |name: &str| {
        let layer = weights.iter().find(|layer| layer.layer == name)?;
        layer.weights.first()?.1.shape().last().copied()
    };
    let found = [channels("Conv1")?, channels("block_16_project")?];
    ALPHAS.into_iter().find(|&alpha| mobilenet_v2::ends(alpha) == found)
}
