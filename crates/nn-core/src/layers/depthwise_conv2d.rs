use nn_kernels::Real;
use nn_kernels::conv::{ConvGeometry, ConvSpec};
use serde::{Deserialize, Serialize};

use super::conv2d::{Conv2DLayer, of_geometry, one};
use super::dense::{glorot_uniform, yes, zeros};
use super::trainable::{Start, kernel_and_bias_setters};
use super::{ActivationFn, Padding, Pair, image_shape};
use crate::error::LayerError;
use crate::init::Initializer;
use crate::layer::{Layer, LayerInfo};
use crate::model::LayerOutline;
use crate::regularizer::Regularizer;
use crate::shape::Shape;

/// Configuration of a depthwise convolution: each input channel is convolved with `depth_multiplier` kernels of its
/// own, `y[.., c·m + j] = f(conv(x[.., c], W[.., c, j]) + b[c·m + j])`.
///
/// It is the convolution with as many groups as input channels, and the layer that it builds is that of
/// [`Conv2D`](super::Conv2D), with the kernel's axes as Keras has them: `[kh, kw, in_c, depth_multiplier]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepthwiseConv2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    kernel_size: Pair,
    #[serde(default = "one")]
    strides: Pair,
    #[serde(default)]
    padding: Padding,
    #[serde(default = "single")]
    depth_multiplier: usize,
    #[serde(default = "one")]
    dilation_rate: Pair,
    #[serde(default)]
    pub(super) activation: ActivationFn,
    #[serde(default = "yes")]
    use_bias: bool,
    #[serde(default = "glorot_uniform", rename = "depthwise_initializer")]
    kernel_initializer: Initializer,
    #[serde(default = "zeros")]
    bias_initializer: Initializer,
    #[serde(default, rename = "depthwise_regularizer")]
    kernel_regularizer: Option<Regularizer>,
    #[serde(default)]
    bias_regularizer: Option<Regularizer>,
}

fn single() -> usize {
    1
}

kernel_and_bias_setters!(DepthwiseConv2D);

impl DepthwiseConv2D {
    /// A layer with one kernel of `kernel_size` (one number, or height and width) for each channel.
    pub fn new(kernel_size: impl Into<Pair>) -> Self {
        Self {
            name: None,
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            depth_multiplier: 1,
            dilation_rate: one(),
            activation: ActivationFn::Linear,
            use_bias: true,
            kernel_initializer: glorot_uniform(),
            bias_initializer: zeros(),
            kernel_regularizer: None,
            bias_regularizer: None,
        }
    }

    /// Steps of the window; 1 if not set.
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = strides.into();
        self
    }

    /// Padding; valid if not set.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Output channels for each input channel; 1 if not set.
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Self {
        self.depth_multiplier = depth_multiplier;
        self
    }

    /// Distance between neighbouring taps; 1 if not set.
    pub fn dilation_rate(mut self, dilation: impl Into<Pair>) -> Self {
        self.dilation_rate = dilation.into();
        self
    }

    fn geometry(&self, input: &Shape) -> Result<ConvGeometry, LayerError> {
        let (h, w, in_c) = image_shape(input)?;
        let Some(out_c) = in_c.checked_mul(self.depth_multiplier).filter(|&out_c| out_c > 0) else {
            let expected = "at least 1, and a number of channels that can be counted";
            return Err(LayerError::argument("depth_multiplier", self.depth_multiplier, expected));
        };
        Ok(ConvGeometry::new(&ConvSpec {
            input: (h, w),
            in_c,
            out_c,
            kernel: self.kernel_size.into(),
            stride: self.strides.into(),
            padding: self.padding.into(),
            dilation: self.dilation_rate.into(),
            groups: in_c,
        })?)
    }

    pub(super) fn outline(&self, info: LayerInfo) -> Result<LayerOutline, LayerError> {
        let g = self.geometry(&info.input_shape)?;
        let kernel = [g.kh, g.kw, g.in_c, self.depth_multiplier];
        let params = self.start().outline("depthwise_kernel", &kernel, g.out_c);
        Ok(LayerOutline::new(of_geometry(info, &g), params))
    }

    pub(super) fn build<R: Real>(&self, info: LayerInfo, seed: u64) -> Result<Box<dyn Layer<R>>, LayerError> {
        self.activation.check::<R>()?;
        let geometry = self.geometry(&info.input_shape)?;
        let (g, outline) = (&geometry, self.outline(info)?);
        // As in Keras, which takes the fans from the kernel's last two axes.
        let fans = (g.kh * g.kw * g.in_c, g.kh * g.kw * self.depth_multiplier);
        let params = self.start().draw(&outline, seed, fans)?;
        Ok(Box::new(Conv2DLayer { info: outline.info, geometry, activation: self.activation, params }))
    }
}
