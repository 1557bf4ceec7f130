//! Between images and planes: the two-dimensional transforms of tiles.
//!
//! A two-dimensional transform is the one-dimensional one applied to the columns of a tile and then to its rows,
//! with channels in the lanes. What belongs to one of the `n²` points is gathered in a *plane*, a matrix with one row
//! per tile:
//!
//! ```text
//! image [h, w, c]  ──tiles of n x n──►  planes [n², tiles, c]
//! ```

use std::ops::Range;

use ndarray::{ArrayViewMut3, ShapeBuilder};

use super::transform::{collect, data, data_transposed, evaluate};
use crate::Real;
use crate::gemm::micro::Finish;
use crate::simd::{Kernel, Simd, VectorShape};

/// `n²` matrices of `rows x columns`, each row padded to whole vectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes {
    /// Distance of neighbouring rows.
    pub row: usize,
    /// Distance of neighbouring planes.
    pub plane: usize,
}

impl Planes {
    /// Planes of at most `rows` rows.
    pub(super) fn new(shape: VectorShape, rows: usize, columns: usize) -> Self {
        let row = columns.next_multiple_of(shape.lanes);
        // A vector more: planes at a multiple of 4 KiB would all compete for the same lines of the cache.
        Self { row, plane: rows * row + shape.lanes }
    }

    /// Elements of `n²` planes.
    pub(super) fn len<const N: usize>(&self) -> usize {
        self.plane * N * N
    }

    /// The planes as matrices of `rows` and `columns`.
    pub(super) fn matrices<'a, R, const N: usize>(
        &self,
        data: &'a mut [R],
        rows: usize,
        columns: usize,
    ) -> ArrayViewMut3<'a, R> {
        let shape = (N * N, rows, columns).strides((self.plane, self.row, 1));
        ArrayViewMut3::from_shape(shape, data).expect("rows inside the planes")
    }
}

/// Images of which tiles are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Images {
    pub h: usize,
    pub w: usize,
    pub c: usize,
}

/// Where a tile lies: its image and its first row and column, which may be negative in the padding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    image: usize,
    top: isize,
    left: isize,
}

/// Tiles at distance `m` that cover an image, counted over all images.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    down: usize,
    across: usize,
    m: usize,
    pad_top: isize,
    pad_left: isize,
}

impl Grid {
    /// The tiles of `m x m` of an image of `h x w`.
    pub(super) fn new(h: usize, w: usize, m: usize) -> Self {
        Self { down: h.div_ceil(m), across: w.div_ceil(m), m, pad_top: 0, pad_left: 0 }
    }

    /// As many tiles on an image with padding.
    pub(super) fn padded(self, pad_top: isize, pad_left: isize) -> Self {
        Self { pad_top, pad_left, ..self }
    }

    pub(super) fn per_image(&self) -> usize {
        self.down * self.across
    }

    #[inline(always)]
    fn place(&self, tile: usize) -> Place {
        let (image, tile) = (tile / self.per_image(), tile % self.per_image());
        let top = (tile / self.across * self.m) as isize - self.pad_top;
        let left = (tile % self.across * self.m) as isize - self.pad_left;
        Place { image, top, left }
    }
}

/// Memory in which pixels of one tile can be read at constant distances.
#[derive(Clone, Copy)]
struct Pixels<R> {
    first: *const R,
    row: usize,
    column: usize,
}

/// Which of `L` places from `first` on lie in an image of `size` of them.
#[inline(always)]
fn clip<const L: usize>(first: isize, size: usize) -> Range<usize> {
    let end = (size as isize - first).clamp(0, L as isize) as usize;
    ((-first).clamp(0, end as isize) as usize)..end
}

/// The pixels of an `L x L` tile: in place, or where it reaches over the border as a copy in `patch` with zeros.
#[inline(always)]
fn pixels<R: Real, const L: usize>(x: &[R], images: Images, at: Place, patch: &mut [R]) -> Pixels<R> {
    let Images { h, w, c } = images;
    let inside = |first: isize, size: usize| first >= 0 && first as usize + L <= size;
    if inside(at.top, h) && inside(at.left, w) {
        let start = ((at.image * h + at.top as usize) * w + at.left as usize) * c;
        let tile = &x[start..start + ((L - 1) * w + L) * c];
        return Pixels { first: tile.as_ptr(), row: w * c, column: c };
    }
    let patch = &mut patch[..L * L * c];
    patch.fill(R::ZERO);
    let columns = clip::<L>(at.left, w);
    for i in clip::<L>(at.top, h) {
        if columns.is_empty() {
            break;
        }
        let row = (at.image * h + at.top.wrapping_add_unsigned(i) as usize) * w;
        let start = (row + at.left.wrapping_add_unsigned(columns.start) as usize) * c;
        patch[(i * L + columns.start) * c..(i * L + columns.end) * c]
            .copy_from_slice(&x[start..start + columns.len() * c]);
    }
    Pixels { first: patch.as_ptr(), row: L * c, column: c }
}

/// Transforms the tiles of a range into rows of `planes`: `B^T d B` of tiles of `n x n` (`L == N`), `A y A^T` of tiles of
/// `m x m`. `patch` has room for one tile.
pub(super) struct IntoPlanes<'a, R, const L: usize, const N: usize> {
    pub x: &'a [R],
    pub images: Images,
    pub grid: Grid,
    pub tiles: Range<usize>,
    pub planes: Planes,
    pub to: &'a mut [R],
    pub patch: &'a mut [R],
}

impl<R: Real, const L: usize, const N: usize> Kernel<R> for IntoPlanes<'_, R, L, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { x, images, grid, tiles, planes, to, patch } = self;
        let mut half = [[simd.splat(R::ZERO); L]; N];
        for (tile, number) in tiles.enumerate() {
            let at = grid.place(number);
            let from = pixels::<R, L>(x, images, at, patch);
            assert!((N * N - 1) * planes.plane + (tile + 1) * planes.row <= to.len());
            for c in (0..images.c).step_by(S::LANES) {
                let lanes = S::LANES.min(images.c - c);
                for j in 0..L {
                    let mut column = [simd.splat(R::ZERO); L];
                    for (i, d) in column.iter_mut().enumerate() {
                        // SAFETY: `pixels` has seen that the tile lies inside its array.
                        *d = unsafe {
                            let pixel = from.first.add(i * from.row + j * from.column + c);
                            if lanes == S::LANES {
                                simd.load_ptr(pixel)
                            } else {
                                simd.load_ptr_tail(pixel, lanes)
                            }
                        };
                    }
                    let column = forward_1d::<R, S, L, N>(simd, column);
                    for i in 0..N {
                        half[i][j] = column[i];
                    }
                }
                for i in 0..N {
                    let row = forward_1d::<R, S, L, N>(simd, half[i]);
                    for (j, v) in row.into_iter().enumerate() {
                        // SAFETY: the last plane's row ends inside `to`, as was checked for this tile.
                        unsafe {
                            simd.store_ptr(
                                v,
                                to.as_mut_ptr().add((i * N + j) * planes.plane + tile * planes.row + c),
                            );
                        }
                    }
                }
            }
        }
    }
}

/// `B^T x` if `x` has `N` elements, `A x` if it has fewer.
#[inline(always)]
fn forward_1d<R: Real, S: Simd<R>, const L: usize, const N: usize>(simd: S, x: [S::V; L]) -> [S::V; N] {
    if L < N {
        return evaluate::<R, S, L, N>(simd, x);
    }
    let mut d = [simd.splat(R::ZERO); N];
    d.copy_from_slice(&x);
    data::<R, S, N>(simd, d)
}

/// `A^T M A` of the rows of `planes`: writes tiles of `m x m` outputs, as far as they lie in the image, with bias and
/// limits.
pub(super) struct FromPlanes<'a, R, const M: usize, const N: usize> {
    pub planes: Planes,
    pub from: &'a [R],
    pub grid: Grid,
    pub tiles: Range<usize>,
    pub y: &'a mut [R],
    pub images: Images,
    pub finish: Finish<'a, R>,
}

impl<R: Real, const M: usize, const N: usize> Kernel<R> for FromPlanes<'_, R, M, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { planes, from, grid, tiles, y, images, finish } = self;
        let (low, high) = (simd.splat(finish.low), simd.splat(finish.high));
        let mut half = [[simd.splat(R::ZERO); N]; M];
        for (tile, number) in tiles.enumerate() {
            let at = grid.place(number);
            let (top, left) = (at.top as usize, at.left as usize);
            let rows = M.min(images.h - top);
            let columns = M.min(images.w - left);
            let start = ((at.image * images.h + top) * images.w + left) * images.c;
            let y = &mut y[start..start + ((rows - 1) * images.w + columns) * images.c];
            assert!((N * N - 1) * planes.plane + (tile + 1) * planes.row <= from.len());
            for c in (0..images.c).step_by(S::LANES) {
                let lanes = S::LANES.min(images.c - c);
                for j in 0..N {
                    let mut column = [simd.splat(R::ZERO); N];
                    for (i, v) in column.iter_mut().enumerate() {
                        // SAFETY: the last plane's row ends inside `from`, as was checked for this tile.
                        *v = unsafe {
                            simd.load_ptr(
                                from.as_ptr().add((i * N + j) * planes.plane + tile * planes.row + c),
                            )
                        };
                    }
                    let column = collect::<R, S, M, N>(simd, column);
                    for i in 0..M {
                        half[i][j] = column[i];
                    }
                }
                let bias = match finish.bias {
                    None => simd.splat(R::ZERO),
                    Some(bias) if lanes == S::LANES => simd.load(&bias[c..]),
                    Some(bias) => simd.load_tail(&bias[c..]),
                };
                for i in 0..M {
                    let row = collect::<R, S, M, N>(simd, half[i]);
                    for (j, v) in row.into_iter().enumerate() {
                        if i < rows && j < columns {
                            let v = simd.min(high, simd.max(low, simd.add(v, bias)));
                            // SAFETY: `y` ends with the last channel of the last row and column written.
                            unsafe {
                                let pixel = y.as_mut_ptr().add((i * images.w + j) * images.c + c);
                                if lanes == S::LANES {
                                    simd.store_ptr(v, pixel);
                                } else {
                                    simd.store_ptr_tail(v, pixel, lanes);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// `B M B^T` of the rows of `planes`: writes tiles of `n x n` to the pixels of `x`, as far as they lie in the image, and
/// adds where they overlap the tiles above and to the left, which have been written before.
pub(super) struct AddFromPlanes<'a, R, const N: usize> {
    pub planes: Planes,
    pub from: &'a [R],
    pub grid: Grid,
    pub tiles: Range<usize>,
    pub x: &'a mut [R],
    pub images: Images,
}

impl<R: Real, const N: usize> Kernel<R> for AddFromPlanes<'_, R, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { planes, from, grid, tiles, x, images } = self;
        let mut half = [[simd.splat(R::ZERO); N]; N];
        for (tile, number) in tiles.enumerate() {
            let at = grid.place(number);
            let (rows, columns) = (clip::<N>(at.top, images.h), clip::<N>(at.left, images.w));
            if rows.is_empty() || columns.is_empty() {
                continue;
            }
            // Where the tile's first pixel is, or would be if it lay in the image.
            let pixel = |i: usize, j: usize| {
                let (top, left) = (at.top.wrapping_add_unsigned(i), at.left.wrapping_add_unsigned(j));
                ((at.image * images.h + top as usize) * images.w + left as usize) * images.c
            };
            assert!(pixel(rows.end - 1, columns.end - 1) + images.c <= x.len());
            assert!((N * N - 1) * planes.plane + (tile + 1) * planes.row <= from.len());
            let first = pixel(rows.start, columns.start);
            // Rows and columns of the overlaps. The grid covers the image, so every pixel is written once.
            let overlap = |tile: isize, pad: isize| if tile + pad > 0 { N - grid.m } else { 0 };
            let (above, before) = (overlap(at.top, grid.pad_top), overlap(at.left, grid.pad_left));
            for c in (0..images.c).step_by(S::LANES) {
                let lanes = S::LANES.min(images.c - c);
                for j in 0..N {
                    let mut column = [simd.splat(R::ZERO); N];
                    for (i, v) in column.iter_mut().enumerate() {
                        // SAFETY: the last plane's row ends inside `from`, as was checked for this tile.
                        *v = unsafe {
                            simd.load_ptr(
                                from.as_ptr().add((i * N + j) * planes.plane + tile * planes.row + c),
                            )
                        };
                    }
                    let column = data_transposed::<R, S, N>(simd, column);
                    for i in 0..N {
                        half[i][j] = column[i];
                    }
                }
                for i in rows.clone() {
                    let row = data_transposed::<R, S, N>(simd, half[i]);
                    let start = first + (i - rows.start) * images.w * images.c + c;
                    for (j, v) in row.into_iter().enumerate() {
                        if !columns.contains(&j) {
                            continue;
                        }
                        // SAFETY: the last pixel of the tile in the image lies in `x`, as was checked.
                        unsafe {
                            let pixel = x.as_mut_ptr().add(start + (j - columns.start) * images.c);
                            let v = if i < above || j < before {
                                simd.add(simd.load_part_ptr(pixel, lanes), v)
                            } else {
                                v
                            };
                            simd.store_part_ptr(v, pixel, lanes);
                        }
                    }
                }
            }
        }
    }
}
