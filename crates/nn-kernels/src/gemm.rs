//! Matrix product on strided views.
//!
//! The products of blocks are those of `ndarray`, which computes them with the `matrixmultiply` crate.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use crate::Real;

/// What happens to the values that an output holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// They are overwritten; they may be anything, NaN included.
    Assign,
    /// The result is added to them.
    Add,
}

/// Rows and columns of the blocks into which the output is cut for the threads.
///
/// 256 x 256 `f32` are 256 KiB, a quarter of a typical second-level cache; the depth `k` is never cut, so each
/// element of the output is one sum in one fixed order.
const BLOCK: usize = 256;

/// `C = A·B` or `C += A·B`, on all threads.
///
/// A transposed operand is a view with swapped strides (`a.t()`); nothing is copied.
///
/// # Shapes
/// `a`: `[m, k]`, `b`: `[k, n]`, `c`: `[m, n]`. Cost: `2·m·n·k` FLOPs.
///
/// # Panics
/// If the shapes do not match.
pub fn gemm<R: Real>(a: ArrayView2<R>, b: ArrayView2<R>, mut c: ArrayViewMut2<R>, update: Update) {
    check_shapes(a.dim(), b.dim(), c.dim());
    let mut blocks = Vec::new();
    for (i, rows) in c.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate() {
        for (j, block) in column_blocks(rows, BLOCK).into_iter().enumerate() {
            blocks.push((i, j, block));
        }
    }
    blocks.into_par_iter().for_each(|(i, j, block)| {
        let (rows, columns) = block.dim();
        let a = a.slice(ndarray::s![i * BLOCK..i * BLOCK + rows, ..]);
        let b = b.slice(ndarray::s![.., j * BLOCK..j * BLOCK + columns]);
        gemm_block(a, b, block, update);
    });
}

/// [`gemm`] on the calling thread alone: for use inside work that is already divided among threads.
pub fn gemm_block<R: Real>(a: ArrayView2<R>, b: ArrayView2<R>, mut c: ArrayViewMut2<R>, update: Update) {
    check_shapes(a.dim(), b.dim(), c.dim());
    let beta = match update {
        Update::Assign => R::zero(),
        Update::Add => R::one(),
    };
    general_mat_mul(R::one(), &a, &b, beta, &mut c);
}

#[track_caller]
fn check_shapes(a: (usize, usize), b: (usize, usize), c: (usize, usize)) {
    assert!(a.1 == b.0 && (a.0, b.1) == c, "gemm: {a:?} · {b:?} does not give {c:?}");
}

/// Cuts a matrix into blocks of `width` columns; the last may be narrower.
fn column_blocks<R>(mut matrix: ArrayViewMut2<R>, width: usize) -> Vec<ArrayViewMut2<R>> {
    let mut blocks = Vec::new();
    while matrix.ncols() > width {
        let (block, rest) = matrix.split_at(Axis(1), width);
        blocks.push(block);
        matrix = rest;
    }
    blocks.push(matrix);
    blocks
}
