//! Convolution as a matrix product.
//!
//! Each output pixel sees a *patch* of the input. Writing the patches as rows of a **column matrix** turns
//! convolution into GEMM, in all three directions (`k = kh·kw·in_c`, one row per output pixel):
//!
//! ```text
//! output       y  [rows, out_c]  = col [rows, k]    · w  [k, out_c]
//! grad_weight  dw [k, out_c]    += col^T [k, rows]  · dy [rows, out_c]
//! grad_input   dcol [rows, k]    = dy [rows, out_c] · w^T [out_c, k],   dx = col2im(dcol)
//! ```
//!
//! [`col2im`] adds each patch back to the pixels it was copied from; it is the adjoint of [`im2col`]. With
//! groups, each group of channels is a product of its own.
//!
//! Rows are counted in *lines*, one line being one row of output pixels of one image, and only a block of
//! lines exists as a column matrix at a time.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2, s};

use super::{ConvGeometry, Direction};
use crate::gemm::micro::Run;
use crate::gemm::multiply::{Layout, Lhs, Rhs, multiply, packed_len};
use crate::gemm::pack::pack_b;
use crate::parallel::{for_each_chunk, part_of, sum_parts};
use crate::simd::VectorShape;
use crate::{Epilogue, Real, check_len, phase};

/// Size that a block of the column matrix should not exceed: half of a typical second-level cache, so that
/// the patches are still there when the GEMM reads them.
const COLUMN_BYTES: usize = 512 * 1024;

/// Images whose input gradient one thread computes at a time hold at least this many output pixels, so that
/// the GEMM of a small map does not degenerate to single rows.
const GRAD_INPUT_PIXELS: usize = 256;

/// Parts into which the sum of the weight gradient is divided.
const GRAD_WEIGHT_PARTS: usize = 16;

/// Elements of the packed weights of all groups.
pub(super) fn prepared_len<R: Real>(g: &ConvGeometry, direction: Direction) -> usize {
    g.groups * packed_group_len::<R>(g, direction)
}

/// Depth and columns of the right operand of one group's product.
fn weight_dim(g: &ConvGeometry, direction: Direction) -> (usize, usize) {
    let (k, columns) = (g.patch_len(), g.out_c / g.groups);
    if direction == Direction::GradInput { (columns, k) } else { (k, columns) }
}

fn packed_group_len<R: Real>(g: &ConvGeometry, direction: Direction) -> usize {
    let (depth, columns) = weight_dim(g, direction);
    packed_len(VectorShape::current::<R>(), depth, columns)
}

/// Packs `w`, for `grad_input` its transpose, as the right operand of the product, group by group.
pub(super) fn prepare<R: Real>(g: &ConvGeometry, direction: Direction, w: &[R], packed: &mut [R]) {
    let w = ArrayView2::from_shape((g.patch_len(), g.out_c), w).expect("length checked by the caller");
    let columns = g.out_c / g.groups;
    let groups = packed.chunks_exact_mut(packed_group_len::<R>(g, direction)).enumerate();
    for (group, to) in groups {
        let w = w.slice(s![.., group * columns..(group + 1) * columns]);
        let w = if direction == Direction::GradInput { w.reversed_axes() } else { w };
        pack_b(VectorShape::current::<R>(), w, to);
    }
}

/// The right operand of one group's product, from what [`prepare`] has packed.
pub(super) fn group_weight<'a, R: Real>(
    g: &ConvGeometry,
    direction: Direction,
    packed: &'a [R],
    group: usize,
) -> Rhs<'a, R> {
    let len = packed_group_len::<R>(g, direction);
    let (depth, columns) = weight_dim(g, direction);
    Rhs::packed(VectorShape::current::<R>(), &packed[group * len..][..len], depth, columns)
}

pub(super) fn output<R: Real>(g: &ConvGeometry, x: &[R], packed: &[R], epilogue: Epilogue<R>, y: &mut [R]) {
    let (k, columns) = (g.patch_len(), g.out_c / g.groups);
    let lines = lines_per_block::<R>(g);
    let line_len = g.out_w * g.out_c;
    for_each_chunk(y, lines * line_len, |i, y| {
        let block = i * lines..i * lines + y.len() / line_len;
        let rows = block.len() * g.out_w;
        R::with_scratch(rows * k, |col| {
            for group in 0..g.groups {
                phase::pack(|| im2col(g, group, x, block.clone(), col));
                // y [rows, out_c/groups] = col [rows, k] · w [k, out_c/groups]
                let runs = [Run { start: 0, depth: k }];
                let col = Lhs::matrix(col, rows, Layout::Rows(k), &runs);
                let w = group_weight(g, Direction::Output, packed, group);
                let y = columns_of(y, rows, g.out_c, group * columns, columns);
                let finish = epilogue.of_channels(group * columns..(group + 1) * columns).split().0;
                phase::multiply(|| multiply(col, w, y, false, Some(finish)));
            }
        });
        epilogue.split().1.apply_block(y);
    });
}

pub(super) fn grad_input<R: Real>(g: &ConvGeometry, dy: &[R], packed: &[R], dx: &mut [R]) {
    let (k, depth) = (g.patch_len(), g.out_c / g.groups);
    let block = lines_per_block::<R>(g);
    let images = GRAD_INPUT_PIXELS.div_ceil(g.out_h * g.out_w);
    // Patches overlap, so the lines of one image are added up by one thread, in order.
    for_each_chunk(dx, images.saturating_mul(g.input_len()), |i, dx| {
        dx.fill(R::ZERO);
        let images_here = dx.len() / g.input_len();
        let dy = &dy[i * images * g.output_len()..][..images_here * g.output_len()];
        let all_lines = images_here * g.out_h;
        for start in (0..all_lines).step_by(block) {
            let lines = start..all_lines.min(start + block);
            let dy = output_lines(g, dy, &lines);
            let rows = lines.len() * g.out_w;
            R::with_scratch(rows * k, |dcol| {
                for group in 0..g.groups {
                    // dcol [rows, k] = dy [rows, out_c/groups] · w^T [out_c/groups, k]
                    let runs = [Run { start: group * depth, depth }];
                    let dy = Lhs::matrix(dy, rows, Layout::Rows(g.out_c), &runs);
                    let w = group_weight(g, Direction::GradInput, packed, group);
                    phase::multiply(|| multiply(dy, w, columns_of(dcol, rows, k, 0, k), false, None));
                    phase::unpack(|| col2im(g, group, dcol, lines.clone(), dx));
                }
            });
        }
    });
}

pub(super) fn grad_weight<R: Real>(g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
    let (shape, k, columns) = (VectorShape::current::<R>(), g.patch_len(), g.out_c / g.groups);
    let block = lines_per_block::<R>(g);
    let all_lines = dy.len() / (g.out_w * g.out_c);
    let parts = all_lines.div_ceil(block).min(GRAD_WEIGHT_PARTS);
    // The right operand is dy where it lies if its rows are whole vectors, otherwise a packed copy.
    let in_place = g.groups == 1 && g.out_c % shape.lanes == 0;
    sum_parts(dw, parts, |part, dw| {
        let part = part_of(all_lines, parts, part);
        for start in part.clone().step_by(block) {
            let lines = start..part.end.min(start + block);
            let dy = output_lines(g, dy, &lines);
            let rows = lines.len() * g.out_w;
            let packed = if in_place { 0 } else { packed_len(shape, rows, columns) };
            R::with_scratch(rows * k + packed, |scratch| {
                let (col, packed_dy) = scratch.split_at_mut(rows * k);
                for group in 0..g.groups {
                    phase::pack(|| {
                        im2col(g, group, x, lines.clone(), col);
                        if !in_place {
                            let dy = ArrayView2::from_shape((rows, g.out_c), dy).expect("rows of out_c");
                            pack_b(
                                shape,
                                dy.slice(s![.., group * columns..(group + 1) * columns]),
                                packed_dy,
                            );
                        }
                    });
                    // dw [k, out_c/groups] += col^T [k, rows] · dy [rows, out_c/groups]
                    let runs = [Run { start: 0, depth: rows }];
                    let col = Lhs::matrix(col, k, Layout::Depths(k), &runs);
                    let dy = if in_place {
                        Rhs::rows(shape, dy, rows, columns)
                    } else {
                        Rhs::packed(shape, packed_dy, rows, columns)
                    };
                    let dw = columns_of(dw, k, g.out_c, group * columns, columns);
                    phase::multiply(|| multiply(col, dy, dw, true, None));
                }
            });
        }
    });
}

/// Copies the patches of `lines` into `col`, one row per output pixel; taps outside the input give zeros.
///
/// # Shapes
/// `x`: `[n, in_h, in_w, in_c]`, `col`: `[lines·out_w, kh·kw·(in_c / groups)]`. A line is one row of output
/// pixels; line `l` belongs to image `l / out_h`.
pub fn im2col<R: Real>(g: &ConvGeometry, group: usize, x: &[R], lines: Range<usize>, col: &mut [R]) {
    check_len("col", col, lines.len() * g.out_w * g.patch_len());
    let group_c = g.in_c / g.groups;
    for_each_stretch(g, group, lines, |at, stretch| match stretch {
        Stretch::Padding { len } => col[at..at + len].fill(R::ZERO),
        Stretch::Input { start, pixels } => {
            if g.groups == 1 {
                col[at..at + pixels * group_c].copy_from_slice(&x[start..start + pixels * group_c]);
            } else {
                for pixel in 0..pixels {
                    let from = start + pixel * g.in_c;
                    let to = at + pixel * group_c;
                    col[to..to + group_c].copy_from_slice(&x[from..from + group_c]);
                }
            }
        }
    });
}

/// Adds the patches in `col` to the pixels of `dx` that [`im2col`] copies them from: its adjoint.
///
/// # Shapes
/// As [`im2col`], with `dx` in the place of `x`.
pub fn col2im<R: Real>(g: &ConvGeometry, group: usize, col: &[R], lines: Range<usize>, dx: &mut [R]) {
    check_len("col", col, lines.len() * g.out_w * g.patch_len());
    let group_c = g.in_c / g.groups;
    for_each_stretch(g, group, lines, |at, stretch| {
        if let Stretch::Input { start, pixels } = stretch {
            for pixel in 0..pixels {
                let to = &mut dx[start + pixel * g.in_c..][..group_c];
                for (sum, &value) in to.iter_mut().zip(&col[at + pixel * group_c..][..group_c]) {
                    *sum += value;
                }
            }
        }
    });
}

/// A stretch of one patch's row that is contiguous in the column matrix.
enum Stretch {
    /// `len` elements that lie outside the input.
    Padding { len: usize },
    /// `pixels` neighbouring input pixels, the first element of the first at `start`.
    Input { start: usize, pixels: usize },
}

/// Visits every patch of `lines` in stretches; the first argument of `visit` is its place in the column matrix.
fn for_each_stretch(
    g: &ConvGeometry,
    group: usize,
    lines: Range<usize>,
    mut visit: impl FnMut(usize, Stretch),
) {
    let group_c = g.in_c / g.groups;
    let mut at = 0;
    for line in lines {
        let (image, oh) = (line / g.out_h, line % g.out_h);
        for ow in 0..g.out_w {
            for kh in 0..g.kh {
                let ih = (oh * g.stride_h + kh * g.dilation_h).wrapping_sub(g.pad_top);
                if ih >= g.in_h {
                    // Above (wrapped) or below the input.
                    visit(at, Stretch::Padding { len: g.kw * group_c });
                    at += g.kw * group_c;
                    continue;
                }
                let row = (image * g.in_h + ih) * g.in_w;
                // Position of tap kw; negative numbers wrap to huge ones, which are outside as well.
                let column = |kw: usize| (ow * g.stride_w + kw * g.dilation_w).wrapping_sub(g.pad_left);
                if g.dilation_w == 1 && column(0) < g.in_w && column(g.kw - 1) < g.in_w {
                    let start = (row + column(0)) * g.in_c + group * group_c;
                    visit(at, Stretch::Input { start, pixels: g.kw });
                    at += g.kw * group_c;
                    continue;
                }
                for kw in 0..g.kw {
                    let iw = column(kw);
                    if iw < g.in_w {
                        let start = (row + iw) * g.in_c + group * group_c;
                        visit(at, Stretch::Input { start, pixels: 1 });
                    } else {
                        visit(at, Stretch::Padding { len: group_c });
                    }
                    at += group_c;
                }
            }
        }
    }
}

fn lines_per_block<R>(g: &ConvGeometry) -> usize {
    let line_bytes = g.out_w * g.patch_len() * size_of::<R>();
    (COLUMN_BYTES / line_bytes).max(1)
}

/// The output pixels of `lines`.
fn output_lines<'a, R>(g: &ConvGeometry, y: &'a [R], lines: &Range<usize>) -> &'a [R] {
    let line_len = g.out_w * g.out_c;
    &y[lines.start * line_len..lines.end * line_len]
}

/// Some columns of a row-major matrix.
pub(super) fn columns_of<R>(
    data: &mut [R],
    rows: usize,
    row_len: usize,
    first: usize,
    columns: usize,
) -> ArrayViewMut2<'_, R> {
    let matrix = ArrayViewMut2::from_shape((rows, row_len), data).expect("as many rows");
    matrix.slice_move(s![.., first..first + columns])
}
