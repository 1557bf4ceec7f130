use ndarray::IxDyn;
use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::shape::Shape;
use crate::tensor::Tensor;

/// Configuration of a layer that makes one axis of all: `(None, h, w, c)` to `(None, h·w·c)`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {
    #[serde(default)]
    pub(super) name: Option<String>,
}

impl Flatten {
    /// A flattening layer.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn build<R: Real>(
        &self,
        mut info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        info.output_shape = Shape::new([info.input_shape.elements()]);
        Ok(Box::new(FlattenLayer { info }))
    }
}

#[derive(Debug)]
struct FlattenLayer {
    info: LayerInfo,
}

/// The same elements under another shape; copies nothing.
fn reshape<R: Real>(tensor: Tensor<R>, shape: &Shape) -> Tensor<R> {
    let axes = shape.batch(tensor.shape()[0]);
    tensor.into_shape_with_order(IxDyn(&axes)).expect("as many elements as before")
}

impl<R: Real> Layer<R> for FlattenLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, _ctx: &mut Context<R>) -> Tensor<R> {
        reshape(x.clone(), &self.info.output_shape)
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        (self.infer(x, ctx), Cache::new())
    }

    fn backward(
        &self,
        dy: Tensor<R>,
        _cache: &Cache<R>,
        _gradients: &mut Gradients<R>,
        _ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        Some(reshape(dy, &self.info.input_shape))
    }
}
