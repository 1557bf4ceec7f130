//! What batch normalisation does to rows of channels; `mean`, `scale` and the like have one value for each channel.
//!
//! Products are rounded before they are added: the same bits on every instruction set.

use std::array;

use super::bias::rows_per_term;
use crate::lanewise::{Lanewise, each};
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, sum_parts};
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, check_rows, isa};

/// `y = (x - mean)·scale + shift`, row by row. Overwrites `y`.
///
/// # Shapes
/// `x`, `y`: `[rows, channels]`; the others: `[channels]`.
///
/// # Panics
/// If a slice has another length.
pub fn normalize<R: Real>(x: &[R], mean: &[R], scale: &[R], shift: &[R], y: &mut [R]) {
    check_len("y", y, x.len());
    check_channels(x, [mean, scale, shift]);
    for_each_block(y, mean.len(), |at, y| R::normalize(&x[at..][..y.len()], mean, scale, shift, y));
}

/// `sum[c] += sum over rows of (x[row, c] - mean[c])²`
///
/// # Shapes
/// `x`: `[rows, channels]`; the others: `[channels]`.
///
/// # Panics
/// If a slice has another length.
pub fn add_squared_deviations<R: Real>(x: &[R], mean: &[R], sum: &mut [R]) {
    check_channels(x, [mean, sum]);
    let term_len = rows_per_term(mean.len()) * mean.len();
    sum_parts(sum, x.len().div_ceil(term_len), |term, sum| {
        let end = x.len().min((term + 1) * term_len);
        R::add_squared_deviations(&x[term * term_len..end], mean, sum);
    });
}

/// The two sums over a batch that a normalisation's gradients are made of:
/// `sums[c] += sum over rows of dy[row, c]` and
/// `sums[channels + c] += sum over rows of dy[row, c]·(x[row, c] - mean[c])`.
///
/// # Shapes
/// `x`, `dy`: `[rows, channels]`, `mean`: `[channels]`, `sums`: `[2, channels]`.
///
/// # Panics
/// If a slice has another length.
pub fn add_normalize_sums<R: Real>(x: &[R], dy: &[R], mean: &[R], sums: &mut [R]) {
    check_len("dy", dy, x.len());
    check_channels(x, [mean]);
    check_len("sums", sums, 2 * mean.len());
    let term_len = rows_per_term(mean.len()) * mean.len();
    sum_parts(sums, x.len().div_ceil(term_len), |term, sums| {
        let rows = term * term_len..x.len().min((term + 1) * term_len);
        R::add_normalize_sums(&x[rows.clone()], &dy[rows], mean, sums);
    });
}

/// `dx = scale·(dy - mean_dy - (x - mean)·slope)` in the place of `dy`, row by row.
///
/// # Shapes
/// `x`, `dy`: `[rows, channels]`; the others: `[channels]`.
///
/// # Panics
/// If a slice has another length.
pub fn normalize_grad_input<R: Real>(x: &[R], [mean, scale, mean_dy, slope]: [&[R]; 4], dy: &mut [R]) {
    check_len("dy", dy, x.len());
    check_channels(x, [mean, scale, mean_dy, slope]);
    for_each_block(dy, mean.len(), |at, dy| {
        R::normalize_grad_input(&x[at..][..dy.len()], [mean, scale, mean_dy, slope], dy);
    });
}

/// `dy·scale` in the place of `dy`, row by row.
///
/// # Shapes
/// `dy`: `[rows, channels]`, `scale`: `[channels]`.
///
/// # Panics
/// If `dy` is not a whole number of rows.
pub fn scale_rows<R: Real>(scale: &[R], dy: &mut [R]) {
    check_rows("dy", dy, scale.len());
    for_each_block(dy, scale.len(), |_, dy| R::scale_rows(scale, dy));
}

/// Lengths of rows and of their channels, checked once.
#[track_caller]
fn check_channels<R, const N: usize>(rows: &[R], channels: [&[R]; N]) {
    check_rows("x", rows, channels[0].len());
    for values in channels {
        check_len("channels", values, channels[0].len());
    }
}

/// Calls `body` with blocks of whole rows and where they begin, in parallel.
fn for_each_block<R: Real>(rows: &mut [R], channels: usize, body: impl Fn(usize, &mut [R]) + Sync) {
    let block = (ELEMENTS_PER_CHUNK / channels).max(1) * channels;
    for_each_chunk(rows, block, |i, rows| body(i * block, rows));
}

pub(crate) fn normalize_of<R: Real>(x: &[R], mean: &[R], scale: &[R], shift: &[R], y: &mut [R]) {
    let input =
        [Operand::Rows(x), Operand::Channels(mean), Operand::Channels(scale), Operand::Channels(shift)];
    isa::dispatch(EachRow { f: Normalize, state: y, input, channels: mean.len() });
}

pub(crate) fn add_squared_deviations_of<R: Real>(x: &[R], mean: &[R], sum: &mut [R]) {
    let input = [Operand::Rows(x), Operand::Channels(mean)];
    isa::dispatch(SumRows { f: SquaredDeviation, sums: [sum], rows: x.len() / mean.len(), input });
}

pub(crate) fn add_normalize_sums_of<R: Real>(x: &[R], dy: &[R], mean: &[R], sums: &mut [R]) {
    let input = [Operand::Rows(x), Operand::Rows(dy), Operand::Channels(mean)];
    let (of_dy, of_product) = sums.split_at_mut(mean.len());
    let sums = [of_dy, of_product];
    isa::dispatch(SumRows { f: GradientSums, sums, rows: x.len() / mean.len(), input });
}

pub(crate) fn normalize_grad_input_of<R: Real>(x: &[R], channels: [&[R]; 4], dy: &mut [R]) {
    let [mean, scale, mean_dy, slope] = channels.map(Operand::Channels);
    let input = [Operand::Rows(x), mean, scale, mean_dy, slope];
    isa::dispatch(EachRow { f: GradInput, state: dy, input, channels: channels[0].len() });
}

pub(crate) fn scale_rows_of<R: Real>(scale: &[R], dy: &mut [R]) {
    isa::dispatch(EachRow { f: Scale, state: dy, input: [Operand::Channels(scale)], channels: scale.len() });
}

/// What a function of rows reads: rows of its own, or the same channels for each row.
#[derive(Clone, Copy)]
enum Operand<'a, R> {
    Rows(&'a [R]),
    Channels(&'a [R]),
}

impl<'a, R> Operand<'a, R> {
    #[inline(always)]
    fn row(self, row: usize, channels: usize) -> &'a [R] {
        match self {
            Self::Rows(rows) => &rows[row * channels..][..channels],
            Self::Channels(values) => values,
        }
    }
}

/// Replaces each row of `state` by what `f` makes of it.
struct EachRow<'a, R, F, const INPUT: usize> {
    f: F,
    state: &'a mut [R],
    input: [Operand<'a, R>; INPUT],
    channels: usize,
}

impl<R: Real, F: Lanewise<R, 1, INPUT>, const INPUT: usize> Kernel<R> for EachRow<'_, R, F, INPUT> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        for (row, state) in self.state.chunks_exact_mut(self.channels).enumerate() {
            each(simd, self.f, [state], self.input.map(|operand| operand.row(row, self.channels)));
        }
    }
}

/// Lets `f` add each row to `sums`, in order.
struct SumRows<'a, R, F, const SUMS: usize, const INPUT: usize> {
    f: F,
    sums: [&'a mut [R]; SUMS],
    input: [Operand<'a, R>; INPUT],
    rows: usize,
}

impl<R, F, const SUMS: usize, const INPUT: usize> Kernel<R> for SumRows<'_, R, F, SUMS, INPUT>
where
    R: Real,
    F: Lanewise<R, SUMS, INPUT>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(mut self, simd: S) {
        let channels = self.sums[0].len();
        for row in 0..self.rows {
            let mut sums = self.sums.iter_mut();
            let sums = array::from_fn(|_| &mut **sums.next().expect("as many as there are"));
            each(simd, self.f, sums, self.input.map(|operand| operand.row(row, channels)));
        }
    }
}

#[derive(Clone, Copy)]
struct Normalize;

impl<R: Real> Lanewise<R, 1, 4> for Normalize {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, _: [S::V; 1], [x, mean, scale, shift]: [S::V; 4]) -> [S::V; 1] {
        [simd.add(simd.mul(simd.sub(x, mean), scale), shift)]
    }
}

#[derive(Clone, Copy)]
struct SquaredDeviation;

impl<R: Real> Lanewise<R, 1, 2> for SquaredDeviation {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [sum]: [S::V; 1], [x, mean]: [S::V; 2]) -> [S::V; 1] {
        let deviation = simd.sub(x, mean);
        [simd.add(sum, simd.mul(deviation, deviation))]
    }
}

#[derive(Clone, Copy)]
struct GradientSums;

impl<R: Real> Lanewise<R, 2, 3> for GradientSums {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, sums: [S::V; 2], [x, dy, mean]: [S::V; 3]) -> [S::V; 2] {
        let product = simd.mul(dy, simd.sub(x, mean));
        [simd.add(sums[0], dy), simd.add(sums[1], product)]
    }
}

#[derive(Clone, Copy)]
struct GradInput;

impl<R: Real> Lanewise<R, 1, 5> for GradInput {
    #[inline(always)]
    fn step<S: Simd<R>>(
        self,
        simd: S,
        [dy]: [S::V; 1],
        [x, mean, scale, mean_dy, slope]: [S::V; 5],
    ) -> [S::V; 1] {
        let along_x = simd.mul(simd.sub(x, mean), slope);
        [simd.mul(scale, simd.sub(simd.sub(dy, mean_dy), along_x))]
    }
}

#[derive(Clone, Copy)]
struct Scale;

impl<R: Real> Lanewise<R, 1, 1> for Scale {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [dy]: [S::V; 1], [scale]: [S::V; 1]) -> [S::V; 1] {
        [simd.mul(dy, scale)]
    }
}
