//! Convolution with a window of 1x1: a matrix product over all pixels, without any rearrangement.
//!
//! ```text
//! output       y  [pixels, out_c] = x  [pixels, in_c]   · w   [in_c, out_c]
//! grad_input   dx [pixels, in_c]  = dy [pixels, out_c]  · w^T [out_c, in_c]
//! grad_weight  dw [in_c, out_c]  += x^T [in_c, pixels]  · dy  [pixels, out_c]
//! ```
//!
//! In the first two, pixels are read where they lie, some hundred at a time so that they stay in the second-level cache
//! while all the packed weights pass by.

use ndarray::{ArrayView2, ArrayViewMut2};

use super::im2col::{columns_of, group_weight};
use super::{ConvGeometry, Direction};
use crate::gemm::micro::Run;
use crate::gemm::multiply::{Layout, Lhs, Rhs, multiply};
use crate::gemm::pack::{pack_a, packed_a_len};
use crate::gemm::{Update, gemm};
use crate::parallel::{self, for_each_chunk};
use crate::{Epilogue, Real, phase};

/// Elements of the left operand that are multiplied before the next ones.
const BLOCK: usize = 64 * 1024;

/// Pixels below which a block would hardly be worth the packed weights that it reads.
const FEWEST_PIXELS: usize = 32;

/// Pixels at a multiple of this many elements compete for the same lines of the first-level cache, so they are packed.
const ALIAS: usize = 1024;

/// Steps of the depth that are summed before the next ones: of these, a panel of weights stays in the first-level cache
/// while all tiles of a block read it.
const DEPTH: usize = 256;

/// Whether the geometry is one without rearrangement: 1x1, stride 1, one group, no padding.
pub(super) fn supports(g: &ConvGeometry) -> bool {
    (g.kh, g.kw) == (1, 1)
        && (g.in_h, g.in_w) == (g.out_h, g.out_w)
        && (g.stride_h, g.stride_w, g.groups) == (1, 1, 1)
}

/// Overwrites `y`; `packed` is what [`super::im2col::prepare`] makes of the weights.
pub(super) fn output<R: Real>(g: &ConvGeometry, x: &[R], packed: &[R], epilogue: Epilogue<R>, y: &mut [R]) {
    let (w, pixels) = (group_weight(g, Direction::Output, packed, 0), block(g.in_c, y.len() / g.out_c));
    for_each_chunk(y, pixels * g.out_c, |i, y| {
        let x = &x[i * pixels * g.in_c..][..y.len() / g.out_c * g.in_c];
        product(x, w, Some(epilogue), y);
        epilogue.split().1.apply_block(y);
    });
}

pub(super) fn grad_input<R: Real>(g: &ConvGeometry, dy: &[R], packed: &[R], dx: &mut [R]) {
    let (w, pixels) = (group_weight(g, Direction::GradInput, packed, 0), block(g.out_c, dx.len() / g.in_c));
    for_each_chunk(dx, pixels * g.in_c, |i, dx| {
        let dy = &dy[i * pixels * g.out_c..][..dx.len() / g.in_c * g.out_c];
        product(dy, w, None, dx);
    });
}

pub(super) fn grad_weight<R: Real>(g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
    let out = ArrayViewMut2::from_shape((g.in_c, g.out_c), dw).expect("in_c by out_c");
    gemm(pixels(x, g.in_c).reversed_axes(), pixels(dy, g.out_c), out, Update::Add);
}

/// Pixels that are multiplied at a time: a block, or less if there are more threads than blocks.
fn block(depth: usize, pixels: usize) -> usize {
    let share = pixels.div_ceil(parallel::threads()).max(FEWEST_PIXELS);
    (BLOCK / depth).clamp(FEWEST_PIXELS, share.max(FEWEST_PIXELS))
}

/// `y [pixels, columns] = x [pixels, depth] · w [depth, columns]`, with bias and limits of the epilogue.
fn product<R: Real>(x: &[R], w: Rhs<R>, epilogue: Option<Epilogue<R>>, y: &mut [R]) {
    let (rows, depth) = (y.len() / w.columns, w.depth);
    let mut y = columns_of(y, rows, w.columns, 0, w.columns);
    let mut multiply_all = |x: &[R], layout| {
        phase::multiply(|| {
            for start in (0..depth).step_by(DEPTH) {
                let end = depth.min(start + DEPTH);
                let runs = [Run { start, depth: end - start }];
                let finish = epilogue.filter(|_| end == depth).map(|epilogue| epilogue.split().0);
                let x = Lhs::matrix(x, rows, layout, &runs);
                multiply(x, w.depths(start..end), y.view_mut(), start > 0, finish);
            }
        });
    };
    if depth.is_multiple_of(ALIAS) {
        R::with_scratch(packed_a_len(rows, depth), |scratch| {
            let layout = phase::pack(|| pack_a(pixels(x, depth), scratch));
            multiply_all(scratch, layout);
        });
    } else {
        multiply_all(x, Layout::Rows(depth));
    }
}

fn pixels<R>(x: &[R], channels: usize) -> ArrayView2<'_, R> {
    ArrayView2::from_shape((x.len() / channels, channels), x).expect("whole pixels")
}
