use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Weight};
use nn_kernels::{Pointwise, Real};
use serde::{Deserialize, Serialize};

use super::dense::{glorot_uniform, yes, zeros};
use super::trainable::{KERNEL, Start, epilogue, kernel_and_bias_setters, to_dz};
use super::{ActivationFn, Pair, image_shape};
use crate::context::Context;
use crate::error::LayerError;
use crate::init::Initializer;
use crate::layer::{Cache, Gradients, Layer, LayerInfo, Param, Pass};
use crate::model::LayerOutline;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// The value of a `padding=` argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// No padding: the window stays inside the input.
    #[default]
    Valid,
    /// Zeros such that `out = ceil(in / stride)`; an odd one goes to the bottom and the right.
    Same,
}

impl From<Padding> for conv::Padding {
    fn from(padding: Padding) -> Self {
        match padding {
            Padding::Valid => Self::Valid,
            Padding::Same => Self::Same,
        }
    }
}

/// Configuration of a two-dimensional convolution: `y = f(conv(x, W) + b)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    filters: usize,
    kernel_size: Pair,
    #[serde(default = "one")]
    strides: Pair,
    #[serde(default)]
    padding: Padding,
    #[serde(default = "one")]
    dilation_rate: Pair,
    #[serde(default = "one_group")]
    groups: usize,
    #[serde(default)]
    pub(super) activation: ActivationFn,
    #[serde(default = "yes")]
    use_bias: bool,
    #[serde(default = "glorot_uniform")]
    kernel_initializer: Initializer,
    #[serde(default = "zeros")]
    bias_initializer: Initializer,
    #[serde(default)]
    kernel_regularizer: Option<Regularizer>,
    #[serde(default)]
    bias_regularizer: Option<Regularizer>,
}

pub(super) fn one() -> Pair {
    Pair(1, 1)
}

fn one_group() -> usize {
    1
}

kernel_and_bias_setters!(Conv2D);

impl Conv2D {
    /// A layer with `filters` output channels and a window of `kernel_size` (one number, or height and width).
    pub fn new(filters: usize, kernel_size: impl Into<Pair>) -> Self {
        Self {
            name: None,
            filters,
            kernel_size: kernel_size.into(),
            strides: one(),
            padding: Padding::Valid,
            dilation_rate: one(),
            groups: 1,
            activation: ActivationFn::Linear,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
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

    /// Distance between neighbouring taps; 1 if not set.
    pub fn dilation_rate(mut self, dilation: impl Into<Pair>) -> Self {
        self.dilation_rate = dilation.into();
        self
    }

    /// Number of independent groups of channels; 1 if not set.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    fn geometry(&self, input: &Shape) -> Result<ConvGeometry, LayerError> {
        let (h, w, in_c) = image_shape(input)?;
        Ok(ConvGeometry::new(&ConvSpec {
            input: (h, w),
            in_c,
            out_c: self.filters,
            kernel: self.kernel_size.into(),
            stride: self.strides.into(),
            padding: self.padding.into(),
            dilation: self.dilation_rate.into(),
            groups: self.groups,
        })?)
    }

    pub(super) fn outline(&self, info: LayerInfo) -> Result<LayerOutline, LayerError> {
        let g = self.geometry(&info.input_shape)?;
        let kernel = [g.kh, g.kw, g.in_c / g.groups, g.out_c];
        Ok(LayerOutline::new(of_geometry(info, &g), self.start().outline("kernel", &kernel, g.out_c)))
    }

    pub(super) fn build<R: Real>(&self, info: LayerInfo, seed: u64) -> Result<Box<dyn Layer<R>>, LayerError> {
        self.activation.check::<R>()?;
        let geometry = self.geometry(&info.input_shape)?;
        let (g, outline) = (&geometry, self.outline(info)?);
        // As in Keras: each output sums over one window of its group, each input reaches all filters.
        let fans = (g.patch_len(), g.kh * g.kw * g.out_c);
        let params = self.start().draw(&outline, seed, fans)?;
        Ok(Box::new(Conv2DLayer { info: outline.info, geometry, activation: self.activation, params }))
    }
}

/// The layer's information with the output shape and the cost of a convolution.
pub(super) fn of_geometry(info: LayerInfo, g: &ConvGeometry) -> LayerInfo {
    LayerInfo { output_shape: Shape::new([g.out_h, g.out_w, g.out_c]), macs: g.macs(), ..info }
}

/// # Shapes
/// `x`: `[n, in_h, in_w, in_c]`, `W`: `[kh, kw, in_c / groups, out_c]`, `b`: `[out_c]`,
/// `y`: `[n, out_h, out_w, out_c]`.
#[derive(Debug)]
pub(super) struct Conv2DLayer<R: Real> {
    pub info: LayerInfo,
    pub geometry: ConvGeometry,
    pub activation: ActivationFn,
    pub params: Vec<Param<R>>,
}

impl<R: Real> Conv2DLayer<R> {
    fn weight<'a>(&'a self, prepared: Option<&'a Tensor<R>>) -> Weight<'a, R> {
        match prepared {
            Some(prepared) => Weight::Prepared(prepared.elements()),
            None => Weight::Plain(self.params[KERNEL].value.elements()),
        }
    }
}

impl<R: Real> Layer<R> for Conv2DLayer<R> {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<R>> {
        self.params.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<R>> {
        self.params.iter_mut().collect()
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn defer_activation(&self, cache: &mut Cache<R>) -> Option<Pointwise> {
        self.activation.defer(cache)
    }

    fn prepare(&self, pass: Pass, ctx: &mut Context<R>) -> Option<Tensor<R>> {
        let direction = match pass {
            Pass::Forward => Direction::Output,
            Pass::Backward => Direction::GradInput,
        };
        let len = conv::prepared_len::<R>(&self.geometry, Algorithm::Auto, direction);
        (len > 0).then(|| {
            let mut prepared = ctx.buffer(&[len]);
            let w = self.params[KERNEL].value.elements();
            conv::prepare(&self.geometry, Algorithm::Auto, direction, w, prepared.elements_mut());
            prepared
        })
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(&self.info.output_shape.batch(x.shape()[0]));
        let prepared = ctx.prepared(&self.info.name);
        let w = self.weight(prepared.as_ref());
        let epilogue = epilogue(&self.params, self.activation);
        // y = f(conv(x, W) + b)
        conv::output(&self.geometry, Algorithm::Auto, x.elements(), w, epilogue, y.elements_mut());
        self.activation.finish(y.elements_mut(), self.geometry.out_c);
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        let y = self.infer(x, ctx);
        let cache = self.activation.keep(&y, Cache::new().with("x", x.clone()));
        (y, cache)
    }

    fn backward(
        &self,
        mut dy: Tensor<R>,
        cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        to_dz(&self.params, self.activation, cache, &mut dy, gradients);
        let (g, auto) = (&self.geometry, Algorithm::Auto);
        let (x, dz) = (cache.tensor("x"), dy.elements());
        let mut dx = gradients.input.then(|| ctx.buffer(x.shape()));
        let prepared = ctx.prepared(&self.info.name);
        let w = self.weight(prepared.as_ref());
        // dW[kh, kw, i, o] += sum over n, oh, ow of x[n, oh·sh + kh·dh - top, ..., i] · dz[n, oh, ow, o]
        // dx[n, ih, iw, i] = sum over the taps that read it of dz · W
        match (gradients.param(KERNEL), &mut dx) {
            (Some(dw), Some(dx)) => conv::gradients(g, auto, x.elements(), dz, w, dw, dx.elements_mut()),
            (Some(dw), None) => conv::grad_weight(g, auto, x.elements(), dz, dw),
            (None, Some(dx)) => conv::grad_input(g, auto, dz, w, dx.elements_mut()),
            (None, None) => {}
        }
        ctx.recycle(dy);
        dx
    }
}
