//! What layers with a kernel and a bias share: their parameters and how these are drawn.

use nn_kernels::{Epilogue, Real};

use super::ActivationFn;
use crate::error::LayerError;
use crate::init::Initializer;
use crate::layer::{Cache, Gradients, Param};
use crate::model::{LayerOutline, ParamOutline};
use crate::number::{expectation, usable};
use crate::regularizer::Regularizer;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor};

/// Position of the kernel among a layer's parameters.
pub(super) const KERNEL: usize = 0;
/// Position of the bias among a layer's parameters.
const BIAS: usize = 1;

/// What follows the product with the kernel: the bias, if there is one, and the activation.
pub(super) fn epilogue<R: Real>(params: &[Param<R>], activation: ActivationFn) -> Epilogue<'_, R> {
    let bias = params.get(BIAS).map(|bias| bias.value.elements());
    Epilogue { bias, activation: activation.pointwise() }
}

/// Turns `dy` into `dz` and adds the bias's gradient, `db [units] += sum over rows of dz [rows, units]`, if
/// there is a bias and it is trained.
pub(super) fn to_dz<R: Real>(
    params: &[Param<R>],
    activation: ActivationFn,
    cache: &Cache<R>,
    dy: &mut Tensor<R>,
    gradients: &mut Gradients<R>,
) {
    let db = if params.len() > BIAS { gradients.param(BIAS) } else { None };
    activation.backward(cache, dy, db);
}

/// How a kernel and a bias begin and what is charged for them.
pub(super) struct Start {
    pub kernel: (Initializer, Option<Regularizer>),
    pub bias: Option<(Initializer, Option<Regularizer>)>,
}

impl Start {
    /// `[kernel]` or `[kernel, bias]`; the bias has one value for each of `units` outputs.
    pub fn outline(&self, kernel: &'static str, shape: &[usize], units: usize) -> Vec<ParamOutline> {
        let kernel = ParamOutline { name: kernel, shape: shape.to_vec(), trainable: true };
        let bias = ParamOutline { name: "bias", shape: vec![units], trainable: true };
        [Some(kernel), self.bias.map(|_| bias)].into_iter().flatten().collect()
    }

    /// Draws the parameters of a layer, whose kernel has the given fans.
    pub fn draw<R: Real>(
        &self,
        layer: &LayerOutline,
        seed: u64,
        fans: (usize, usize),
    ) -> Result<Vec<Param<R>>, LayerError> {
        let starts = [Some(self.kernel), self.bias].into_iter().flatten();
        let mut params = Vec::new();
        for (ParamOutline { name, shape, .. }, (initializer, regularizer)) in layer.params.iter().zip(starts)
        {
            regularizer.map_or(Ok(()), |r| r.check::<R>())?;
            if let Initializer::Constant(value) = initializer
                && !usable::<R>(value, |_| true)
            {
                let expected = expectation::<R>(value, "a finite number");
                return Err(LayerError::argument("constant", value, &expected));
            }
            let fans = if params.is_empty() { fans } else { (shape[0], shape[0]) };
            let stream = format!("{}/{name}", layer.info.name);
            let mut stream = Stream::new(seed, Purpose::Initialise, 0, 0).of(&stream);
            let value = initializer.draw(shape, fans, &mut stream);
            params.push(Param { regularizer, ..Param::new(name, value) });
        }
        Ok(params)
    }
}

/// The setters that configurations with a kernel and a bias have in common.
macro_rules! kernel_and_bias_setters {
    ($config:ident) => {
        impl $config {
            /// The activation; linear if not set.
            pub fn activation(mut self, activation: ActivationFn) -> Self {
                self.activation = activation;
                self
            }

            /// Whether a bias is added; true if not set.
            pub fn use_bias(mut self, use_bias: bool) -> Self {
                self.use_bias = use_bias;
                self
            }

            /// How the kernel begins; Glorot-uniform if not set.
            pub fn kernel_initializer(mut self, initializer: Initializer) -> Self {
                self.kernel_initializer = initializer;
                self
            }

            /// How the bias begins; zeros if not set.
            pub fn bias_initializer(mut self, initializer: Initializer) -> Self {
                self.bias_initializer = initializer;
                self
            }

            /// The penalty on the kernel.
            pub fn kernel_regularizer(mut self, regularizer: Regularizer) -> Self {
                self.kernel_regularizer = Some(regularizer);
                self
            }

            /// The penalty on the bias.
            pub fn bias_regularizer(mut self, regularizer: Regularizer) -> Self {
                self.bias_regularizer = Some(regularizer);
                self
            }

            fn start(&self) -> Start {
                Start {
                    kernel: (self.kernel_initializer, self.kernel_regularizer),
                    bias: self.use_bias.then_some((self.bias_initializer, self.bias_regularizer)),
                }
            }
        }
    };
}

pub(super) use kernel_and_bias_setters;
