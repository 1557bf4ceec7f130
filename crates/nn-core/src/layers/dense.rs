use ndarray::{ArrayView2, ArrayViewMut2};
use nn_kernels::Real;
use nn_kernels::gemm::{Update, gemm};
use serde::{Deserialize, Serialize};

use super::ActivationFn;
use super::trainable::{KERNEL, Start, epilogue, kernel_and_bias_setters, to_dz};
use crate::context::Context;
use crate::error::LayerError;
use crate::init::Initializer;
use crate::layer::{Cache, Gradients, Layer, LayerInfo, Param};
use crate::model::LayerOutline;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// Configuration of a fully connected layer: `y = f(x·W + b)` over the last axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    #[serde(default)]
    pub(super) name: Option<String>,
    units: usize,
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

pub(super) fn yes() -> bool {
    true
}

pub(super) fn glorot_uniform() -> Initializer {
    Initializer::GlorotUniform
}

pub(super) fn zeros() -> Initializer {
    Initializer::Zeros
}

kernel_and_bias_setters!(Dense);

impl Dense {
    /// A layer with `units` outputs.
    pub fn new(units: usize) -> Self {
        Self {
            name: None,
            units,
            activation: ActivationFn::Linear,
            use_bias: true,
            kernel_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
            kernel_regularizer: None,
            bias_regularizer: None,
        }
    }

    pub(super) fn outline(&self, mut info: LayerInfo) -> Result<LayerOutline, LayerError> {
        let Some((&inputs, leading)) = info.input_shape.split_last() else {
            return Err(LayerError::InputRank { expected: "(None, features)", got: info.input_shape });
        };
        let elements = inputs.checked_mul(self.units).filter(|&n| n > 0 && n < isize::MAX as usize / 8);
        if elements.is_none() {
            return Err(LayerError::argument(
                "units",
                self.units,
                "at least 1, and a kernel that fits into memory",
            ));
        }
        let mut output = leading.to_vec();
        output.push(self.units);
        let rows = leading.iter().fold(1u64, |rows, &axis| rows.saturating_mul(axis as u64));
        info.macs = rows.saturating_mul((inputs * self.units) as u64);
        info.output_shape = Shape::new(output);
        Ok(LayerOutline::new(info, self.start().outline("kernel", &[inputs, self.units], self.units)))
    }

    pub(super) fn build<R: Real>(&self, info: LayerInfo, seed: u64) -> Result<Box<dyn Layer<R>>, LayerError> {
        self.activation.check::<R>()?;
        let outline = self.outline(info)?;
        let fans = (outline.params[KERNEL].shape[0], self.units);
        let params = self.start().draw(&outline, seed, fans)?;
        let info = outline.info;
        Ok(Box::new(DenseLayer { info, activation: self.activation, params }))
    }
}

/// # Shapes
/// With `rows` the product of all axes but the last: `x`: `[rows, in]`, `W`: `[in, units]`, `b`: `[units]`,
/// `y`: `[rows, units]`.
#[derive(Debug)]
struct DenseLayer<R: Real> {
    info: LayerInfo,
    activation: ActivationFn,
    params: Vec<Param<R>>,
}

impl<R: Real> DenseLayer<R> {
    fn inputs(&self) -> usize {
        self.params[KERNEL].value.shape()[0]
    }

    fn units(&self) -> usize {
        self.params[KERNEL].value.shape()[1]
    }

    fn kernel(&self) -> ArrayView2<'_, R> {
        matrix(self.params[KERNEL].value.elements(), self.units())
    }
}

impl<R: Real> Layer<R> for DenseLayer<R> {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn params(&self) -> Vec<&Param<R>> {
        self.params.iter().collect()
    }

    fn params_mut(&mut self) -> Vec<&mut Param<R>> {
        self.params.iter_mut().collect()
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(&self.info.output_shape.batch(x.shape()[0]));
        // y [rows, units] = x [rows, in] · W [in, units]
        gemm(
            matrix(x.elements(), self.inputs()),
            self.kernel(),
            matrix_mut(&mut y, self.units()),
            Update::Assign,
        );
        epilogue(&self.params, self.activation).apply(y.elements_mut(), self.units());
        self.activation.finish(y.elements_mut(), self.units());
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
        let dz = matrix(dy.elements(), self.units());
        let x = matrix(cache.tensor("x").elements(), self.inputs());
        if let Some(dw) = gradients.param(KERNEL) {
            // dW [in, units] += x^T [in, rows] · dz [rows, units]
            let dw =
                ArrayViewMut2::from_shape((self.inputs(), self.units()), dw).expect("shape of the kernel");
            gemm(x.t(), dz, dw, Update::Add);
        }
        let dx = gradients.input.then(|| {
            let mut dx = ctx.buffer(cache.tensor("x").shape());
            // dx [rows, in] = dz [rows, units] · W^T [units, in]
            gemm(dz, self.kernel().reversed_axes(), matrix_mut(&mut dx, self.inputs()), Update::Assign);
            dx
        });
        ctx.recycle(dy);
        dx
    }
}

/// Elements as rows of `columns`.
fn matrix<R: Real>(elements: &[R], columns: usize) -> ArrayView2<'_, R> {
    ArrayView2::from_shape((elements.len() / columns, columns), elements).expect("whole rows")
}

fn matrix_mut<R: Real>(tensor: &mut Tensor<R>, columns: usize) -> ArrayViewMut2<'_, R> {
    let rows = tensor.len() / columns;
    ArrayViewMut2::from_shape((rows, columns), tensor.elements_mut()).expect("whole rows")
}
