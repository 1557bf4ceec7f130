//! Between filters and planes: the two-dimensional transforms of kernels and of their gradients.

use super::tiles::Planes;
use super::transform::{collect, evaluate, scaled};
use crate::Real;
use crate::simd::{Kernel, Simd};

/// `U = G w G^T` of every filter, for `w` as `[T, T, rows, columns]`: packed panels of `width` columns for each point,
/// at distance `point`.
pub(super) struct KernelIntoPlanes<'a, R, const T: usize, const N: usize> {
    pub w: &'a [R],
    pub rows: usize,
    pub columns: usize,
    pub width: usize,
    pub point: usize,
    pub u: &'a mut [R],
}

impl<R: Real, const T: usize, const N: usize> Kernel<R> for KernelIntoPlanes<'_, R, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { w, rows, columns, width, point, u } = self;
        for row in 0..rows {
            for c in (0..columns).step_by(S::LANES) {
                let panel = (c / width * rows + row) * width + c % width;
                let mut half = [[simd.splat(R::ZERO); T]; N];
                for j in 0..T {
                    let mut column = [simd.splat(R::ZERO); T];
                    for (i, g) in column.iter_mut().enumerate() {
                        let tap = i * T + j;
                        let from = &w[(tap * rows + row) * columns + c..(tap * rows + row + 1) * columns];
                        *g = if from.len() >= S::LANES { simd.load(from) } else { simd.load_tail(from) };
                    }
                    let column = scaled::<R, S, N>(simd, evaluate::<R, S, T, N>(simd, column));
                    for i in 0..N {
                        half[i][j] = column[i];
                    }
                }
                for (i, half) in half.into_iter().enumerate() {
                    let values = scaled::<R, S, N>(simd, evaluate::<R, S, T, N>(simd, half));
                    for (j, v) in values.into_iter().enumerate() {
                        simd.store(v, &mut u[(i * N + j) * point + panel..]);
                    }
                }
            }
        }
    }
}

/// `G^T P G`, the transpose of [`KernelIntoPlanes`]: adds to `w` as `[T, T, rows, columns]`; a plane has `rows` rows.
pub(super) struct KernelFromPlanes<'a, R, const T: usize, const N: usize> {
    pub planes: Planes,
    pub from: &'a [R],
    pub rows: usize,
    pub columns: usize,
    pub w: &'a mut [R],
}

impl<R: Real, const T: usize, const N: usize> Kernel<R> for KernelFromPlanes<'_, R, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { planes, from, rows, columns, w } = self;
        for row in 0..rows {
            for c in (0..columns).step_by(S::LANES) {
                let mut half = [[simd.splat(R::ZERO); N]; T];
                for j in 0..N {
                    let mut column = [simd.splat(R::ZERO); N];
                    for (i, v) in column.iter_mut().enumerate() {
                        *v = simd.load(&from[(i * N + j) * planes.plane + row * planes.row + c..]);
                    }
                    let column = collect::<R, S, T, N>(simd, scaled::<R, S, N>(simd, column));
                    for i in 0..T {
                        half[i][j] = column[i];
                    }
                }
                for (i, half) in half.into_iter().enumerate() {
                    let values = collect::<R, S, T, N>(simd, scaled::<R, S, N>(simd, half));
                    for (j, v) in values.into_iter().enumerate() {
                        let start = ((i * T + j) * rows + row) * columns;
                        let to = &mut w[start + c..start + columns];
                        if to.len() >= S::LANES {
                            let sum = simd.add(simd.load(to), v);
                            simd.store(sum, to);
                        } else {
                            let sum = simd.add(simd.load_tail(to), v);
                            simd.store_tail(sum, to);
                        }
                    }
                }
            }
        }
    }
}
