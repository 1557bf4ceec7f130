use nn_kernels::Real;
use nn_kernels::pool::{PoolGeometry, avg_pool, avg_pool_grad_input};
use serde::{Deserialize, Serialize};

use super::max_pooling2d::pool_geometry;
use super::{Padding, Pair};
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::tensor::{Elements, Tensor};

/// Configuration of average pooling: the mean of each window; padding is not counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    pool_size: Pair,
    #[serde(default)]
    strides: Option<Pair>,
    #[serde(default)]
    padding: Padding,
}

impl AveragePooling2D {
    /// Windows of `pool_size` (one number, or height and width) side by side.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { name: None, pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
    }

    /// Steps of the window; its size if not set.
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// Padding; valid if not set.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    pub(super) fn build<R: Real>(
        &self,
        mut info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        let geometry = pool_geometry(&mut info, self.pool_size, self.strides, self.padding)?;
        Ok(Box::new(AveragePooling2DLayer { info, geometry }))
    }
}

#[derive(Debug)]
struct AveragePooling2DLayer {
    info: LayerInfo,
    geometry: PoolGeometry,
}

impl<R: Real> Layer<R> for AveragePooling2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(&self.info.output_shape.batch(x.shape()[0]));
        avg_pool(&self.geometry, x.elements(), y.elements_mut());
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        (self.infer(x, ctx), Cache::new())
    }

    fn backward(
        &self,
        dy: Tensor<R>,
        _cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        // dx[each of the window's k elements] += dy[window] / k
        let dx = gradients.input.then(|| {
            let mut dx = ctx.buffer(&self.info.input_shape.batch(dy.shape()[0]));
            avg_pool_grad_input(&self.geometry, dy.elements(), dx.elements_mut());
            dx
        });
        ctx.recycle(dy);
        dx
    }
}
