//! Matrix product on strided views, after Goto & van de Geijn (2008) and BLIS (Van Zee & van de Geijn, 2015).
//!
//! Five loops around a register tile (`micro`) keep each operand in the cache where it is used again:
//!
//! ```text
//! for blocks of COLUMNS columns of B and C
//!   for blocks of DEPTH of the depth          pack B's block [DEPTH, COLUMNS]      third-level cache
//!     for blocks of ROWS rows of A and C      pack A's block [ROWS, DEPTH]         second-level cache
//!       for panels of B                       [DEPTH, tile columns]                second-level cache
//!         for tiles of rows                   sums                                 registers
//! ```
//!
//! On a common x86-64 server core a block of `A` (`224·512·4` = 448 KiB) and a panel of `B` (`512·32·4` = 64 KiB) lie in
//! the 1 MiB second-level cache. A tile reads 28 KiB of the one and all of the other while it computes for `14·512` cycles
//! or more: 13 bytes a cycle, of the 64 that this cache can give. At half the depth a panel of `B` would stay in the
//! first level, but `C` would be read and written twice as often: 2048x2048x2048 was a tenth slower.
//!
//! Each element of `C` is one sum along the depth in order, whatever the blocks: the first block of the depth
//! starts from zero (or from `C`), the next ones from what the one before has stored. So results are the same
//! bits for every number of threads, and `gemm` may cut `C` to suit them.

pub(crate) mod micro;
pub(crate) mod multiply;
pub(crate) mod pack;
#[cfg(test)]
mod tests;

use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

use crate::simd::VectorShape;
use crate::{Real, parallel, phase};
use micro::Run;
use multiply::{Layout, Lhs, Rhs, multiply, packed_len};
use pack::{pack_a, pack_b, packed_a_len};

const COLUMNS: usize = 2048;
const DEPTH: usize = 512;
const ROWS: usize = 224;

/// With at most so many columns, `A` is read where it lies, over a depth at which a panel of `B` is at most half
/// of a second-level cache.
const NARROW: usize = 64;
const NARROW_DEPTH: usize = 4096;

/// What happens to the values that an output holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// They are overwritten; they may be anything, NaN included.
    Assign,
    /// The result is added to them.
    Add,
}

/// Multiply-adds below which a product is not worth a second thread.
const WORTH_A_THREAD: usize = 64 * 64 * 64;

/// `C = A·B` or `C += A·B`, on all threads.
///
/// A transposed operand is a view with swapped strides (`a.t()`).
///
/// # Shapes
/// `a`: `[m, k]`, `b`: `[k, n]`, `c`: `[m, n]`. Cost: `2·m·n·k` FLOPs. A `c` with contiguous rows or columns is
/// written in place, any other through a copy.
///
/// # Panics
/// If the shapes do not match.
pub fn gemm<R: Real>(a: ArrayView2<R>, b: ArrayView2<R>, c: ArrayViewMut2<R>, update: Update) {
    check_shapes(a.dim(), b.dim(), c.dim());
    let (m, n) = c.dim();
    let work = m.saturating_mul(n).saturating_mul(a.ncols());
    let (down, across) = grid(m, n, (work / WORTH_A_THREAD).clamp(1, parallel::threads()));
    let blocks: Vec<_> = cut(c, Axis(0), down)
        .into_iter()
        .enumerate()
        .flat_map(|(i, rows)| cut(rows, Axis(1), across).into_iter().enumerate().map(move |(j, c)| (i, j, c)))
        .collect();
    parallel::for_each(blocks, |(i, j, c)| {
        let rows = parallel::part_of(m, down, i);
        let columns = parallel::part_of(n, across, j);
        gemm_block(a.slice(s![rows, ..]), b.slice(s![.., columns]), c, update);
    });
}

/// [`gemm`] on the calling thread alone: for use inside work that is already divided among threads.
///
/// # Panics
/// As [`gemm`].
pub fn gemm_block<R: Real>(a: ArrayView2<R>, b: ArrayView2<R>, mut c: ArrayViewMut2<R>, update: Update) {
    check_shapes(a.dim(), b.dim(), c.dim());
    if c.is_empty() {
        return;
    }
    if c.ncols() == 1 || c.strides()[1] == 1 {
        R::gemm_block(a, b, c, update);
    } else if c.nrows() == 1 || c.strides()[0] == 1 {
        // C^T = B^T·A^T
        R::gemm_block(b.reversed_axes(), a.reversed_axes(), c.reversed_axes(), update);
    } else {
        R::with_scratch(c.len(), |scratch| {
            let mut rows = ArrayViewMut2::from_shape(c.dim(), scratch).expect("as many elements");
            rows.assign(&c);
            R::gemm_block(a, b, rows.view_mut(), update);
            c.assign(&rows);
        });
    }
}

pub(crate) fn gemm_block_of<R: Real>(
    a: ArrayView2<R>,
    b: ArrayView2<R>,
    mut c: ArrayViewMut2<R>,
    update: Update,
) {
    let shape = VectorShape::current::<R>();
    let (m, n) = c.dim();
    let k = a.ncols();
    if k == 0 && update == Update::Assign {
        c.fill(R::ZERO);
    }
    // With few columns, packing `A` would cost about as much as multiplying it.
    let narrow = n <= NARROW && a.is_standard_layout();
    let (row_block, depth_block) = if narrow { (m, NARROW_DEPTH) } else { (ROWS, DEPTH) };
    let b_len = packed_len(shape, depth_block.min(k), COLUMNS.min(n));
    let a_len = if narrow { 0 } else { packed_a_len(ROWS.min(m), DEPTH.min(k)) };
    R::with_scratch(a_len + b_len, |scratch| {
        let (packed_b, packed_a) = scratch.split_at_mut(b_len);
        for column in (0..n).step_by(COLUMNS) {
            let columns = column..n.min(column + COLUMNS);
            for depth in (0..k).step_by(depth_block) {
                let depths = depth..k.min(depth + depth_block);
                let b_block = b.slice(s![depths.clone(), columns.clone()]);
                phase::pack(|| pack_b(shape, b_block, packed_b));
                let rhs = Rhs::packed(shape, packed_b, depths.len(), columns.len());
                for row in (0..m).step_by(row_block) {
                    let rows = row..m.min(row + row_block);
                    let (data, layout, start) = match a.as_slice() {
                        Some(a) if narrow => (a, Layout::Rows(k), depth),
                        _ => {
                            let block = a.slice(s![rows.clone(), depths.clone()]);
                            let layout = phase::pack(|| pack_a(block, packed_a));
                            (&*packed_a, layout, 0)
                        }
                    };
                    let runs = [Run { start, depth: depths.len() }];
                    let lhs = Lhs::matrix(data, rows.len(), layout, &runs);
                    let c = c.slice_mut(s![rows, columns.clone()]);
                    let add = update == Update::Add || depth > 0;
                    phase::multiply(|| multiply(lhs, rhs, c, add, None));
                }
            }
        }
    });
}

#[track_caller]
fn check_shapes(a: (usize, usize), b: (usize, usize), c: (usize, usize)) {
    assert!(a.1 == b.0 && (a.0, b.1) == c, "gemm: {a:?} · {b:?} does not give {c:?}");
}

/// How many blocks down and across give at least `parts` blocks of `C` as square as can be: each packs its own
/// rows of `A` and columns of `B`.
fn grid(m: usize, n: usize, parts: usize) -> (usize, usize) {
    let cost = |&(down, across): &(usize, usize)| m.div_ceil(down) + n.div_ceil(across);
    (1..=parts).map(|down| (down, parts.div_ceil(down))).min_by_key(cost).expect("at least one")
}

/// Cuts a matrix into at most `parts` blocks along an axis, as [`parallel::part_of`] does.
fn cut<R>(mut matrix: ArrayViewMut2<R>, axis: Axis, parts: usize) -> Vec<ArrayViewMut2<R>> {
    let len = matrix.len_of(axis);
    let mut blocks = Vec::with_capacity(parts);
    for i in 0..parts {
        let (block, rest) = matrix.split_at(axis, parallel::part_of(len, parts, i).len());
        blocks.push(block);
        matrix = rest;
    }
    blocks
}
