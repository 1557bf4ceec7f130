use nn_kernels::Real;
use nn_kernels::pool::{PoolGeometry, max_pool, max_pool_grad_input};
use serde::{Deserialize, Serialize};

use super::{Padding, Pair, image_shape};
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// Configuration of max pooling: the largest element of each window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPooling2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    pool_size: Pair,
    #[serde(default)]
    strides: Option<Pair>,
    #[serde(default)]
    padding: Padding,
}

impl MaxPooling2D {
    /// Windows of `pool_size` (one number, or height and width) side by side.
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { name: None, pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
    }

    /// Steps of the window; its size if not set.
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// Padding, which is never the largest; valid if not set.
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
        Ok(Box::new(MaxPooling2DLayer { info, geometry }))
    }
}

/// Geometry of a pooling layer on the input shape in `info`, whose output shape is set.
pub(super) fn pool_geometry(
    info: &mut LayerInfo,
    pool_size: Pair,
    strides: Option<Pair>,
    padding: Padding,
) -> Result<PoolGeometry, LayerError> {
    let (h, w, channels) = image_shape(&info.input_shape)?;
    let strides = strides.unwrap_or(pool_size);
    let geometry = PoolGeometry::new((h, w), channels, pool_size.into(), strides.into(), padding.into())?;
    info.output_shape = Shape::new([geometry.out_h, geometry.out_w, channels]);
    Ok(geometry)
}

#[derive(Debug)]
struct MaxPooling2DLayer {
    info: LayerInfo,
    geometry: PoolGeometry,
}

impl<R: Real> Layer<R> for MaxPooling2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
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
