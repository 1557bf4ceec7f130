use nn_kernels::Real;
use nn_kernels::pool::{global_avg_pool, global_avg_pool_grad_input};
use serde::{Deserialize, Serialize};

use super::image_shape;
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// Configuration of global average pooling: the mean of each channel over the whole image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    keepdims: bool,
}

impl GlobalAveragePooling2D {
    /// `(None, height, width, channels)` to `(None, channels)`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the image stays an image, of one pixel: `(None, 1, 1, channels)`; false if not set.
    pub fn keepdims(mut self, keepdims: bool) -> Self {
        self.keepdims = keepdims;
        self
    }

    pub(super) fn build<R: Real>(
        &self,
        mut info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        let (h, w, channels) = image_shape(&info.input_shape)?;
        info.output_shape = if self.keepdims { Shape::new([1, 1, channels]) } else { Shape::new([channels]) };
        Ok(Box::new(GlobalAveragePooling2DLayer { info, pixels: h * w, channels }))
    }
}

#[derive(Debug)]
struct GlobalAveragePooling2DLayer {
    info: LayerInfo,
    pixels: usize,
    channels: usize,
}

impl<R: Real> Layer<R> for GlobalAveragePooling2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(&self.info.output_shape.batch(x.shape()[0]));
        global_avg_pool(self.pixels, self.channels, x.elements(), y.elements_mut());
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
        // dx[n, h, w, c] = dy[n, c] / pixels
        let dx = gradients.input.then(|| {
            let mut dx = ctx.buffer(&self.info.input_shape.batch(dy.shape()[0]));
            global_avg_pool_grad_input(self.pixels, self.channels, dy.elements(), dx.elements_mut());
            dx
        });
        ctx.recycle(dy);
        dx
    }
}
