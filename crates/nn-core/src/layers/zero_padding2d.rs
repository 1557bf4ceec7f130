use nn_kernels::Real;
use nn_kernels::parallel::for_each_chunk;
use serde::{Deserialize, Serialize};

use super::image_shape;
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// Configuration of a frame of zeros around an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding2D {
    #[serde(default)]
    pub(super) name: Option<String>,
    padding: Sides,
}

/// Rows above and below, columns to the left and to the right: given as one number for all four, as a (vertical,
/// horizontal) pair, or as ((top, bottom), (left, right)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Given", into = "[[usize; 2]; 2]")]
#[allow(missing_docs)] // The sides of an image.
pub struct Sides {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a whole number, a pair of them, or a pair of pairs")]
enum Given {
    One(usize),
    Two([usize; 2]),
    Four([[usize; 2]; 2]),
}

impl From<Given> for Sides {
    fn from(given: Given) -> Self {
        match given {
            Given::One(n) => n.into(),
            Given::Two([vertical, horizontal]) => (vertical, horizontal).into(),
            Given::Four([[top, bottom], [left, right]]) => ((top, bottom), (left, right)).into(),
        }
    }
}

impl From<Sides> for [[usize; 2]; 2] {
    fn from(sides: Sides) -> Self {
        [[sides.top, sides.bottom], [sides.left, sides.right]]
    }
}

impl From<usize> for Sides {
    fn from(n: usize) -> Self {
        (n, n).into()
    }
}

impl From<(usize, usize)> for Sides {
    fn from((vertical, horizontal): (usize, usize)) -> Self {
        ((vertical, vertical), (horizontal, horizontal)).into()
    }
}

impl From<((usize, usize), (usize, usize))> for Sides {
    fn from(((top, bottom), (left, right)): ((usize, usize), (usize, usize))) -> Self {
        Self { top, bottom, left, right }
    }
}

impl ZeroPadding2D {
    /// Zeros of the given widths around each image.
    pub fn new(padding: impl Into<Sides>) -> Self {
        Self { name: None, padding: padding.into() }
    }

    pub(super) fn build<R: Real>(
        &self,
        mut info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        let (h, w, channels) = image_shape(&info.input_shape)?;
        let Sides { top, bottom, left, right } = self.padding;
        let sum = |sizes: [usize; 3]| sizes.into_iter().try_fold(0usize, usize::checked_add);
        let padded = sum([top, h, bottom]).zip(sum([left, w, right]));
        let addressable = |h: usize, w: usize| {
            let bytes = h.checked_mul(w)?.checked_mul(channels)?.checked_mul(size_of::<R>())?;
            (bytes <= isize::MAX as usize).then_some((h, w))
        };
        let Some((h, w)) = padded.and_then(|(h, w)| addressable(h, w)) else {
            let padding = format!("(({top}, {bottom}), ({left}, {right}))");
            return Err(LayerError::argument("padding", padding, "an image that can be addressed"));
        };
        info.output_shape = Shape::new([h, w, channels]);
        Ok(Box::new(ZeroPadding2DLayer { info, padding: self.padding }))
    }
}

#[derive(Debug)]
struct ZeroPadding2DLayer {
    info: LayerInfo,
    padding: Sides,
}

/// Where the lines of the images lie in the padded images, in elements.
struct Lines {
    /// Lines of an image, and of a padded one.
    count: (usize, usize),
    /// Length of a line, and of a padded one.
    len: (usize, usize),
    /// What lies before a line in a padded one.
    left: usize,
    /// Padded lines before those of the image.
    top: usize,
}

impl ZeroPadding2DLayer {
    fn lines(&self) -> Lines {
        let (inner, outer) = (&self.info.input_shape, &self.info.output_shape);
        let channels = inner[2];
        Lines {
            count: (inner[0], outer[0]),
            len: (inner[1] * channels, outer[1] * channels),
            left: self.padding.left * channels,
            top: self.padding.top,
        }
    }
}

impl<R: Real> Layer<R> for ZeroPadding2DLayer {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn sliceable(&self) -> bool {
        true
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = ctx.buffer(&self.info.output_shape.batch(x.shape()[0]));
        let Lines { count, len, left, top } = self.lines();
        let x = x.elements();
        // y[n, top + h, left + w, c] = x[n, h, w, c], all else 0
        for_each_chunk(y.elements_mut(), count.1 * len.1, |n, image| {
            image.fill(R::zero());
            let lines = x[n * count.0 * len.0..][..count.0 * len.0].chunks_exact(len.0);
            for (y, x) in image.chunks_exact_mut(len.1).skip(top).zip(lines) {
                y[left..left + len.0].copy_from_slice(x);
            }
        });
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
        // dx[n, h, w, c] = dy[n, top + h, left + w, c]
        let dx = gradients.input.then(|| {
            let mut dx = ctx.buffer(&self.info.input_shape.batch(dy.shape()[0]));
            let Lines { count, len, left, top } = self.lines();
            let dy = dy.elements();
            for_each_chunk(dx.elements_mut(), count.0 * len.0, |n, image| {
                let lines = dy[n * count.1 * len.1..][..count.1 * len.1].chunks_exact(len.1).skip(top);
                for (dx, dy) in image.chunks_exact_mut(len.0).zip(lines) {
                    dx.copy_from_slice(&dy[left..left + len.0]);
                }
            });
            dx
        });
        ctx.recycle(dy);
        dx
    }
}
