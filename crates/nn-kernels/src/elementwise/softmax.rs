use crate::lanewise::{Lanewise, each};
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, check_rows, exp, isa};

/// Softmax of each row: `y_c = e^(z_c - max z) / sum_k e^(z_k - max z)`.
///
/// # Shapes
/// `z`: `[rows, channels]`, overwritten by `y`.
pub fn softmax<R: Real>(z: &mut [R], channels: usize) {
    check_rows("z", z, channels);
    let rows = (ELEMENTS_PER_CHUNK / channels).max(1);
    for_each_chunk(z, rows * channels, |_, chunk| R::softmax(chunk, channels));
}

/// Backward of [`softmax`]: replaces each `dy_c` by `dz_c = y_c · (dy_c - sum_k dy_k·y_k)`.
///
/// # Shapes
/// `y`, `dy`: `[rows, channels]`.
pub fn softmax_backward<R: Real>(y: &[R], dy: &mut [R], channels: usize) {
    check_len("y", y, dy.len());
    check_rows("dy", dy, channels);
    let rows = (ELEMENTS_PER_CHUNK / channels).max(1);
    for_each_chunk(dy, rows * channels, |i, chunk| {
        R::softmax_backward(&y[i * rows * channels..][..chunk.len()], chunk, channels);
    });
}

pub(crate) fn softmax_of<R: Real>(z: &mut [R], channels: usize) {
    isa::dispatch(Softmax { z, channels });
}

struct Softmax<'a, R> {
    z: &'a mut [R],
    channels: usize,
}

impl<R: Real> Kernel<R> for Softmax<'_, R> {
    type Output = ();

    /// Rows are often shorter than a vector: the exponential, which takes the time, runs across them. The sums run
    /// along them in order, whatever the width of the vectors.
    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        for row in self.z.chunks_exact_mut(self.channels) {
            let max = row.iter().copied().fold(R::NEG_INFINITY, R::max);
            for z in row {
                *z -= max;
            }
        }
        each(simd, Exp, [&mut *self.z], []);
        for row in self.z.chunks_exact_mut(self.channels) {
            let sum: R = row.iter().copied().sum();
            for y in row {
                *y /= sum;
            }
        }
    }
}

/// `e^x` in the place of `x`.
#[derive(Clone, Copy)]
struct Exp;

impl<R: Real> Lanewise<R, 1, 0> for Exp {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [x]: [S::V; 1], []: [S::V; 0]) -> [S::V; 1] {
        [exp::exp(simd, x)]
    }
}

pub(crate) fn softmax_backward_of<R: Real>(y: &[R], dy: &mut [R], channels: usize) {
    for (dy, y) in dy.chunks_exact_mut(channels).zip(y.chunks_exact(channels)) {
        let inner: R = dy.iter().zip(y).map(|(&dy, &y)| dy * y).sum();
        for (dy, &y) in dy.iter_mut().zip(y) {
            *dy = y * (*dy - inner);
        }
    }
}
