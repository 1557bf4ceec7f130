//! Winograd convolution: fewer multiplications for stride-1 kernels, in all three directions.
//!
//! Tiles of `m x m` outputs are computed from overlapping tiles of `n x n` inputs, `n = m + r - 1`, with `n²`
//! multiplications instead of `m²·r²` per pair of channels: 2.25 times fewer for `F(2x2, 3x3)`, 4 times for
//! `F(4x4, 3x3)`. Summed over channels, the multiplications at one of the `n²` points are a matrix product over all
//! tiles, so the work is `n²` products between transforms ([`transform`], [`tiles`]):
//!
//! ```text
//! output       V = B^T x B      U = G w G^T     M_p [tiles, out_c]  = V_p [tiles, in_c]   · U_p [in_c, out_c]      y = A^T M A
//! grad_input   D = A dy A^T     U = G w G^T     M_p [tiles, in_c]   = D_p [tiles, out_c]  · U_p^T [out_c, in_c]    dx += B M B^T
//! grad_weight  V = B^T x B      D = A dy A^T    P_p [in_c, out_c]  += V_p^T [in_c, tiles] · D_p [tiles, out_c]     dw = G^T P G
//! ```
//!
//! for each point `p`. The gradients are the exact transposes of `output`, with the transposed transforms: tiles of `dy`
//! do not overlap, and those of `dx` are added up where they do. (The other way to write `grad_input`, as `output` of
//! `dy` with the filter turned around, has more tiles where there is no padding, and most of them reach over the border.)
//!
//! A block of tiles goes through all three stages while its planes are in the second-level cache.

mod filters;
#[cfg(test)]
mod tests;
mod tiles;
mod transform;

use std::ops::Range;

use crate::conv::{ConvGeometry, Direction};
use crate::gemm::micro::Run;
use crate::gemm::multiply::{Layout, Lhs, Rhs, multiply_each, packed_len, packed_width};
use crate::isa::dispatch;
use crate::parallel::{add_in_order, for_each_chunk, for_each_chunk_pair, part_of, sum_parts};
use crate::simd::VectorShape;
use crate::{Epilogue, Real, phase};
use filters::{KernelFromPlanes, KernelIntoPlanes};
use tiles::{AddFromPlanes, FromPlanes, Grid, Images, IntoPlanes, Planes};

/// Size that the planes of a block of tiles should have in `output` and `grad_input`: half of a typical second-level
/// cache, which holds the transformed filters as well.
const PLANE_BYTES: usize = 512 * 1024;

/// The same in `grad_weight`. It pays to add up many tiles at a time, because their sum is read and written for each
/// block; each plane is read but once, from the third-level cache if need be.
const GRAD_WEIGHT_PLANE_BYTES: usize = 2 * 1024 * 1024;

/// Images with fewer tiles than this are taken together.
const TILES_PER_TASK: usize = 64;

/// Tiles whose contributions one term of the weight gradient sums, at least.
const TILES_PER_PART: usize = 1024;

/// Parts into which the sum of the weight gradient is divided, at most.
const GRAD_WEIGHT_PARTS: usize = 16;

/// Whether `F(m x m, r x r)` is implemented and the geometry one for which it works: stride 1, dense, one group, a square
/// kernel of `r`.
pub(super) fn supports(g: &ConvGeometry, m: usize) -> bool {
    [(2, 3), (4, 3), (6, 3), (2, 5), (4, 5)].contains(&(m, g.kh))
        && g.kw == g.kh
        && (g.stride_h, g.stride_w) == (1, 1)
        && (g.dilation_h, g.dilation_w) == (1, 1)
        && g.groups == 1
}

/// Estimated cost of one image with tiles of `m x m`, in multiply-adds: those of the products, and `n²/2` for each of the
/// `n²` elements of a tile that is transformed. The `n²/2` was fitted to measurements: a transform does less than that,
/// but it does it while it waits for memory.
pub(super) fn cost(g: &ConvGeometry, m: usize) -> u64 {
    let n = m + g.kh - 1;
    let per_tile = n * n * g.in_c * g.out_c + n * n * n * n / 2 * (g.in_c + g.out_c);
    (g.out_h.div_ceil(m) as u64).saturating_mul(g.out_w.div_ceil(m) as u64).saturating_mul(per_tile as u64)
}

/// `F(M x M, T x T)` with tiles of `N x N` inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Winograd<const M: usize, const T: usize, const N: usize>;

/// Rows and columns of the filters at one point: channels that are summed over, and channels of the result.
fn filters(g: &ConvGeometry, direction: Direction) -> (usize, usize) {
    if direction == Direction::GradInput { (g.out_c, g.in_c) } else { (g.in_c, g.out_c) }
}

fn input_images(g: &ConvGeometry) -> Images {
    Images { h: g.in_h, w: g.in_w, c: g.in_c }
}

fn output_images(g: &ConvGeometry) -> Images {
    Images { h: g.out_h, w: g.out_w, c: g.out_c }
}

impl<const M: usize, const T: usize, const N: usize> Winograd<M, T, N> {
    /// Elements of the transformed filters for `output` or `grad_input`.
    pub(super) fn prepared_len<R: Real>(self, g: &ConvGeometry, direction: Direction) -> usize {
        let (rows, columns) = filters(g, direction);
        self.point::<R>(rows, columns) * N * N
    }

    /// Distance of the packed filters of neighbouring points.
    fn point<R: Real>(self, rows: usize, columns: usize) -> usize {
        let shape = VectorShape::current::<R>();
        // A vector more, as in `Planes`.
        packed_len(shape, rows, columns) + shape.lanes
    }

    /// `u = G w G^T`, packed as the right operand of each point's product.
    pub(super) fn prepare<R: Real>(self, g: &ConvGeometry, direction: Direction, w: &[R], u: &mut [R]) {
        let (rows, columns) = filters(g, direction);
        let width = packed_width(VectorShape::current::<R>(), columns);
        let point = self.point::<R>(rows, columns);
        if direction == Direction::Output {
            dispatch(KernelIntoPlanes::<R, T, N> { w, rows, columns, width, point, u });
            return;
        }
        R::with_scratch(w.len(), |exchanged| {
            // w [T, T, in_c, out_c] -> [T, T, out_c, in_c]
            let taps = w.chunks_exact(rows * columns).zip(exchanged.chunks_exact_mut(rows * columns));
            for (from, to) in taps {
                for (o, to) in to.chunks_exact_mut(g.in_c).enumerate() {
                    for (to, from) in to.iter_mut().zip(from[o..].iter().step_by(g.out_c)) {
                        *to = *from;
                    }
                }
            }
            dispatch(KernelIntoPlanes::<R, T, N> { w: exchanged, rows, columns, width, point, u });
        });
    }

    /// The tiles of the output, as they lie on the output and on the input.
    fn grids(self, g: &ConvGeometry) -> (Grid, Grid) {
        let grid = Grid::new(g.out_h, g.out_w, M);
        (grid, grid.padded(g.pad_top as isize, g.pad_left as isize))
    }

    /// `y` from `x` and the prepared filters.
    pub(super) fn output<R: Real>(
        self,
        g: &ConvGeometry,
        x: &[R],
        u: &[R],
        epilogue: Epilogue<R>,
        y: &mut [R],
    ) {
        let (grid, input_grid) = self.grids(g);
        let shape = VectorShape::current::<R>();
        let at_once = TILES_PER_TASK.div_ceil(grid.per_image());
        let (finish, rest) = epilogue.split();
        for_each_chunk(y, at_once * g.output_len(), |i, y| {
            let count = y.len() / g.output_len();
            let x = &x[i * at_once * g.input_len()..][..count * g.input_len()];
            let all = count * grid.per_image();
            let block = tiles_per_block::<R, N>(PLANE_BYTES, g).min(all);
            let (v, m) = (Planes::new(shape, block, g.in_c), Planes::new(shape, block, g.out_c));
            R::with_scratch(v.len::<N>() + m.len::<N>() + N * N * g.in_c, |scratch| {
                let (v_data, scratch) = scratch.split_at_mut(v.len::<N>());
                let (m_data, patch) = scratch.split_at_mut(m.len::<N>());
                for tiles in blocks(0..all, block) {
                    phase::pack(|| {
                        let (grid, images, tiles, planes) = (input_grid, input_images(g), tiles.clone(), v);
                        dispatch(IntoPlanes::<R, N, N> { x, images, grid, tiles, planes, to: v_data, patch });
                    });
                    self.multiply_filters(tiles.len(), (v, v_data), (u, g.in_c, g.out_c), (m, m_data));
                    phase::unpack(|| {
                        let (images, planes, from) = (output_images(g), m, &*m_data);
                        dispatch(FromPlanes::<R, M, N> { planes, from, grid, tiles, y, images, finish });
                    });
                }
            });
            rest.apply_block(y);
        });
    }

    /// `M_p [tiles, columns] = V_p [tiles, rows] · U_p [rows, columns]`
    fn multiply_filters<R: Real>(
        self,
        tiles: usize,
        (v, v_data): (Planes, &[R]),
        (u, rows, columns): (&[R], usize, usize),
        (m, m_data): (Planes, &mut [R]),
    ) {
        phase::multiply(|| {
            let runs = [Run { start: 0, depth: rows }];
            let lhs = Lhs::matrix(v_data, tiles, Layout::Rows(v.row), &runs);
            let rhs = Rhs::packed(VectorShape::current::<R>(), u, rows, columns);
            let out = m.matrices::<R, N>(m_data, tiles, columns);
            multiply_each((lhs, v.plane), (rhs, self.point::<R>(rows, columns)), out, false, None);
        });
    }

    /// `dx` from `dy` and the prepared filters.
    pub(super) fn grad_input<R: Real>(self, g: &ConvGeometry, dy: &[R], u: &[R], dx: &mut [R]) {
        let at_once = TILES_PER_TASK.div_ceil(self.grids(g).0.per_image());
        // Tiles overlap, so those of one image are added up by one thread, in order.
        for_each_chunk(dx, at_once * g.input_len(), |i, dx| {
            let images = dx.len() / g.input_len();
            let dy = &dy[i * at_once * g.output_len()..][..images * g.output_len()];
            self.gradients_part(g, dy, Some((u, dx)), None);
        });
    }

    /// `dw += ..` from `x` and `dy`.
    pub(super) fn grad_weight<R: Real>(self, g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
        let images = x.len() / g.input_len();
        let parts = self.parts(g, images);
        sum_parts(dw, parts, |part, dw| {
            let part = part_of(images, parts, part);
            if !part.is_empty() {
                let x = &x[part.start * g.input_len()..part.end * g.input_len()];
                let dy = &dy[part.start * g.output_len()..part.end * g.output_len()];
                self.gradients_part(g, dy, None, Some((x, dw)));
            }
        });
    }

    /// [`Winograd::grad_weight`] and [`Winograd::grad_input`], with the same bits: both read `D`, which is made once.
    pub(super) fn gradients<R: Real>(
        self,
        g: &ConvGeometry,
        x: &[R],
        dy: &[R],
        u: &[R],
        dw: &mut [R],
        dx: &mut [R],
    ) {
        let images = x.len() / g.input_len();
        if images == 0 {
            return;
        }
        let at_once = images.div_ceil(self.parts(g, images));
        let len = dw.len();
        R::with_scratch(images.div_ceil(at_once) * len, |partial| {
            for_each_chunk_pair((dx, at_once * g.input_len()), (partial, len), |part, dx, dw| {
                let images = dx.len() / g.input_len();
                let x = &x[part * at_once * g.input_len()..][..dx.len()];
                let dy = &dy[part * at_once * g.output_len()..][..images * g.output_len()];
                dw.fill(R::ZERO);
                self.gradients_part(g, dy, Some((u, dx)), Some((x, dw)));
            });
            add_in_order(dw, partial.chunks_exact(len));
        });
    }

    /// Terms of the sum over images in the weight gradient.
    fn parts(self, g: &ConvGeometry, images: usize) -> usize {
        let tiles = images * self.grids(g).0.per_image();
        tiles.div_ceil(TILES_PER_PART).min(GRAD_WEIGHT_PARTS).min(images)
    }

    /// The gradients that are wanted, of some images on the calling thread: that of the input, from the filters to `dx`,
    /// and that of the weights, from `x` added to `dw`.
    fn gradients_part<R: Real>(
        self,
        g: &ConvGeometry,
        dy: &[R],
        mut input: Option<(&[R], &mut [R])>,
        mut weight: Option<(&[R], &mut [R])>,
    ) {
        let shape = VectorShape::current::<R>();
        let (grid, input_grid) = self.grids(g);
        let all = dy.len() / g.output_len() * grid.per_image();
        let small = tiles_per_block::<R, N>(PLANE_BYTES, g).min(all);
        let large = tiles_per_block::<R, N>(GRAD_WEIGHT_PLANE_BYTES, g).min(all);
        let block = if weight.is_some() { large } else { small };
        // `M` of a few tiles and `V` of a block take turns.
        let (d, m, v) = (
            Planes::new(shape, block, g.out_c),
            Planes::new(shape, small, g.in_c),
            Planes::new(shape, block, g.in_c),
        );
        let sum = Planes::new(shape, g.in_c, g.out_c);
        let sum_len = if weight.is_some() { sum.len::<N>() } else { 0 };
        let patch = N * N * g.in_c.max(g.out_c);
        R::with_scratch(d.len::<N>() + v.len::<N>() + sum_len + patch, |scratch| {
            let (d_data, scratch) = scratch.split_at_mut(d.len::<N>());
            let (v_data, scratch) = scratch.split_at_mut(v.len::<N>());
            let (sum_data, patch) = scratch.split_at_mut(sum_len);
            for tiles in blocks(0..all, block) {
                for some in blocks(tiles.clone(), small) {
                    let d_data = &mut d_data[(some.start - tiles.start) * d.row..];
                    phase::pack(|| {
                        let (x, images, tiles, planes, to) =
                            (dy, output_images(g), some.clone(), d, &mut *d_data);
                        dispatch(IntoPlanes::<R, M, N> { x, images, grid, tiles, planes, to, patch });
                    });
                    let Some((u, dx)) = &mut input else { continue };
                    self.multiply_filters(some.len(), (d, d_data), (u, g.out_c, g.in_c), (m, v_data));
                    phase::unpack(|| {
                        let (grid, images, x) = (input_grid, input_images(g), &mut **dx);
                        let (planes, from, tiles) = (m, &*v_data, some);
                        dispatch(AddFromPlanes::<R, N> { planes, from, grid, tiles, x, images });
                    });
                }
                let Some((x, _)) = weight else { continue };
                let (count, first) = (tiles.len(), tiles.start == 0);
                phase::pack(|| {
                    let (images, grid, planes, to) = (input_images(g), input_grid, v, &mut *v_data);
                    dispatch(IntoPlanes::<R, N, N> { x, images, grid, tiles, planes, to, patch });
                });
                phase::multiply(|| {
                    // P_p [in_c, out_c] += V_p^T [in_c, tiles] · D_p [tiles, out_c]
                    let runs = [Run { start: 0, depth: count }];
                    let lhs = Lhs::matrix(v_data, g.in_c, Layout::Depths(v.row), &runs);
                    let rhs = Rhs { columns: g.out_c, ..Rhs::rows(shape, d_data, count, d.row) };
                    let out = sum.matrices::<R, N>(sum_data, g.in_c, g.out_c);
                    multiply_each((lhs, v.plane), (rhs, d.plane), out, !first, None);
                });
            }
            if let Some((_, dw)) = &mut weight {
                phase::unpack(|| {
                    let (planes, from, rows, columns, w) = (sum, &*sum_data, g.in_c, g.out_c, &mut **dw);
                    dispatch(KernelFromPlanes::<R, T, N> { planes, from, rows, columns, w });
                });
            }
        });
    }
}

/// Consecutive ranges of `block` tiles, the last one of those that remain.
fn blocks(tiles: Range<usize>, block: usize) -> impl Iterator<Item = Range<usize>> {
    tiles.clone().step_by(block).map(move |start| start..tiles.end.min(start + block))
}

/// Tiles whose planes fill so many bytes, in whole register tiles, two at least: the filters are read for each block.
fn tiles_per_block<R: Real, const N: usize>(bytes: usize, g: &ConvGeometry) -> usize {
    let rows = VectorShape::current::<R>().tile_rows;
    let per_tile = (g.in_c + g.out_c) * N * N * size_of::<R>();
    (bytes / per_tile / rows).max(2) * rows
}
