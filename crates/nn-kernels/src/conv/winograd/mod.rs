//! Winograd convolution: fewer multiplications for stride-1 kernels, in all three directions.
//!
//! Tiles of `m x m` outputs are computed from overlapping tiles of `n x n` inputs, `n = m + r - 1`, with `n²`
//! multiplications instead of `m²·r²` per pair of channels: 2.25 times fewer for `F(2x2, 3x3)`, 4 times for
//! `F(4x4, 3x3)`. Summed over channels, the multiplications at one of the `n²` points are a matrix product over all
//! tiles, so the work is `n²` products between transforms ([`transform`], [`tiles`]):
//!
//! ```text
//! output       V = B^T x B      U = G w G^T     M_p [tiles, out_c]  = V_p [tiles, in_c]   · U_p [in_c, out_c]      y = A^T M A
//! grad_input   V = B^T dy B     U = G w' G^T    M_p [tiles, in_c]   = V_p [tiles, out_c]  · U_p [out_c, in_c]      dx = A^T M A
//! grad_weight  V = B^T x B      D = A dy A^T    P_p [in_c, out_c]  += V_p^T [in_c, tiles] · D_p [tiles, out_c]     dw = G^T P G
//! ```
//!
//! for each point `p`. `grad_input` is `output` of `dy` with the padding `r - 1 - pad` and the filter `w'`, which is `w`
//! turned by 180 degrees with its channels exchanged. `grad_weight` is the exact transpose of `output` with respect to
//! `w`, with the same transform of `x`.
//!
//! A block of tiles goes through all three stages while its planes are in the second-level cache.

mod tiles;
mod transform;

use crate::conv::{ConvGeometry, Direction};
use crate::gemm::micro::Run;
use crate::gemm::multiply::{Layout, Lhs, Rhs, multiply, packed_len, packed_width};
use crate::isa::dispatch;
use crate::parallel::{for_each_chunk, part_of, sum_parts};
use crate::simd::VectorShape;
use crate::{Epilogue, Real, phase};
use ndarray::{ArrayViewMut2, ShapeBuilder};
use tiles::{Forward, FromPlanes, Grid, Images, IntoPlanes, KernelFromPlanes, KernelIntoPlanes, Planes};

/// Size that the planes of a block of tiles should not exceed: half of a typical second-level cache, which holds the
/// transformed filters as well.
const PLANE_BYTES: usize = 512 * 1024;

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
pub(super) fn cost(g: &ConvGeometry, direction: Direction, m: usize) -> u64 {
    let n = m + g.kh - 1;
    let (h, w) = if direction == Direction::GradInput { (g.in_h, g.in_w) } else { (g.out_h, g.out_w) };
    let per_tile = n * n * g.in_c * g.out_c + n * n * n * n / 2 * (g.in_c + g.out_c);
    (h.div_ceil(m) as u64).saturating_mul(w.div_ceil(m) as u64).saturating_mul(per_tile as u64)
}

/// `F(M x M, T x T)` with tiles of `N x N` inputs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Winograd<const M: usize, const T: usize, const N: usize>;

/// Rows and columns of the filters at one point: channels that are summed over, and channels of the result.
fn filters(g: &ConvGeometry, direction: Direction) -> (usize, usize) {
    if direction == Direction::GradInput { (g.out_c, g.in_c) } else { (g.in_c, g.out_c) }
}

/// A correlation at stride 1: what `output` and `grad_input` have in common.
struct Correlation {
    input: Images,
    output: Images,
    pad_top: isize,
    pad_left: isize,
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
        if columns % width != 0 {
            // Missing columns of the last panel.
            u.fill(R::ZERO);
        }
        if direction == Direction::Output {
            let rotated = false;
            dispatch(KernelIntoPlanes::<R, T, N> { w, rows, columns, rotated, width, point, u });
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
            let (w, rotated) = (&*exchanged, true);
            dispatch(KernelIntoPlanes::<R, T, N> { w, rows, columns, rotated, width, point, u });
        });
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
        let correlation = Correlation {
            input: Images { h: g.in_h, w: g.in_w, c: g.in_c },
            output: Images { h: g.out_h, w: g.out_w, c: g.out_c },
            pad_top: g.pad_top as isize,
            pad_left: g.pad_left as isize,
        };
        self.correlate(&correlation, x, u, epilogue, y);
    }

    /// `dx` from `dy` and the prepared filters.
    pub(super) fn grad_input<R: Real>(self, g: &ConvGeometry, dy: &[R], u: &[R], dx: &mut [R]) {
        let correlation = Correlation {
            input: Images { h: g.out_h, w: g.out_w, c: g.out_c },
            output: Images { h: g.in_h, w: g.in_w, c: g.in_c },
            pad_top: T as isize - 1 - g.pad_top as isize,
            pad_left: T as isize - 1 - g.pad_left as isize,
        };
        self.correlate(&correlation, dy, u, Epilogue::NONE, dx);
    }

    fn correlate<R: Real>(
        self,
        correlation: &Correlation,
        x: &[R],
        u: &[R],
        epilogue: Epilogue<R>,
        y: &mut [R],
    ) {
        let (input, output) = (correlation.input, correlation.output);
        let grid = Grid::new(output.h, output.w, M);
        let images = TILES_PER_TASK.div_ceil(grid.per_image());
        for_each_chunk(y, images * output.len(), |i, y| {
            let x = &x[i * images * input.len()..][..y.len() / output.len() * input.len()];
            self.correlate_images(correlation, grid, x, u, epilogue, y);
        });
    }

    /// [`Winograd::correlate`] of some images on the calling thread.
    fn correlate_images<R: Real>(
        self,
        correlation: &Correlation,
        grid: Grid,
        x: &[R],
        u: &[R],
        epilogue: Epilogue<R>,
        y: &mut [R],
    ) {
        let Correlation { input, output, pad_top, pad_left } = *correlation;
        let shape = VectorShape::current::<R>();
        let point = self.point::<R>(input.c, output.c);
        let (finish, rest) = epilogue.split();
        let all = y.len() / output.len() * grid.per_image();
        let block = tiles_per_block::<R, N>(shape, input.c, output.c).min(all);
        let (v, m) = (Planes::new(shape, block, input.c), Planes::new(shape, block, output.c));
        R::with_scratch(v.len::<N>() + m.len::<N>() + N * N * input.c, |scratch| {
            let (v_data, scratch) = scratch.split_at_mut(v.len::<N>());
            let (m_data, patch) = scratch.split_at_mut(m.len::<N>());
            for start in (0..all).step_by(block) {
                let tiles = start..all.min(start + block);
                phase::pack(|| {
                    dispatch(IntoPlanes::<R, N, N> {
                        forward: Forward::Data,
                        x,
                        images: input,
                        grid: grid.padded(pad_top, pad_left),
                        tiles: tiles.clone(),
                        planes: v,
                        to: v_data,
                        patch,
                    });
                });
                phase::multiply(|| {
                    for p in 0..N * N {
                        // M_p [tiles, out_c] = V_p [tiles, in_c] · U_p [in_c, out_c]
                        let runs = [Run { start: 0, depth: input.c }];
                        let data = &v_data[p * v.plane..(p + 1) * v.plane];
                        let lhs = Lhs::matrix(data, tiles.len(), Layout::Rows(v.row), &runs);
                        let rhs = Rhs::packed(shape, &u[p * point..(p + 1) * point], input.c, output.c);
                        let out = matrix(&mut m_data[p * m.plane..], tiles.len(), output.c, m.row);
                        multiply(lhs, rhs, out, false, None);
                    }
                });
                phase::unpack(|| {
                    let from = &*m_data;
                    dispatch(FromPlanes::<R, M, N> {
                        planes: m,
                        from,
                        grid,
                        tiles,
                        y,
                        images: output,
                        finish,
                    });
                });
            }
        });
        rest.apply_block(y);
    }

    pub(super) fn grad_weight<R: Real>(self, g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
        let per_image = Grid::new(g.out_h, g.out_w, M).per_image();
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
        let input = Images { h: g.in_h, w: g.in_w, c: g.in_c };
        let output = Images { h: g.out_h, w: g.out_w, c: g.out_c };
        let shape = VectorShape::current::<R>();
        let grid = Grid::new(g.out_h, g.out_w, M);
        let all = dy.len() / output.len() * grid.per_image();
        let block = tiles_per_block::<R, N>(shape, g.in_c, g.out_c).min(all);
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
                        images: input,
                        grid: grid.padded(g.pad_top as isize, g.pad_left as isize),
                        tiles: tiles.clone(),
                        planes: v,
                        to: v_data,
                        patch,
                    });
                    dispatch(IntoPlanes::<R, M, N> {
                        forward: Forward::Evaluate,
                        x: dy,
                        images: output,
                        grid,
                        tiles: tiles.clone(),
                        planes: d,
                        to: d_data,
                        patch,
                    });
                });
                phase::multiply(|| {
                    for p in 0..N * N {
                        // P_p [in_c, out_c] += V_p^T [in_c, tiles] · D_p [tiles, out_c]
                        let runs = [Run { start: 0, depth: tiles.len() }];
                        let data = &v_data[p * v.plane..(p + 1) * v.plane];
                        let lhs = Lhs::matrix(data, g.in_c, Layout::Depths(v.row), &runs);
                        let data = &d_data[p * d.plane..(p + 1) * d.plane];
                        let rhs = Rhs { columns: g.out_c, ..Rhs::rows(shape, data, tiles.len(), d.row) };
                        let out = matrix(&mut sum_data[p * sum.plane..], g.in_c, g.out_c, sum.row);
                        multiply(lhs, rhs, out, start > 0, None);
                    }
                });
            }
            phase::unpack(|| {
                let (rows, columns) = (g.in_c, g.out_c);
                dispatch(KernelFromPlanes::<R, T, N> { planes: sum, from: sum_data, rows, columns, w: dw });
            });
        });
    }
}

/// A matrix with rows of `columns` elements at a distance.
fn matrix<R>(data: &mut [R], rows: usize, columns: usize, stride: usize) -> ArrayViewMut2<'_, R> {
    ArrayViewMut2::from_shape((rows, columns).strides((stride, 1)), data).expect("rows inside the plane")
}

/// Tiles whose planes fill [`PLANE_BYTES`], in whole register tiles.
fn tiles_per_block<R: Real, const N: usize>(shape: VectorShape, in_c: usize, out_c: usize) -> usize {
    let bytes = (in_c + out_c) * N * N * size_of::<R>();
    (PLANE_BYTES / bytes / shape.tile_rows).max(1) * shape.tile_rows
}
