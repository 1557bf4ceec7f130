//! Element-wise functions: activations and their derivatives, softmax, bias.

use crate::gemm::micro::Finish;
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, sum_parts};
use crate::{Real, check_len, check_rows};

/// An activation function `y = f(z)` that acts on each element on its own.
///
/// Every derivative is written in terms of the *output* `y`, so a layer that fuses its activation only has to
/// keep `y` for the backward pass, and the next layer keeps that as its input anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pointwise {
    /// `y = z`
    Linear,
    /// `y = max(z, 0)`; derivative 0 at the kink.
    Relu,
    /// `y = min(max(z, 0), 6)`; derivative 0 at both kinks.
    Relu6,
    /// `y = z` for `z > 0`, else `slope·z`, with `slope >= 0`.
    LeakyRelu {
        /// Slope for negative inputs.
        slope: f64,
    },
    /// `y = z` for `z > 0`, else `alpha·(e^z - 1)`, with `alpha > 0`; derivative 1 at 0.
    Elu {
        /// The value `-alpha` is approached for very negative inputs.
        alpha: f64,
    },
    /// `y = 1 / (1 + e^-z)`
    Sigmoid,
    /// `y = tanh z`
    Tanh,
}

impl Pointwise {
    /// Replaces each `z` by `f(z)`; NaN stays NaN.
    pub fn apply<R: Real>(self, z: &mut [R]) {
        for_each_chunk(z, ELEMENTS_PER_CHUNK, |_, chunk| self.apply_block(chunk));
    }

    /// [`Pointwise::apply`] on the calling thread alone.
    pub fn apply_block<R: Real>(self, z: &mut [R]) {
        let (zero, one) = (R::zero(), R::one());
        match self {
            Self::Linear => {}
            // Written with `<` so that NaN, which compares false, passes through.
            Self::Relu => map(z, |z| if z < zero { zero } else { z }),
            Self::Relu6 => {
                let six = R::of(6.0);
                map(z, |z| {
                    if z < zero {
                        zero
                    } else if z > six {
                        six
                    } else {
                        z
                    }
                })
            }
            Self::LeakyRelu { slope } => {
                let slope = R::of(slope);
                map(z, |z| if z < zero { slope * z } else { z })
            }
            Self::Elu { alpha } => {
                let alpha = R::of(alpha);
                map(z, |z| if z < zero { alpha * z.exp_m1() } else { z })
            }
            Self::Sigmoid => map(z, |z| one / (one + (-z).exp())),
            Self::Tanh => map(z, |z| z.tanh()),
        }
    }

    /// Replaces each `dy` by `dz = dy · f'(z)`, with `f'` computed from the output `y = f(z)`.
    ///
    /// # Panics
    /// If `y` and `dy` differ in length.
    pub fn backward<R: Real>(self, y: &[R], dy: &mut [R]) {
        check_len("y", y, dy.len());
        if self == Self::Linear {
            return;
        }
        for_each_chunk(dy, ELEMENTS_PER_CHUNK, |i, chunk| {
            let y = &y[i * ELEMENTS_PER_CHUNK..][..chunk.len()];
            self.backward_block(y, chunk);
        });
    }

    fn backward_block<R: Real>(self, y: &[R], dy: &mut [R]) {
        let (zero, one) = (R::zero(), R::one());
        match self {
            Self::Linear => {}
            Self::Relu => zip_map(dy, y, |dy, y| if y > zero { dy } else { zero }),
            Self::Relu6 => {
                let six = R::of(6.0);
                zip_map(dy, y, |dy, y| if y > zero && y < six { dy } else { zero })
            }
            Self::LeakyRelu { slope } => {
                let slope = R::of(slope);
                zip_map(dy, y, |dy, y| if y > zero { dy } else { slope * dy })
            }
            Self::Elu { alpha } => {
                // For z < 0: alpha·e^z = y + alpha.
                let alpha = R::of(alpha);
                zip_map(dy, y, |dy, y| if y < zero { dy * (y + alpha) } else { dy })
            }
            Self::Sigmoid => zip_map(dy, y, |dy, y| dy * y * (one - y)),
            Self::Tanh => zip_map(dy, y, |dy, y| dy * (one - y * y)),
        }
    }
}

fn map<R: Real>(values: &mut [R], f: impl Fn(R) -> R) {
    for value in values {
        *value = f(*value);
    }
}

fn zip_map<R: Real>(values: &mut [R], others: &[R], f: impl Fn(R, R) -> R) {
    for (value, &other) in values.iter_mut().zip(others) {
        *value = f(*value, other);
    }
}

/// What a convolution or dense product does to its result before it leaves the cache: `y = f(z + bias)`.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a, R> {
    /// One value per output channel, or none.
    pub bias: Option<&'a [R]>,
    /// The function applied after the bias.
    pub activation: Pointwise,
}

impl<R: Real> Epilogue<'_, R> {
    /// Neither bias nor activation.
    pub const NONE: Self = Self { bias: None, activation: Pointwise::Linear };

    /// The part that a kernel does while it stores its sums, bias and limits, and the function that is left.
    pub(crate) fn split(&self) -> (Finish<'_, R>, Pointwise) {
        let (low, high, rest) = match self.activation {
            Pointwise::Relu => (R::ZERO, R::INFINITY, Pointwise::Linear),
            Pointwise::Relu6 => (R::ZERO, R::of(6.0), Pointwise::Linear),
            other => (R::NEG_INFINITY, R::INFINITY, other),
        };
        (Finish { bias: self.bias, low, high }, rest)
    }

    /// Applies bias and activation to rows of `channels` values, on the calling thread.
    ///
    /// # Panics
    /// If the bias does not have `channels` values.
    pub fn apply_block(&self, z: &mut [R], channels: usize) {
        check_rows("z", z, channels);
        if let Some(bias) = self.bias {
            check_len("bias", bias, channels);
            for row in z.chunks_exact_mut(channels) {
                for (z, &b) in row.iter_mut().zip(bias) {
                    *z += b;
                }
            }
        }
        self.activation.apply_block(z);
    }

    /// [`Epilogue::apply_block`] on all threads.
    pub fn apply(&self, z: &mut [R], channels: usize) {
        check_rows("z", z, channels);
        let rows = (ELEMENTS_PER_CHUNK / channels).max(1);
        for_each_chunk(z, rows * channels, |_, chunk| self.apply_block(chunk, channels));
    }
}

/// Rows whose gradients one term of [`grad_bias`] sums.
const BIAS_ROWS: usize = 1024;

/// Gradient of a bias that was added to every row: `grad_bias[c] += sum over rows of dz[row, c]`.
///
/// # Shapes
/// `dz`: `[rows, channels]`, `grad_bias`: `[channels]`.
pub fn grad_bias<R: Real>(dz: &[R], grad_bias: &mut [R]) {
    let channels = grad_bias.len();
    check_rows("dz", dz, channels);
    let rows = dz.len() / channels;
    sum_parts(grad_bias, rows.div_ceil(BIAS_ROWS), |part, sum| {
        let start = part * BIAS_ROWS * channels;
        let end = dz.len().min(start + BIAS_ROWS * channels);
        for row in dz[start..end].chunks_exact(channels) {
            for (sum, &value) in sum.iter_mut().zip(row) {
                *sum += value;
            }
        }
    });
}

/// Softmax of each row: `y_c = e^(z_c - max z) / sum_k e^(z_k - max z)`.
///
/// # Shapes
/// `z`: `[rows, channels]`, overwritten by `y`.
pub fn softmax<R: Real>(z: &mut [R], channels: usize) {
    check_rows("z", z, channels);
    let rows = (ELEMENTS_PER_CHUNK / channels).max(1);
    for_each_chunk(z, rows * channels, |_, chunk| {
        for row in chunk.chunks_exact_mut(channels) {
            let max = row.iter().copied().fold(R::neg_infinity(), R::max);
            let mut sum = R::zero();
            for z in row.iter_mut() {
                *z = (*z - max).exp();
                sum += *z;
            }
            for y in row.iter_mut() {
                *y /= sum;
            }
        }
    });
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
        let y = &y[i * rows * channels..][..chunk.len()];
        for (dy, y) in chunk.chunks_exact_mut(channels).zip(y.chunks_exact(channels)) {
            let inner: R = dy.iter().zip(y).map(|(&dy, &y)| dy * y).sum();
            for (dy, &y) in dy.iter_mut().zip(y) {
                *dy = y * (*dy - inner);
            }
        }
    });
}
