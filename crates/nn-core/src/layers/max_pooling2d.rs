use nn_kernels::Real;
use nn_kernels::pool::{PoolGeometry, max_pool, max_pool_grad_input};
use serde::{Deserialize, Serialize};

use super::pooling::{pool_geometry, pooling_config};
use super::{Padding, Pair};
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::tensor::{Elements, Tensor};

pooling_config! {
    /// Configuration of max pooling: the largest element of each window.
    MaxPooling2D builds MaxPooling2DLayer
}

impl<R: Real> Layer<R> for MaxPooling2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn selects(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let (y, cache) = self.forward(x, ctx);
        ctx.recycle_cache(cache);
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        let shape = self.info.output_shape.batch(x.shape()[0]);
        let (mut y, mut argmax) = (ctx.buffer(&shape), ctx.index_buffer(&shape));
        let winners = argmax.as_slice_mut().expect("buffers are contiguous");
        max_pool(&self.geometry, x.elements(), y.elements_mut(), winners);
        (y, Cache::new().with_indices("argmax", argmax))
    }

    fn backward(
        &self,
        dy: Tensor<R>,
        cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        // dx[winner of window] += dy[window]
        let dx = gradients.input.then(|| {
            let mut dx = ctx.buffer(&self.info.input_shape.batch(dy.shape()[0]));
            let argmax = cache.indices("argmax").as_slice().expect("buffers are contiguous");
            max_pool_grad_input(&self.geometry, dy.elements(), argmax, dx.elements_mut());
            dx
        });
        ctx.recycle(dy);
        dx
    }
}
