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
use crate::parallel::{for_each_chunk, part_of, sum_parts};
use crate::simd::VectorShape;
use crate::{Epilogue, Real, phase};
use filters::{KernelFromPlanes, KernelIntoPlanes};
use tiles::{AddFromPlanes, Forward, FromPlanes, Grid, Images, IntoPlanes, Planes};

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
        let at_once = TILES_PER_TASK.div_ceil(grid.per_image());
        let (finish, rest) = epilogue.split();
        for_each_chunk(y, at_once * g.output_len(), |i, y| {
            let images = y.len() / g.output_len();
            let x = &x[i * at_once * g.input_len()..][..images * g.input_len()];
            self.through_planes(
                images * grid.per_image(),
                filters(g, Direction::Output),
                u,
                |tiles, planes, to, patch| {
                    let (forward, images, grid) = (Forward::Data, input_images(g), input_grid);
                    dispatch(IntoPlanes::<R, N, N> { forward, x, images, grid, tiles, planes, to, patch });
                },
                |tiles, planes, from| {
                    let images = output_images(g);
                    dispatch(FromPlanes::<R, M, N> { planes, from, grid, tiles, y, images, finish });
                },
            );
            rest.apply_block(y);
        });
    }

    /// `dx` from `dy` and the prepared filters.
    pub(super) fn grad_input<R: Real>(self, g: &ConvGeometry, dy: &[R], u: &[R], dx: &mut [R]) {
        let (grid, input_grid) = self.grids(g);
        let at_once = TILES_PER_TASK.div_ceil(grid.per_image());
        // Tiles overlap, so those of one image are added up by one thread, in order.
        for_each_chunk(dx, at_once * g.input_len(), |i, dx| {
            dx.fill(R::ZERO);
            let images = dx.len() / g.input_len();
            let dy = &dy[i * at_once * g.output_len()..][..images * g.output_len()];
            self.through_planes(
                images * grid.per_image(),
                filters(g, Direction::GradInput),
                u,
                |tiles, planes, to, patch| {
                    let (forward, x, images) = (Forward::Evaluate, dy, output_images(g));
                    dispatch(IntoPlanes::<R, M, N> { forward, x, images, grid, tiles, planes, to, patch });
                },
                |tiles, planes, from| {
                    let (grid, images, x) = (input_grid, input_images(g), &mut *dx);
                    dispatch(AddFromPlanes::<R, N> { planes, from, grid, tiles, x, images });
                },
            );
        });
    }

    /// Takes `all` tiles through the products with the filters, block by block on the calling thread: `into` writes the
    /// left operands, `from` reads the products.
    fn through_planes<R: Real>(
        self,
        all: usize,
        (rows, columns): (usize, usize),
        u: &[R],
        mut into: impl FnMut(Range<usize>, Planes, &mut [R], &mut [R]),
        mut from: impl FnMut(Range<usize>, Planes, &[R]),
    ) {
        let shape = VectorShape::current::<R>();
        let point = self.point::<R>(rows, columns);
        let block = tiles_per_block::<R, N>(PLANE_BYTES, rows, columns).min(all);
        let (v, m) = (Planes::new(shape, block, rows), Planes::new(shape, block, columns));
        R::with_scratch(v.len::<N>() + m.len::<N>() + N * N * rows, |scratch| {
            let (v_data, scratch) = scratch.split_at_mut(v.len::<N>());
            let (m_data, patch) = scratch.split_at_mut(m.len::<N>());
            for start in (0..all).step_by(block) {
                let tiles = start..all.min(start + block);
                phase::pack(|| into(tiles.clone(), v, v_data, patch));
                phase::multiply(|| {
                    // M_p [tiles, columns] = V_p [tiles, rows] · U_p [rows, columns]
                    let runs = [Run { start: 0, depth: rows }];
                    let lhs = Lhs::matrix(v_data, tiles.len(), Layout::Rows(v.row), &runs);
                    let rhs = Rhs::packed(shape, u, rows, columns);
                    let out = m.matrices::<R, N>(m_data, tiles.len(), columns);
                    multiply_each((lhs, v.plane), (rhs, point), out, false, None);
                });
                phase::unpack(|| from(tiles, m, m_data));
            }
        });
    }

    pub(super) fn grad_weight<R: Real>(self, g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
        let per_image = self.grids(g).0.per_image();
        let images = x.len() / g.input_len();
        let parts = (images * per_image).div_ceil(TILES_PER_PART).min(GRAD_WEIGHT_PARTS).min(images);
        sum_parts(dw, parts, |part, dw| {
            let part = part_of(images, parts, part);
            if !part.is_empty() {
                let x = &x[part.start * g.input_len()..part.end * g.input_len()];
                let dy = &dy[part.start * g.output_len()..part.end * g.output_len()];
                self.grad_weight_part(g, x, dy, dw);
            }
        });
    }

    /// [`Winograd::grad_weight`] of some images on the calling thread.
    fn grad_weight_part<R: Real>(self, g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
        let shape = VectorShape::current::<R>();
        let (grid, input_grid) = self.grids(g);
        let all = dy.len() / g.output_len() * grid.per_image();
        let block = tiles_per_block::<R, N>(GRAD_WEIGHT_PLANE_BYTES, g.in_c, g.out_c).min(all);
        let (v, d) = (Planes::new(shape, block, g.in_c), Planes::new(shape, block, g.out_c));
        let sum = Planes::new(shape, g.in_c, g.out_c);
        let patch = N * N * g.in_c.max(g.out_c);
        R::with_scratch(v.len::<N>() + d.len::<N>() + sum.len::<N>() + patch, |scratch| {
            let (v_data, scratch) = scratch.split_at_mut(v.len::<N>());
            let (d_data, scratch) = scratch.split_at_mut(d.len::<N>());
            let (sum_data, patch) = scratch.split_at_mut(sum.len::<N>());
            for start in (0..all).step_by(block) {
                let tiles = start..all.min(start + block);
                phase::pack(|| {
                    dispatch(IntoPlanes::<R, N, N> {
                        forward: Forward::Data,
                        x,
                        images: input_images(g),
                        grid: input_grid,
                        tiles: tiles.clone(),
                        planes: v,
                        to: v_data,
                        patch,
                    });
                    dispatch(IntoPlanes::<R, M, N> {
                        forward: Forward::Evaluate,
                        x: dy,
                        images: output_images(g),
                        grid,
                        tiles: tiles.clone(),
                        planes: d,
                        to: d_data,
                        patch,
                    });
                });
                phase::multiply(|| {
                    // P_p [in_c, out_c] += V_p^T [in_c, tiles] · D_p [tiles, out_c]
                    let runs = [Run { start: 0, depth: tiles.len() }];
                    let lhs = Lhs::matrix(v_data, g.in_c, Layout::Depths(v.row), &runs);
                    let rhs = Rhs { columns: g.out_c, ..Rhs::rows(shape, d_data, tiles.len(), d.row) };
                    let out = sum.matrices::<R, N>(sum_data, g.in_c, g.out_c);
                    multiply_each((lhs, v.plane), (rhs, d.plane), out, start > 0, None);
                });
            }
            phase::unpack(|| {
                let (rows, columns) = (g.in_c, g.out_c);
                dispatch(KernelFromPlanes::<R, T, N> { planes: sum, from: sum_data, rows, columns, w: dw });
            });
        });
    }
}

/// Tiles whose planes fill so many bytes, in whole register tiles, two at least: the filters are read for each block.
fn tiles_per_block<R: Real, const N: usize>(bytes: usize, in_c: usize, out_c: usize) -> usize {
    let rows = VectorShape::current::<R>().tile_rows;
    let per_tile = (in_c + out_c) * N * N * size_of::<R>();
    (bytes / per_tile / rows).max(2) * rows
}
