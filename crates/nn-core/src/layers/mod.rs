//! The layers: for each a configuration with Keras's name and arguments, and the layer that it builds.
//!
//! A configuration (`Conv2D::new(32, 3)`) knows nothing of sizes; [`LayerConfig::build`] fits it to an input
//! shape, checks everything and draws the initial parameters. In each file the forward pass stands directly
//! above its backward pass.

mod activation;
mod average_pooling2d;
mod batch_normalization;
mod conv2d;
mod dense;
mod depthwise_conv2d;
mod dropout;
mod flatten;
mod global_average_pooling2d;
mod max_pooling2d;
mod pooling;
mod relu;
mod rescaling;
mod residual;
mod trainable;
mod zero_padding2d;

pub use activation::{Activation, ActivationFn};
pub use average_pooling2d::AveragePooling2D;
pub use batch_normalization::BatchNormalization;
pub use conv2d::{Conv2D, Padding};
pub use dense::Dense;
pub use depthwise_conv2d::DepthwiseConv2D;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_average_pooling2d::GlobalAveragePooling2D;
pub use max_pooling2d::MaxPooling2D;
pub use relu::ReLU;
pub use rescaling::Rescaling;
pub use residual::Residual;
pub use zero_padding2d::{Sides, ZeroPadding2D};

use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::error::LayerError;
use crate::layer::{Layer, LayerInfo};
use crate::model::LayerOutline;
use crate::shape::Shape;

/// The configuration of one layer; as JSON `{"class_name": "Conv2D", "config": {..}}`, as in Keras.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class_name", content = "config", deny_unknown_fields)]
#[allow(missing_docs)] // Each variant is the configuration of the same name.
pub enum LayerConfig {
    Activation(Activation),
    AveragePooling2D(AveragePooling2D),
    BatchNormalization(BatchNormalization),
    Conv2D(Conv2D),
    Dense(Dense),
    DepthwiseConv2D(DepthwiseConv2D),
    Dropout(Dropout),
    Flatten(Flatten),
    GlobalAveragePooling2D(GlobalAveragePooling2D),
    MaxPooling2D(MaxPooling2D),
    ReLU(ReLU),
    Rescaling(Rescaling),
    Residual(Residual),
    ZeroPadding2D(ZeroPadding2D),
}

/// Runs the same expression for whichever configuration `$self` holds.
macro_rules! each {
    ($self:expr, $config:ident => $body:expr) => {
        match $self {
            LayerConfig::Activation($config) => $body,
            LayerConfig::AveragePooling2D($config) => $body,
            LayerConfig::BatchNormalization($config) => $body,
            LayerConfig::Conv2D($config) => $body,
            LayerConfig::Dense($config) => $body,
            LayerConfig::DepthwiseConv2D($config) => $body,
            LayerConfig::Dropout($config) => $body,
            LayerConfig::Flatten($config) => $body,
            LayerConfig::GlobalAveragePooling2D($config) => $body,
            LayerConfig::MaxPooling2D($config) => $body,
            LayerConfig::ReLU($config) => $body,
            LayerConfig::Rescaling($config) => $body,
            LayerConfig::Residual($config) => $body,
            LayerConfig::ZeroPadding2D($config) => $body,
        }
    };
}

macro_rules! into_layer_config {
    ($($layer:ident),*) => {
        $(impl From<$layer> for LayerConfig {
            fn from(config: $layer) -> Self {
                Self::$layer(config)
            }
        }

        impl $layer {
            /// Gives the layer a name instead of a numbered one.
            pub fn name(mut self, name: &str) -> Self {
                self.name = Some(name.into());
                self
            }
        })*
    };
}

into_layer_config!(
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ReLU,
    Rescaling,
    Residual,
    ZeroPadding2D
);

impl LayerConfig {
    /// The class in Keras's words, such as `Conv2D`.
    pub fn class_name(&self) -> &'static str {
        match self {
            Self::Activation(_) => "Activation",
            Self::AveragePooling2D(_) => "AveragePooling2D",
            Self::BatchNormalization(_) => "BatchNormalization",
            Self::Conv2D(_) => "Conv2D",
            Self::Dense(_) => "Dense",
            Self::DepthwiseConv2D(_) => "DepthwiseConv2D",
            Self::Dropout(_) => "Dropout",
            Self::Flatten(_) => "Flatten",
            Self::GlobalAveragePooling2D(_) => "GlobalAveragePooling2D",
            Self::MaxPooling2D(_) => "MaxPooling2D",
            Self::ReLU(_) => "ReLU",
            Self::Rescaling(_) => "Rescaling",
            Self::Residual(_) => "Residual",
            Self::ZeroPadding2D(_) => "ZeroPadding2D",
        }
    }

    /// The name, if one was given.
    pub fn name(&self) -> Option<&str> {
        each!(self, config => config.name.as_deref())
    }

    pub(crate) fn set_name(&mut self, name: String) {
        each!(self, config => config.name = Some(name));
    }

    /// The branches of a residual block; none for other layers.
    pub fn branches(&self) -> Vec<&[LayerConfig]> {
        match self {
            Self::Residual(config) => vec![&config.main, &config.shortcut],
            _ => Vec::new(),
        }
    }

    /// The layers of a residual block's branches; none for other layers.
    pub fn parts(&self) -> Vec<&LayerConfig> {
        self.branches().into_iter().flatten().collect()
    }

    pub(crate) fn parts_mut(&mut self) -> Vec<&mut LayerConfig> {
        match self {
            Self::Residual(config) => config.main.iter_mut().chain(&mut config.shortcut).collect(),
            _ => Vec::new(),
        }
    }

    /// The names of the parts and of the layer, as far as they were given.
    pub(crate) fn names(&self) -> Vec<String> {
        let of_parts = self.parts().into_iter().flat_map(Self::names);
        of_parts.chain(self.name().map(String::from)).collect()
    }

    /// Fits the layer to an input shape, without drawing parameters: what it will be.
    ///
    /// # Errors
    /// If an argument is out of range or does not fit the input, or the output has more elements than can be addressed.
    pub fn outline(&self, input: &Shape) -> Result<LayerOutline, LayerError> {
        let outline = match self {
            Self::BatchNormalization(config) => config.outline(self.info(input)),
            Self::Conv2D(config) => config.outline(self.info(input)),
            Self::Dense(config) => config.outline(self.info(input)),
            Self::DepthwiseConv2D(config) => config.outline(self.info(input)),
            Self::Residual(config) => config.outline(self.info(input)),
            // Without parameters there is nothing to draw.
            _ => Ok(LayerOutline::new(self.build::<f32>(input, 0)?.info().clone(), Vec::new())),
        }?;
        outline.info.output_shape.check_addressable("the output")?;
        Ok(outline)
    }

    /// Fits the layer to an input shape and draws its parameters; equal seeds and names give equal values.
    ///
    /// # Errors
    /// If an argument is out of range, also in the element type, or does not fit the input.
    pub fn build<R: Real>(&self, input: &Shape, seed: u64) -> Result<Box<dyn Layer<R>>, LayerError> {
        let info = self.info(input);
        each!(self, config => config.build(info, seed))
    }

    /// What is known before the layer is fitted to its input.
    fn info(&self, input: &Shape) -> LayerInfo {
        LayerInfo {
            name: self.name().unwrap_or(self.class_name()).into(),
            class_name: self.class_name(),
            input_shape: input.clone(),
            output_shape: input.clone(),
            macs: 0,
        }
    }

    /// Takes a softmax off the end of the layer: what remains computes the logits. False if there is none.
    pub(crate) fn take_softmax(&mut self) -> bool {
        let activation = match self {
            Self::Activation(config) => &mut config.activation,
            Self::Conv2D(config) => &mut config.activation,
            Self::Dense(config) => &mut config.activation,
            _ => return false,
        };
        let is_softmax = *activation == ActivationFn::Softmax;
        if is_softmax {
            *activation = ActivationFn::Linear;
        }
        is_softmax
    }
}

/// Height, width and channels of an image-shaped input.
fn image_shape(shape: &Shape) -> Result<(usize, usize, usize), LayerError> {
    match shape[..] {
        [h, w, c] => Ok((h, w, c)),
        _ => Err(LayerError::InputRank { expected: "(None, height, width, channels)", got: shape.clone() }),
    }
}

/// An argument that is given as one number or as a (height, width) pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrTwo", into = "[usize; 2]")]
pub struct Pair(pub usize, pub usize);

#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number or a pair of whole numbers")]
enum OneOrTwo {
    One(usize),
    Two([usize; 2]),
}

impl From<OneOrTwo> for Pair {
    fn from(value: OneOrTwo) -> Self {
        match value {
            OneOrTwo::One(n) => Self(n, n),
            OneOrTwo::Two([h, w]) => Self(h, w),
        }
    }
}

impl From<Pair> for [usize; 2] {
    fn from(pair: Pair) -> Self {
        [pair.0, pair.1]
    }
}

impl From<usize> for Pair {
    fn from(n: usize) -> Self {
        Self(n, n)
    }
}

impl From<(usize, usize)> for Pair {
    fn from((h, w): (usize, usize)) -> Self {
        Self(h, w)
    }
}

impl From<Pair> for (usize, usize) {
    fn from(pair: Pair) -> Self {
        (pair.0, pair.1)
    }
}
