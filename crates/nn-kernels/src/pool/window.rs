//! The walk over the windows, which all poolings share.

use super::PoolGeometry;
use crate::Real;
use crate::simd::Simd;

/// The part of one output pixel's window that lies inside the image, seen by one vector of channels.
pub(super) struct Window {
    /// Rows of the part.
    pub rows: usize,
    /// Columns of the part.
    pub columns: usize,
    /// Channels: as many as a vector has lanes, or the remaining ones.
    pub lanes: usize,
    /// First channel of the output pixel.
    pub output: usize,
    /// The same channel of the part's first input pixel.
    input: usize,
    /// The first tap, counted row by row over the whole window.
    first_tap: usize,
    /// Distance of rows, in elements of the input and in taps.
    row: (usize, usize),
    /// Distance of columns, in elements of the input.
    column: usize,
}

impl Window {
    /// The elements of `x` under one tap of the part.
    ///
    /// # Safety
    /// `x` holds an input image.
    #[inline(always)]
    pub unsafe fn load<R, S: Simd<R>>(&self, simd: S, x: &[R], (row, column): (usize, usize)) -> S::V {
        // SAFETY: these elements lie inside the image.
        unsafe { simd.load_part_ptr(x.as_ptr().add(self.input(row, column)), self.lanes) }
    }

    /// Writes to the elements of `dx` under one tap of the part, or adds to them (`ADD`).
    ///
    /// # Safety
    /// `dx` holds an input image.
    #[inline(always)]
    pub unsafe fn put<R, S, const ADD: bool>(
        &self,
        simd: S,
        dx: &mut [R],
        (row, column): (usize, usize),
        value: S::V,
    ) where
        S: Simd<R>,
    {
        // SAFETY: these elements lie inside the image.
        unsafe {
            let dx = dx.as_mut_ptr().add(self.input(row, column));
            let value = if ADD { simd.add(simd.load_part_ptr(dx, self.lanes), value) } else { value };
            simd.store_part_ptr(value, dx, self.lanes);
        }
    }

    /// First channel of the input pixel under one tap of the part.
    #[inline(always)]
    fn input(&self, row: usize, column: usize) -> usize {
        self.input + row * self.row.0 + column * self.column
    }

    /// Taps of the part, as an element of type `R`.
    #[inline(always)]
    pub fn count<R: Real>(&self) -> R {
        R::of((self.rows * self.columns) as f64)
    }

    /// This tap's place in the whole window, as an element of type `R`.
    #[inline(always)]
    pub fn place<R: Real>(&self, row: usize, column: usize) -> R {
        R::of((self.first_tap + row * self.row.1 + column) as f64)
    }
}

/// What is done with each window.
pub(super) trait Pooling<R> {
    /// Handles one window; implement with `#[inline(always)]`.
    ///
    /// # Safety
    /// The arrays hold an image of the geometry that the window belongs to.
    unsafe fn window<S: Simd<R>>(&mut self, simd: S, window: Window);
}

/// Hands every window of one image to `pooling`: the `lanes` elements from its `output` on lie inside the output image,
/// and those under its taps inside the input image.
///
/// # Safety
/// The arrays of `pooling` hold an image of `g`.
#[inline(always)]
pub(super) unsafe fn for_each_window<R: Real, S: Simd<R>>(
    simd: S,
    g: &PoolGeometry,
    pooling: &mut impl Pooling<R>,
) {
    let row = (g.in_w * g.channels, g.window_w);
    for oh in 0..g.out_h {
        let rows = g.rows_inside(oh);
        let top = (oh * g.stride_h + rows.start - g.pad_top) * row.0;
        for ow in 0..g.out_w {
            let columns = g.columns_inside(ow);
            let window = Window {
                rows: rows.len(),
                columns: columns.len(),
                lanes: S::LANES,
                output: (oh * g.out_w + ow) * g.channels,
                input: top + (ow * g.stride_w + columns.start - g.pad_left) * g.channels,
                first_tap: rows.start * g.window_w + columns.start,
                row,
                column: g.channels,
            };
            // SAFETY: the caller's contract.
            unsafe {
                // The most common size is compiled on its own, without loops over taps.
                if (window.rows, window.columns) == (2, 2) {
                    for_each_vector(simd, g.channels, Window { rows: 2, columns: 2, ..window }, pooling);
                } else {
                    for_each_vector(simd, g.channels, window, pooling);
                }
            }
        }
    }
}

/// Hands the window over all `channels` to `pooling`, of which `first` is the first vector.
///
/// # Safety
/// As [`Pooling::window`].
#[inline(always)]
unsafe fn for_each_vector<R: Real, S: Simd<R>>(
    simd: S,
    channels: usize,
    first: Window,
    pooling: &mut impl Pooling<R>,
) {
    let at =
        |c: usize, lanes: usize| Window { output: first.output + c, input: first.input + c, lanes, ..first };
    let whole = channels / S::LANES * S::LANES;
    // SAFETY: the caller's contract.
    unsafe {
        for c in (0..whole).step_by(S::LANES) {
            pooling.window(simd, at(c, S::LANES));
        }
        if whole < channels {
            pooling.window(simd, at(whole, channels - whole));
        }
    }
}

/// Whether an input pixel can lie in several windows.
pub(super) fn overlap(g: &PoolGeometry) -> bool {
    g.stride_h < g.window_h || g.stride_w < g.window_w
}

/// Sets the pixels of one image to zero that lie in no window, and maybe others; windows must not
/// [`overlap`].
pub(super) fn clear_uncovered<R: Real>(g: &PoolGeometry, dx: &mut [R]) {
    if g.stride_h > g.window_h || g.stride_w > g.window_w {
        return dx.fill(R::ZERO);
    }
    let covered_h = (g.out_h * g.stride_h - g.pad_top).min(g.in_h);
    let covered_w = (g.out_w * g.stride_w - g.pad_left).min(g.in_w);
    let (covered, below) = dx.split_at_mut(covered_h * g.in_w * g.channels);
    if covered_w < g.in_w {
        for row in covered.chunks_exact_mut(g.in_w * g.channels) {
            row[covered_w * g.channels..].fill(R::ZERO);
        }
    }
    below.fill(R::ZERO);
}
