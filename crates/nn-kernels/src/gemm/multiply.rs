//! Products of operands that lie ready in memory: the loop over register tiles, with all bounds checked.

use std::ops::Range;

use ndarray::{ArrayViewMut2, ArrayViewMut3, Axis};

use super::micro::{Finish, Run, Tile};
use crate::isa::dispatch;
use crate::simd::{Kernel, Simd, VectorShape};
use crate::{Real, check_len};

/// `A`: lines of rows, whose elements lie next to each other in the runs of the depth.
///
/// The rows of a line are at a constant distance, and so are the lines. A plain matrix is one line; the patches of
/// an image are one line per row of output pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lhs<'a, R> {
    pub data: &'a [R],
    pub lines: usize,
    /// Distance of neighbouring lines.
    pub line_stride: usize,
    /// Rows of one line.
    pub rows: usize,
    pub layout: Layout,
    /// The depth, in stretches; `start` is the place of the first row in `data`.
    pub runs: &'a [Run],
}

impl<'a, R> Lhs<'a, R> {
    /// A single line.
    pub(crate) fn matrix(data: &'a [R], rows: usize, layout: Layout, runs: &'a [Run]) -> Self {
        Self { data, lines: 1, line_stride: 0, rows, layout, runs }
    }
}

/// How [`Lhs`] lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Rows at this distance, each contiguous along the depth.
    Rows(usize),
    /// Steps of the depth at this distance, each with its rows side by side.
    Depths(usize),
}

/// `B`: panels of columns, each with its steps of the depth at a constant distance.
///
/// Two layouts have this form: a row-major matrix (`panel_stride` is the panels' width and `step` the row
/// length), and panels that were packed one after the other. The last panel may have fewer columns, but whole
/// vectors can be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhs<'a, R> {
    pub data: &'a [R],
    pub depth: usize,
    pub columns: usize,
    pub width: usize,
    pub panel_stride: usize,
    pub step: usize,
}

impl<'a, R: Real> Rhs<'a, R> {
    /// A row-major matrix as it is, if its rows are whole vectors.
    pub(crate) fn rows(shape: VectorShape, data: &'a [R], depth: usize, columns: usize) -> Self {
        assert_eq!(columns % shape.lanes, 0, "rows are not whole vectors");
        let width = shape.tile_columns;
        Self { data, depth, columns, width, panel_stride: width, step: columns }
    }

    /// Some steps of the depth.
    pub(crate) fn depths(self, depths: Range<usize>) -> Self {
        Self { data: &self.data[depths.start * self.step..], depth: depths.len(), ..self }
    }

    /// Packed panels, see [`super::pack`].
    pub(crate) fn packed(shape: VectorShape, data: &'a [R], depth: usize, columns: usize) -> Self {
        let width = packed_width(shape, columns);
        Self { data, depth, columns, width, panel_stride: depth * width, step: width }
    }
}

/// Columns of a packed panel: those of the largest tile, or as many whole vectors as all columns fill.
pub(crate) fn packed_width(shape: VectorShape, columns: usize) -> usize {
    shape.tile_columns.min(columns.next_multiple_of(shape.lanes))
}

/// Elements that packed panels of a `depth x columns` matrix take.
pub(crate) fn packed_len(shape: VectorShape, depth: usize, columns: usize) -> usize {
    columns.next_multiple_of(packed_width(shape, columns)) * depth
}

/// `C = A·B` or `C += A·B`, then bias and limits if `finish` is given.
///
/// # Panics
/// If an operand's data are too short for what is described, the shapes do not match, or the rows of `c` are not
/// contiguous.
pub(crate) fn multiply<R: Real>(
    a: Lhs<R>,
    b: Rhs<R>,
    c: ArrayViewMut2<R>,
    add: bool,
    finish: Option<Finish<R>>,
) {
    multiply_each((a, 0), (b, 0), c.insert_axis(Axis(0)), add, finish);
}

/// [`multiply`] for each of several matrices `c`: `a` and `b` describe the first operands, and the data of the next
/// ones begin after the given number of elements.
pub(crate) fn multiply_each<R: Real>(
    (a, a_next): (Lhs<R>, usize),
    (b, b_next): (Rhs<R>, usize),
    c: ArrayViewMut3<R>,
    add: bool,
    finish: Option<Finish<R>>,
) {
    if !c.is_empty() {
        dispatch(Products { a, a_next, b, b_next, c, add, finish });
    }
}

struct Products<'a, R> {
    a: Lhs<'a, R>,
    a_next: usize,
    b: Rhs<'a, R>,
    b_next: usize,
    c: ArrayViewMut3<'a, R>,
    add: bool,
    finish: Option<Finish<'a, R>>,
}

impl<'a, R: Real> Kernel<R> for Products<'a, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        check::<R, S>(&self);
        let Self { a, a_next, b, b_next, mut c, add, finish } = self;
        let (count, c_next, c_stride) = (c.shape()[0], c.strides()[0], c.strides()[1]);
        let c = c.as_mut_ptr();
        let (a_stride, row_step, depth_major) = match a.layout {
            Layout::Rows(stride) => (stride, stride, false),
            Layout::Depths(stride) => (stride, 1, true),
        };
        let a_at = |i: usize, line: usize, row: usize| {
            a.data.as_ptr().wrapping_add(i * a_next + line * a.line_stride + row * row_step)
        };
        let b_at = |i: usize, panel: usize| b.data.as_ptr().wrapping_add(i * b_next + panel * b.panel_stride);
        let c_at = |i: usize, row: usize, column: usize| {
            c.wrapping_offset(i as isize * c_next + row as isize * c_stride).wrapping_add(column)
        };
        // Rows are spread evenly: 16 of them are 8 and 8, not 14 and 2.
        let tiles = a.rows.div_ceil(S::TILE_ROWS);
        let first_row = |tile: usize| tile * a.rows / tiles;
        for (i, panel) in
            (0..count).flat_map(|i| (0..b.columns.div_ceil(b.width)).map(move |panel| (i, panel)))
        {
            let column = panel * b.width;
            let columns = b.width.min(b.columns - column);
            let vectors = columns.div_ceil(S::LANES);
            let bias_here = |bias: &'a [R]| &bias[column..column + columns];
            let finish = finish.map(|finish| Finish { bias: finish.bias.map(bias_here), ..finish });
            for (line, tile) in (0..a.lines).flat_map(|line| (0..tiles).map(move |tile| (line, tile))) {
                let first = first_row(tile);
                let operands = Tile {
                    a: a_at(i, line, first),
                    runs: a.runs,
                    a_stride,
                    depth_major,
                    b: b_at(i, panel),
                    b_stride: b.step,
                    c: c_at(i, line * a.rows + first, column),
                    c_stride,
                    last_lanes: columns - (vectors - 1) * S::LANES,
                    add,
                    finish,
                };
                // SAFETY: `check` has seen that every row, panel and column lies inside its array.
                unsafe { simd.tile(first_row(tile + 1) - first, vectors, &operands) };
            }
        }
    }
}

#[inline(always)]
fn check<R: Real, S: Simd<R>>(products: &Products<R>) {
    let Products { a, b, c, finish, .. } = products;
    let (count, rows, columns) = c.dim();
    let (a_last, b_last) = ((count - 1) * products.a_next, (count - 1) * products.b_next);
    let mut depth = 0;
    for run in a.runs {
        depth += run.depth;
        let end = (a.lines - 1) * a.line_stride
            + match a.layout {
                _ if run.depth == 0 => 0,
                Layout::Rows(stride) => run.start + (a.rows - 1) * stride + run.depth,
                Layout::Depths(stride) => run.start + (run.depth - 1) * stride + a.rows,
            };
        let len = a.data.len();
        assert!(a_last + end <= len, "A: a run ends at {}, there are {len} elements", a_last + end);
    }
    assert_eq!(depth, b.depth, "depths of A and B differ");
    assert!(
        b.width.is_multiple_of(S::LANES) && b.width / S::LANES <= S::TILE_VECTORS,
        "panels are not whole vectors"
    );
    let last = (b.columns - 1) / b.width;
    let vectors = (b.columns - last * b.width).next_multiple_of(S::LANES);
    if depth > 0 {
        let end = b_last + last * b.panel_stride + (depth - 1) * b.step + vectors;
        assert!(end <= b.data.len(), "B ends at {end}, there are {} elements", b.data.len());
        // Inner panels are full: they may be wider than the last one.
        let end = b_last + last.saturating_sub(1) * b.panel_stride + (depth - 1) * b.step + b.width;
        assert!(last == 0 || end <= b.data.len(), "B ends at {end}, there are {} elements", b.data.len());
    }
    assert_eq!((rows, columns), (a.lines * a.rows, b.columns), "shape of C");
    assert!(columns == 1 || c.strides()[2] == 1, "rows of C are not contiguous");
    if let Some(bias) = finish.and_then(|f| f.bias) {
        check_len("bias", bias, b.columns);
    }
}
