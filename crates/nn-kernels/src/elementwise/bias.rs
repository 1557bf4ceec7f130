use super::Pointwise;
use super::pointwise::with_known;
use std::ops::Range;

use crate::gemm::micro::Finish;
use crate::lanewise::{Add, Each, Lanewise, each};
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, for_each_chunk_pair, sum_parts};
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, check_rows, isa};

/// What a convolution or dense product does to its result before it leaves the cache: `y = f(z + bias)`.
#[derive(Debug, Clone, Copy)]
pub struct Epilogue<'a, R> {
    /// One value per output channel, or none.
    pub bias: Option<&'a [R]>,
    /// The function applied after the bias.
    pub activation: Pointwise,
}

impl<'a, R: Real> Epilogue<'a, R> {
    /// Neither bias nor activation.
    pub const NONE: Self = Self { bias: None, activation: Pointwise::Linear };

    /// The same for some of the channels.
    pub(crate) fn of_channels(self, channels: Range<usize>) -> Self {
        Self { bias: self.bias.map(|bias| &bias[channels]), ..self }
    }

    /// The part that a kernel does while it stores its sums, bias and limits, and the function that is left.
    pub(crate) fn split(self) -> (Finish<'a, R>, Pointwise) {
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
        }
        R::epilogue(*self, z);
    }

    /// [`Epilogue::apply_block`] on all threads.
    pub fn apply(&self, z: &mut [R], channels: usize) {
        check_rows("z", z, channels);
        let rows = (ELEMENTS_PER_CHUNK / channels).max(1);
        for_each_chunk(z, rows * channels, |_, chunk| self.apply_block(chunk, channels));
    }
}

/// `f(z + bias)` in the place of `z`, or `f(z)` without a bias.
#[derive(Clone, Copy)]
struct Forward(Pointwise);

impl<R: Real> Lanewise<R, 1, 0> for Forward {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [z]: [S::V; 1], []: [S::V; 0]) -> [S::V; 1] {
        [self.0.apply_vector(simd, z)]
    }
}

impl<R: Real> Lanewise<R, 1, 1> for Forward {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [z]: [S::V; 1], [bias]: [S::V; 1]) -> [S::V; 1] {
        [self.0.apply_vector(simd, simd.add(z, bias))]
    }
}

pub(crate) fn epilogue_of<R: Real>(epilogue: Epilogue<R>, z: &mut [R]) {
    let f = epilogue.activation;
    match epilogue.bias {
        None if f == Pointwise::Linear => {}
        None => with_known!(f => isa::dispatch(Each { f: Forward(f), state: [z], input: [] })),
        Some(bias) => with_known!(f => isa::dispatch(ForwardRows { f: Forward(f), z, bias })),
    }
}

struct ForwardRows<'a, R> {
    f: Forward,
    z: &'a mut [R],
    bias: &'a [R],
}

impl<R: Real> Kernel<R> for ForwardRows<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        for z in self.z.chunks_exact_mut(self.bias.len()) {
            each(simd, self.f, [z], [self.bias]);
        }
    }
}

/// Rows whose gradients one term of a bias gradient sums: enough that adding up the terms costs little, and where
/// rows are short so many that a term is worth a thread.
pub(super) fn rows_per_term(channels: usize) -> usize {
    const ELEMENTS: usize = 32 * 1024;
    (ELEMENTS / channels).clamp(64, 1024)
}

/// Gradient of a bias that was added to every row: `grad_bias[c] += sum over rows of dz[row, c]`.
///
/// # Shapes
/// `dz`: `[rows, channels]`, `grad_bias`: `[channels]`.
pub fn grad_bias<R: Real>(dz: &[R], grad_bias: &mut [R]) {
    let channels = grad_bias.len();
    check_rows("dz", dz, channels);
    let term_len = rows_per_term(channels) * channels;
    sum_parts(grad_bias, dz.len().div_ceil(term_len), |term, sum| {
        let end = dz.len().min((term + 1) * term_len);
        R::add_rows(&dz[term * term_len..end], sum);
    });
}

/// [`Pointwise::backward`] and [`grad_bias`] in one pass over memory: `dz = dy · f'(z)` in the place of `dy`, and
/// `grad_bias[c] += sum over rows of dz[row, c]` if it is given, with the same bits as [`grad_bias`].
///
/// # Shapes
/// `y`, `dy`: `[rows, channels]`, `grad_bias`: `[channels]`.
///
/// # Panics
/// If `y` and `dy` differ in length, or are not whole rows of `grad_bias`'s length.
pub fn activation_backward_with_bias<R: Real>(
    activation: Pointwise,
    y: &[R],
    dy: &mut [R],
    grad_bias: Option<&mut [R]>,
) {
    check_len("y", y, dy.len());
    let Some(sum) = grad_bias else { return activation.backward(y, dy) };
    if activation == Pointwise::Linear {
        return self::grad_bias(dy, sum);
    }
    let channels = sum.len();
    check_rows("dy", dy, channels);
    let term_len = rows_per_term(channels) * channels;
    R::with_scratch(dy.len().div_ceil(term_len) * channels, |terms| {
        for_each_chunk_pair((dy, term_len), (terms, channels), |i, dy, term| {
            term.fill(R::ZERO);
            R::backward_with_bias(activation, &y[i * term_len..][..dy.len()], dy, term);
        });
        R::add_rows(terms, sum);
    });
}

pub(crate) fn add_rows_of<R: Real>(rows: &[R], sum: &mut [R]) {
    isa::dispatch(AddRows { rows, sum });
}

/// `sum[c] += rows[0, c] + rows[1, c] + ..`, in this order.
struct AddRows<'a, R> {
    rows: &'a [R],
    sum: &'a mut [R],
}

impl<R: Real> Kernel<R> for AddRows<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        for row in self.rows.chunks_exact(self.sum.len()) {
            each(simd, Add, [&mut *self.sum], [row]);
        }
    }
}

/// `dz = dy · f'(z)` in the place of `dy`, and `sum + dz` in the place of `sum`.
#[derive(Clone, Copy)]
struct BackwardAndSum(Pointwise);

impl<R: Real> Lanewise<R, 2, 1> for BackwardAndSum {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [dy, sum]: [S::V; 2], [y]: [S::V; 1]) -> [S::V; 2] {
        let dz = self.0.backward_vector(simd, y, dy);
        [dz, simd.add(sum, dz)]
    }
}

pub(crate) fn backward_with_bias_of<R: Real>(f: Pointwise, y: &[R], dy: &mut [R], sum: &mut [R]) {
    with_known!(f => isa::dispatch(BackwardRows { f: BackwardAndSum(f), y, dy, sum }))
}

struct BackwardRows<'a, R> {
    f: BackwardAndSum,
    y: &'a [R],
    dy: &'a mut [R],
    sum: &'a mut [R],
}

impl<R: Real> Kernel<R> for BackwardRows<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let channels = self.sum.len();
        for (y, dy) in self.y.chunks_exact(channels).zip(self.dy.chunks_exact_mut(channels)) {
            each(simd, self.f, [dy, &mut *self.sum], [y]);
        }
    }
}
