use nn_kernels::Real;
use nn_kernels::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::number::{expectation, usable};
use crate::tensor::{Elements, Tensor};

/// Configuration of a fixed change of units, such as grey levels to `[-1, 1]`: `y = scale·x + offset`.
///
/// Nothing in it is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    #[serde(default)]
    pub(super) name: Option<String>,
    scale: f64,
    #[serde(default)]
    offset: f64,
}

impl Rescaling {
    /// `y = scale·x`
    pub fn new(scale: f64) -> Self {
        Self { name: None, scale, offset: 0.0 }
    }

    /// What is added; 0 if not set.
    pub fn offset(mut self, offset: f64) -> Self {
        self.offset = offset;
        self
    }

    pub(super) fn build<R: Real>(
        &self,
        info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        for (name, value) in [("scale", self.scale), ("offset", self.offset)] {
            if !usable::<R>(value, |_| true) {
                return Err(LayerError::argument(name, value, &expectation::<R>(value, "a finite number")));
            }
        }
        Ok(Box::new(RescalingLayer { info, scale: R::of(self.scale), offset: R::of(self.offset) }))
    }
}

#[derive(Debug)]
struct RescalingLayer<R: Real> {
    info: LayerInfo,
    scale: R,
    offset: R,
}

impl<R: Real> Layer<R> for RescalingLayer<R> {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(x.shape());
        let x = x.elements();
        for_each_chunk(y.elements_mut(), ELEMENTS_PER_CHUNK, |i, y| {
            for (y, &x) in y.iter_mut().zip(&x[i * ELEMENTS_PER_CHUNK..]) {
                *y = x * self.scale + self.offset;
            }
        });
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        (self.infer(x, ctx), Cache::new())
    }

    fn backward(
        &self,
        mut dy: Tensor<R>,
        _cache: &Cache<R>,
        _gradients: &mut Gradients<R>,
        _ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        // dx = scale·dy
        for_each_chunk(dy.elements_mut(), ELEMENTS_PER_CHUNK, |_, dy| {
            dy.iter_mut().for_each(|dy| *dy *= self.scale);
        });
        Some(dy)
    }
}
