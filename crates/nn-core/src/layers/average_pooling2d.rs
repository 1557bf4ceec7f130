use nn_kernels::Real;
use nn_kernels::pool::{PoolGeometry, avg_pool, avg_pool_grad_input};
use serde::{Deserialize, Serialize};

use super::pooling::{pool_geometry, pooling_config};
use super::{Padding, Pair};
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::tensor::{Elements, Tensor};

pooling_config! {
    /// Configuration of average pooling: the mean of each window; padding is not counted.
    AveragePooling2D builds AveragePooling2DLayer
}

impl<R: Real> Layer<R> for AveragePooling2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
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
