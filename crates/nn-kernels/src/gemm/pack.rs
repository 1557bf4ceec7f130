//! Copying blocks of matrices into the layouts that register tiles read.

use ndarray::ArrayView2;

use super::multiply::{Layout, packed_width};
use crate::Real;
use crate::simd::VectorShape;

/// Distance added to the rows of packed blocks of `A`. Rows at a multiple of 4 KiB would all compete for the same
/// few lines of the first-level cache.
const ROW_GAP: usize = 16;

/// Elements that [`pack_a`] needs for a block.
pub(crate) fn packed_a_len(rows: usize, depth: usize) -> usize {
    (depth + ROW_GAP) * rows
}

/// Copies a block of `A` and says how it lies: along the direction in which it was contiguous.
pub(crate) fn pack_a<R: Real>(a: ArrayView2<R>, to: &mut [R]) -> Layout {
    let (rows, depth) = a.dim();
    if a.strides()[0] == 1 && rows > 1 {
        for (step, to) in a.columns().into_iter().zip(to.chunks_mut(rows)) {
            to.copy_from_slice(step.to_slice().expect("stride 1"));
        }
        return Layout::Depths(rows);
    }
    let stride = depth + ROW_GAP;
    for (row, to) in a.rows().into_iter().zip(to.chunks_mut(stride)) {
        match row.to_slice() {
            Some(row) => to[..depth].copy_from_slice(row),
            None => to.iter_mut().zip(row).for_each(|(to, &from)| *to = from),
        }
    }
    Layout::Rows(stride)
}

/// Copies a block of `B` into panels of [`packed_width`] columns, one after the other, each with its steps of the
/// depth one after the other; missing columns are zero.
pub(crate) fn pack_b<R: Real>(shape: VectorShape, b: ArrayView2<R>, to: &mut [R]) {
    let (depth, columns) = b.dim();
    let width = packed_width(shape, columns);
    for (panel, to) in to.chunks_mut(depth * width).take(columns.div_ceil(width)).enumerate() {
        let first = panel * width;
        let here = width.min(columns - first);
        let panel = b.slice(ndarray::s![.., first..first + here]);
        if b.strides()[0] == 1 && depth > 1 {
            transpose(panel, to, width);
            continue;
        }
        for (step, to) in panel.rows().into_iter().zip(to.chunks_exact_mut(width)) {
            match step.to_slice() {
                Some(step) => to[..here].copy_from_slice(step),
                None => to.iter_mut().zip(step).for_each(|(to, &from)| *to = from),
            }
            to[here..].fill(R::ZERO);
        }
    }
}

/// A panel whose columns are contiguous: read column by column in short pieces, so that what is written stays in
/// the first-level cache.
fn transpose<R: Real>(panel: ArrayView2<R>, to: &mut [R], width: usize) {
    const PIECE: usize = 64;
    let depth = panel.nrows();
    for start in (0..depth).step_by(PIECE) {
        let end = depth.min(start + PIECE);
        for (c, column) in panel.columns().into_iter().enumerate() {
            let column = &column.to_slice().expect("stride 1")[start..end];
            for (i, &value) in column.iter().enumerate() {
                to[(start + i) * width + c] = value;
            }
        }
        for step in to[start * width..end * width].chunks_exact_mut(width) {
            step[panel.ncols()..].fill(R::ZERO);
        }
    }
}
