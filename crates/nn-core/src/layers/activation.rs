use std::str::FromStr;

use nn_kernels::{Pointwise, Real, elementwise};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::number::{expectation, usable};
use crate::tensor::{Elements, Tensor};

/// The value of an `activation=` argument.
///
/// As text and in JSON it is Keras's name, `"relu"`; parameters other than the default are written
/// `{"elu": {"alpha": 0.5}}`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum ActivationFn {
    /// `y = z`
    #[default]
    Linear,
    /// `y = max(z, 0)`
    Relu,
    /// `y = min(max(z, 0), 6)`
    Relu6,
    /// `y = z` for `z > 0`, else `slope·z`.
    LeakyRelu {
        /// Slope for negative inputs; Keras's default is 0.2.
        slope: f64,
    },
    /// `y = z` for `z > 0`, else `alpha·(e^z - 1)`.
    Elu {
        /// `-alpha` is approached for very negative inputs; Keras's default is 1.
        alpha: f64,
    },
    /// `y = 1 / (1 + e^-z)`
    Sigmoid,
    /// `y = tanh z`
    Tanh,
    /// `y_c = e^(z_c) / sum_k e^(z_k)` over the last axis.
    Softmax,
}

/// The name under which an activation's output is kept for its derivative.
const OUTPUT: &str = "y";

impl ActivationFn {
    /// ELU with `alpha = 1`.
    pub const ELU: Self = Self::Elu { alpha: 1.0 };
    /// Leaky ReLU with a slope of 0.2.
    pub const LEAKY_RELU: Self = Self::LeakyRelu { slope: 0.2 };

    const NAMED: [(&'static str, Self); 8] = [
        ("linear", Self::Linear),
        ("relu", Self::Relu),
        ("relu6", Self::Relu6),
        ("leaky_relu", Self::LEAKY_RELU),
        ("elu", Self::ELU),
        ("sigmoid", Self::Sigmoid),
        ("tanh", Self::Tanh),
        ("softmax", Self::Softmax),
    ];

    /// The part that acts on each element on its own and can be fused into a product.
    pub(crate) fn pointwise(self) -> Pointwise {
        match self {
            Self::Linear | Self::Softmax => Pointwise::Linear,
            Self::Relu => Pointwise::Relu,
            Self::Relu6 => Pointwise::Relu6,
            Self::LeakyRelu { slope } => Pointwise::LeakyRelu { slope },
            Self::Elu { alpha } => Pointwise::Elu { alpha },
            Self::Sigmoid => Pointwise::Sigmoid,
            Self::Tanh => Pointwise::Tanh,
        }
    }

    /// What remains to be done after [`ActivationFn::pointwise`] was applied.
    pub(crate) fn finish<R: Real>(self, y: &mut [R], channels: usize) {
        if self == Self::Softmax {
            elementwise::softmax(y, channels);
        }
    }

    /// Adds to `cache` the output `y`, unless there is nothing to differentiate.
    pub(crate) fn keep<R: Real>(self, y: &Tensor<R>, cache: Cache<R>) -> Cache<R> {
        if self == Self::Linear { cache } else { cache.with(OUTPUT, y.clone()) }
    }

    /// [`Layer::defer_activation`] of a layer that [kept](Self::keep) its output. A softmax stays: it does
    /// not act on each element alone.
    pub(crate) fn defer<R: Real>(self, cache: &mut Cache<R>) -> Option<Pointwise> {
        let deferred = self != Self::Softmax && cache.take(OUTPUT).is_some();
        deferred.then(|| self.pointwise())
    }

    /// Turns `dy` into the gradient before the activation, `dz = dy · f'(z)`, with the help of the output
    /// that was [kept](Self::keep); if none is, `dy` is that gradient. Adds the sum over its rows to the gradient of
    /// a bias, if one is given.
    pub(crate) fn backward<R: Real>(self, cache: &Cache<R>, dy: &mut Tensor<R>, grad_bias: Option<&mut [R]>) {
        let (function, y) = match self {
            _ if !cache.has(OUTPUT) => (Pointwise::Linear, None),
            Self::Softmax => {
                let channels = dy.shape().last().copied().unwrap_or(1);
                let y = cache.tensor(OUTPUT).elements();
                elementwise::softmax_backward(y, dy.elements_mut(), channels);
                (Pointwise::Linear, None)
            }
            _ => (self.pointwise(), Some(cache.tensor(OUTPUT).elements())),
        };
        match (y, grad_bias) {
            (Some(y), db) => elementwise::activation_backward_with_bias(function, y, dy.elements_mut(), db),
            (None, Some(db)) => elementwise::grad_bias(dy.elements(), db),
            (None, None) => {}
        }
    }

    pub(crate) fn check<R: Real>(self) -> Result<(), LayerError> {
        let refuse = |name, value, expected| {
            Err(LayerError::argument(name, value, &expectation::<R>(value, expected)))
        };
        match self {
            Self::LeakyRelu { slope } if !usable::<R>(slope, |slope| slope >= 0.0) => {
                refuse("slope", slope, "a finite number of at least 0")
            }
            Self::Elu { alpha } if !usable::<R>(alpha, |alpha| alpha > 0.0) => {
                refuse("alpha", alpha, "a finite number above 0")
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for ActivationFn {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::NAMED.iter().find(|(known, _)| *known == name);
        known.map(|(_, function)| *function).ok_or_else(|| {
            let names: Vec<_> = Self::NAMED.iter().map(|(name, _)| *name).collect();
            format!("unknown activation {name:?}, expected one of {}", names.join(", "))
        })
    }
}

/// How an activation is written in JSON.
#[derive(Clone, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "the name of an activation, or one with parameters such as {\"elu\": {\"alpha\": 1.0}}"
)]
enum Written {
    Name(String),
    WithParameters(Parameters),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Parameters {
    LeakyRelu { slope: f64 },
    Elu { alpha: f64 },
}

impl TryFrom<Written> for ActivationFn {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Name(name) => name.parse(),
            Written::WithParameters(Parameters::LeakyRelu { slope }) => Ok(Self::LeakyRelu { slope }),
            Written::WithParameters(Parameters::Elu { alpha }) => Ok(Self::Elu { alpha }),
        }
    }
}

impl From<ActivationFn> for Written {
    fn from(function: ActivationFn) -> Self {
        let named = ActivationFn::NAMED.iter().find(|(_, known)| *known == function);
        match (named, function) {
            (Some((name, _)), _) => Self::Name((*name).into()),
            (None, ActivationFn::LeakyRelu { slope }) => {
                Self::WithParameters(Parameters::LeakyRelu { slope })
            }
            (None, ActivationFn::Elu { alpha }) => Self::WithParameters(Parameters::Elu { alpha }),
            (None, _) => unreachable!("functions without parameters are all named"),
        }
    }
}

/// Configuration of an activation as a layer of its own: `y = f(x)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    #[serde(default)]
    pub(super) name: Option<String>,
    pub(super) activation: ActivationFn,
}

impl Activation {
    /// A layer that applies `activation`.
    pub fn new(activation: ActivationFn) -> Self {
        Self { name: None, activation }
    }

    pub(super) fn build<R: Real>(
        &self,
        info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        self.activation.check::<R>()?;
        Ok(Box::new(ActivationLayer { info, function: self.activation }))
    }
}

#[derive(Debug)]
pub(super) struct ActivationLayer {
    pub info: LayerInfo,
    pub function: ActivationFn,
}

impl ActivationLayer {
    /// Size of the last axis, which softmax runs over.
    fn channels(&self) -> usize {
        self.info.output_shape.last().copied().unwrap_or(1)
    }
}

impl<R: Real> Layer<R> for ActivationLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn defer_activation(&self, cache: &mut Cache<R>) -> Option<Pointwise> {
        self.function.defer(cache)
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(x.shape());
        y.elements_mut().copy_from_slice(x.elements());
        self.function.pointwise().apply(y.elements_mut());
        self.function.finish(y.elements_mut(), self.channels());
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        let y = self.infer(x, ctx);
        let cache = self.function.keep(&y, Cache::new());
        (y, cache)
    }

    fn backward(
        &self,
        mut dy: Tensor<R>,
        cache: &Cache<R>,
        _gradients: &mut Gradients<R>,
        _ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        self.function.backward(cache, &mut dy, None);
        Some(dy)
    }
}
