//! Products of operands that lie ready in memory: the loop over register tiles, with all bounds checked.

use ndarray::ArrayViewMut2;

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
    if a.lines > 0 && a.rows > 0 && b.columns > 0 {
        dispatch(Product { a, b, c, add, finish });
    }
}

struct Product<'a, R> {
    a: Lhs<'a, R>,
    b: Rhs<'a, R>,
    c: ArrayViewMut2<'a, R>,
    add: bool,
    finish: Option<Finish<'a, R>>,
}

impl<R: Real> Kernel<R> for Product<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { a, b, mut c, add, finish } = self;
        check::<R, S>(&a, &b, &c, finish);
        let c_stride = c.strides()[0];
        let c = c.as_mut_ptr();
        let tiles = a.rows.div_ceil(S::TILE_ROWS);
        let panels = b.columns.div_ceil(b.width);
        let (a_stride, row, depth_major) = match a.layout {
            Layout::Rows(stride) => (stride, stride, false),
            Layout::Depths(stride) => (stride, 1, true),
        };
        for panel in 0..panels {
            let column = panel * b.width;
            let columns = b.width.min(b.columns - column);
            let vectors = columns.div_ceil(S::LANES);
            for line in 0..a.lines {
                for tile in 0..tiles {
                    // Rows are spread evenly: 16 of them are 8 and 8, not 14 and 2.
                    let (first, end) = (tile * a.rows / tiles, (tile + 1) * a.rows / tiles);
                    // SAFETY: `check` has seen that every row, panel and column lies inside its array.
                    unsafe {
                        simd.tile(
                            end - first,
                            vectors,
                            &Tile {
                                a: a.data.as_ptr().add(line * a.line_stride + first * row),
                                runs: a.runs,
                                a_stride,
                                depth_major,
                                b: b.data.as_ptr().add(panel * b.panel_stride),
                                b_stride: b.step,
                                c: c.offset((line * a.rows + first) as isize * c_stride).add(column),
                                c_stride,
                                last_lanes: columns - (vectors - 1) * S::LANES,
                                add,
                                finish: finish.map(|f| Finish {
                                    bias: f.bias.map(|bias| &bias[column..column + columns]),
                                    ..f
                                }),
                            },
                        );
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn check<R: Real, S: Simd<R>>(a: &Lhs<R>, b: &Rhs<R>, c: &ArrayViewMut2<R>, finish: Option<Finish<R>>) {
    let mut depth = 0;
    for run in a.runs {
        depth += run.depth;
        let end = (a.lines - 1) * a.line_stride
            + match a.layout {
                _ if run.depth == 0 => 0,
                Layout::Rows(stride) => run.start + (a.rows - 1) * stride + run.depth,
                Layout::Depths(stride) => run.start + (run.depth - 1) * stride + a.rows,
            };
        assert!(end <= a.data.len(), "A: a run ends at {end}, there are {} elements", a.data.len());
    }
    assert_eq!(depth, b.depth, "depths of A and B differ");
    assert!(b.width % S::LANES == 0 && b.width / S::LANES <= S::TILE_VECTORS, "panels are not whole vectors");
    let last = (b.columns - 1) / b.width;
    let vectors = (b.columns - last * b.width).next_multiple_of(S::LANES);
    if depth > 0 {
        let end = last * b.panel_stride + (depth - 1) * b.step + vectors;
        assert!(end <= b.data.len(), "B ends at {end}, there are {} elements", b.data.len());
        // Inner panels are full: they may be wider than the last one.
        let end = last.saturating_sub(1) * b.panel_stride + (depth - 1) * b.step + b.width;
        assert!(last == 0 || end <= b.data.len(), "B ends at {end}, there are {} elements", b.data.len());
    }
    assert_eq!(c.dim(), (a.lines * a.rows, b.columns), "shape of C");
    assert!(b.columns == 1 || c.strides()[1] == 1, "rows of C are not contiguous");
    if let Some(bias) = finish.and_then(|f| f.bias) {
        check_len("bias", bias, b.columns);
    }
}
