use nn_kernels::Real;
use nn_kernels::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, for_each_chunk_pair};
use serde::{Deserialize, Serialize};

use crate::context::{Context, Mode};
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::rng::Purpose;
use crate::tensor::{Elements, Tensor};

/// Configuration of dropout (Srivastava et al., 2014), inverted: in training each element is zeroed with
/// probability `rate` and the others are divided by `1 - rate`; in evaluation nothing happens.
///
/// The mask is a function of seed, epoch, step, layer name and the element's place in the batch, and of
/// nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    #[serde(default)]
    pub(super) name: Option<String>,
    rate: f64,
}

impl Dropout {
    /// Zeroes a share `rate` of the elements, `0 <= rate < 1`.
    pub fn new(rate: f64) -> Self {
        Self { name: None, rate }
    }

    pub(super) fn build<R: Real>(
        &self,
        info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(LayerError::argument("rate", self.rate, "at least 0 and below 1"));
        }
        Ok(Box::new(DropoutLayer { info, rate: self.rate }))
    }
}

#[derive(Debug)]
struct DropoutLayer {
    info: LayerInfo,
    rate: f64,
}

impl<R: Real> Layer<R> for DropoutLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, _ctx: &mut Context<R>) -> Tensor<R> {
        x.clone()
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        if ctx.mode() == Mode::Inference {
            return (self.infer(x, ctx), Cache::new());
        }
        let (mut y, mut mask) = (ctx.buffer(x.shape()), ctx.buffer(x.shape()));
        let stream = ctx.stream(Purpose::Dropout, &self.info.name);
        // One 32-bit word per element of the batch, of which `x` may be a slice: the element is dropped if it
        // is below rate·2^32.
        let threshold = (self.rate * 2f64.powi(32)) as u32;
        let kept = R::of(1.0 / (1.0 - self.rate));
        let first_word = ctx.first_sample() * self.info.input_shape.elements();
        let x = x.elements();
        let outputs = ((y.elements_mut(), ELEMENTS_PER_CHUNK), (mask.elements_mut(), ELEMENTS_PER_CHUNK));
        for_each_chunk_pair(outputs.0, outputs.1, |i, y, mask| {
            let start = i * ELEMENTS_PER_CHUNK;
            let mut stream = stream.clone();
            stream.skip_to((first_word + start) as u64);
            for ((y, mask), &x) in y.iter_mut().zip(mask).zip(&x[start..]) {
                *mask = if stream.word() < threshold { R::zero() } else { kept };
                *y = x * *mask;
            }
        });
        (y, Cache::new().with("mask", mask))
    }

    fn backward(
        &self,
        mut dy: Tensor<R>,
        cache: &Cache<R>,
        _gradients: &mut Gradients<R>,
        _ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        // dx = dy · mask; without a mask nothing was dropped
        if !cache.has("mask") {
            return Some(dy);
        }
        let mask = cache.tensor("mask").elements();
        for_each_chunk(dy.elements_mut(), ELEMENTS_PER_CHUNK, |i, dy| {
            for (dy, &mask) in dy.iter_mut().zip(&mask[i * ELEMENTS_PER_CHUNK..]) {
                *dy *= mask;
            }
        });
        Some(dy)
    }
}
