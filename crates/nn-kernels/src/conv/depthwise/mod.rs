//! Depthwise convolution: as many groups as input channels, so that each output channel sees one input channel.
//!
//! ```text
//! y[n, oh, ow, c·m + j] = sum over kh, kw of  x[n, oh·sh + kh·dh - top, ow·sw + kw·dw - left, c] · w[kh, kw, 0, c·m + j]
//! ```
//!
//! with the multiplier `m = out_c / in_c` and `j < m`. This is no matrix product: each tap multiplies a row of
//! channels by a row of weights, element by element. With `m = 1`, the usual one, channels lie in the lanes of
//! vectors.
//!
//! [`output`] and [`grad_input`] are the same walk ([`gather`]): an output pixel sums over the input pixels under
//! its taps, an input pixel over the output pixels whose taps lie on it. Each sum runs over the taps in order,
//! so the bits depend neither on the vectors nor on the threads.
//!
//! Cost: `2·kh·kw` FLOPs for each output element in each direction.

mod axis;
mod gather;
mod grad_weight;

pub(crate) use gather::{grad_input_of, output_of};
pub(crate) use grad_weight::grad_weight_of;

use super::ConvGeometry;
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, part_of, sum_parts};
use crate::{Epilogue, Real};

/// Parts into which the sum of the weight gradient is divided.
const GRAD_WEIGHT_PARTS: usize = 16;

pub(super) fn output<R: Real>(g: &ConvGeometry, x: &[R], w: &[R], epilogue: Epilogue<R>, y: &mut [R]) {
    let line_len = g.out_w * g.out_c;
    let lines = (ELEMENTS_PER_CHUNK / line_len).max(1);
    for_each_chunk(y, lines * line_len, |i, y| {
        R::depthwise_output(g, i * lines, x, w, y);
        epilogue.apply_block(y, g.out_c);
    });
}

pub(super) fn grad_input<R: Real>(g: &ConvGeometry, dy: &[R], w: &[R], dx: &mut [R]) {
    let line_len = g.in_w * g.in_c;
    let lines = (ELEMENTS_PER_CHUNK / line_len).max(1);
    for_each_chunk(dx, lines * line_len, |i, dx| R::depthwise_grad_input(g, i * lines, dy, w, dx));
}

pub(super) fn grad_weight<R: Real>(g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
    let lines = dy.len() / (g.out_w * g.out_c);
    let parts = lines.min(GRAD_WEIGHT_PARTS);
    sum_parts(dw, parts, |part, dw| {
        R::depthwise_grad_weight(g, part_of(lines, parts, part), x, dy, dw);
    });
}
