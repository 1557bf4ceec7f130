use super::PoolGeometry;
use super::window::{Pooling, Window, clear_uncovered, for_each_window, overlap};
use crate::parallel::for_each_chunk;
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, check_rows, isa};

/// Mean of each window over the elements that lie inside the input. Overwrites `y`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn avg_pool<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    let images = x.len() / g.input_len();
    check_len("x", x, images * g.input_len());
    check_len("y", y, images * g.output_len());
    for_each_chunk(y, g.output_len(), |image, y| {
        R::avg_pool(g, &x[image * g.input_len()..][..g.input_len()], y);
    });
}

pub(crate) fn avg_pool_of<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    isa::dispatch(AvgPool { g, x, y });
}

struct AvgPool<'a, R> {
    g: &'a PoolGeometry,
    x: &'a [R],
    y: &'a mut [R],
}

impl<R: Real> Kernel<R> for AvgPool<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(mut self, simd: S) {
        check_len("x", self.x, self.g.input_len());
        check_len("y", self.y, self.g.output_len());
        // SAFETY: these are the lengths of an image.
        unsafe { for_each_window(simd, self.g, &mut self) };
    }
}

impl<R: Real> Pooling<R> for AvgPool<'_, R> {
    #[inline(always)]
    unsafe fn window<S: Simd<R>>(&mut self, simd: S, window: Window) {
        let mut sum = simd.splat(R::ZERO);
        for row in 0..window.rows {
            for column in 0..window.columns {
                // SAFETY: the caller's contract.
                let x = unsafe { window.load(simd, self.x, (row, column)) };
                sum = simd.add(sum, x);
            }
        }
        let mean = simd.div(sum, simd.splat(window.count()));
        // SAFETY: `window` names elements inside the image.
        unsafe { simd.store_part_ptr(mean, self.y.as_mut_ptr().add(window.output), window.lanes) };
    }
}

/// Gradient of [`avg_pool`]: spreads each `dy` evenly over its window. Overwrites `dx`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn avg_pool_grad_input<R: Real>(g: &PoolGeometry, dy: &[R], dx: &mut [R]) {
    let images = dx.len() / g.input_len();
    check_len("dx", dx, images * g.input_len());
    check_len("dy", dy, images * g.output_len());
    for_each_chunk(dx, g.input_len(), |image, dx| {
        R::avg_pool_grad_input(g, &dy[image * g.output_len()..][..g.output_len()], dx);
    });
}

pub(crate) fn avg_pool_grad_input_of<R: Real>(g: &PoolGeometry, dy: &[R], dx: &mut [R]) {
    if overlap(g) {
        dx.fill(R::ZERO);
        isa::dispatch(AvgPoolGradInput::<R, true> { g, dy, dx });
    } else {
        clear_uncovered(g, dx);
        isa::dispatch(AvgPoolGradInput::<R, false> { g, dy, dx });
    }
}

/// Each tap gets its share of `dy`; these add up where windows overlap.
struct AvgPoolGradInput<'a, R, const OVERLAP: bool> {
    g: &'a PoolGeometry,
    dy: &'a [R],
    dx: &'a mut [R],
}

impl<R: Real, const OVERLAP: bool> Kernel<R> for AvgPoolGradInput<'_, R, OVERLAP> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(mut self, simd: S) {
        check_len("dy", self.dy, self.g.output_len());
        check_len("dx", self.dx, self.g.input_len());
        // SAFETY: these are the lengths of an image.
        unsafe { for_each_window(simd, self.g, &mut self) };
    }
}

impl<R: Real, const OVERLAP: bool> Pooling<R> for AvgPoolGradInput<'_, R, OVERLAP> {
    #[inline(always)]
    unsafe fn window<S: Simd<R>>(&mut self, simd: S, window: Window) {
        // SAFETY: `window` names elements inside the image.
        let dy = unsafe { simd.load_part_ptr(self.dy.as_ptr().add(window.output), window.lanes) };
        let share = simd.div(dy, simd.splat(window.count()));
        for row in 0..window.rows {
            for column in 0..window.columns {
                // SAFETY: the caller's contract.
                unsafe { window.put::<R, S, OVERLAP>(simd, self.dx, (row, column), share) };
            }
        }
    }
}

/// Mean of each channel over all pixels of an image. Overwrites `y`.
///
/// # Shapes
/// `x`: `[n, pixels, channels]`, `y`: `[n, channels]`.
///
/// # Panics
/// If `x` does not have `pixels` times the elements of `y`.
pub fn global_avg_pool<R: Real>(pixels: usize, channels: usize, x: &[R], y: &mut [R]) {
    check_rows("y", y, channels);
    check_len("x", x, y.len() * pixels);
    let count = R::of(pixels as f64);
    for_each_chunk(y, channels, |image, y| {
        y.fill(R::ZERO);
        R::add_rows(&x[image * pixels * channels..][..pixels * channels], y);
        for y in y {
            *y /= count;
        }
    });
}

/// Gradient of [`global_avg_pool`]: `dx[n, p, c] = dy[n, c] / pixels`. Overwrites `dx`.
///
/// # Panics
/// If `dx` does not have `pixels` times the elements of `dy`.
pub fn global_avg_pool_grad_input<R: Real>(pixels: usize, channels: usize, dy: &[R], dx: &mut [R]) {
    check_rows("dy", dy, channels);
    check_len("dx", dx, dy.len() * pixels);
    let count = R::of(pixels as f64);
    for_each_chunk(dx, pixels * channels, |image, dx| {
        let dy = &dy[image * channels..][..channels];
        let (first, others) = dx.split_at_mut(channels);
        for (dx, &dy) in first.iter_mut().zip(dy) {
            *dx = dy / count;
        }
        for dx in others.chunks_exact_mut(channels) {
            dx.copy_from_slice(first);
        }
    });
}
