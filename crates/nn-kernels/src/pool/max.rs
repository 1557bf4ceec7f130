use super::PoolGeometry;
use super::window::{Pooling, Window, clear_uncovered, for_each_window, overlap};
use crate::parallel::{for_each_chunk, for_each_chunk_pair};
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, isa};

/// Largest element of each window. Overwrites `y` and `argmax`.
///
/// `argmax` gets the winner's place in its window, counted row by row over the whole window: what
/// [`max_pool_grad_input`] needs. Where several elements are equal the first in row-major order wins; the
/// first NaN of a window wins over everything.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn max_pool<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R], argmax: &mut [u16]) {
    let images = x.len() / g.input_len();
    check_len("x", x, images * g.input_len());
    check_len("y", y, images * g.output_len());
    check_len("argmax", argmax, images * g.output_len());
    for_each_chunk_pair((y, g.output_len()), (argmax, g.output_len()), |image, y, argmax| {
        R::max_pool(g, &x[image * g.input_len()..][..g.input_len()], y, Some(argmax));
    });
}

/// [`max_pool`] without the winners' places, for when no gradient is asked for.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn max_pool_values<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    let images = x.len() / g.input_len();
    check_len("x", x, images * g.input_len());
    check_len("y", y, images * g.output_len());
    for_each_chunk(y, g.output_len(), |image, y| {
        R::max_pool(g, &x[image * g.input_len()..][..g.input_len()], y, None);
    });
}

pub(crate) fn max_pool_of<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R], argmax: Option<&mut [u16]>) {
    match argmax {
        Some(argmax) => isa::dispatch(MaxPool::<R, true> { g, x, y, argmax }),
        None => isa::dispatch(MaxPool::<R, false> { g, x, y, argmax: &mut [] }),
    }
}

/// The maxima of one image and, if asked for, their places.
struct MaxPool<'a, R, const PLACES: bool> {
    g: &'a PoolGeometry,
    x: &'a [R],
    y: &'a mut [R],
    argmax: &'a mut [u16],
}

impl<R: Real, const PLACES: bool> Kernel<R> for MaxPool<'_, R, PLACES> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(mut self, simd: S) {
        check_len("x", self.x, self.g.input_len());
        check_len("y", self.y, self.g.output_len());
        check_len("argmax", self.argmax, if PLACES { self.g.output_len() } else { 0 });
        // SAFETY: these are the lengths of an image.
        unsafe { for_each_window(simd, self.g, &mut self) };
    }
}

impl<R: Real, const PLACES: bool> Pooling<R> for MaxPool<'_, R, PLACES> {
    #[inline(always)]
    unsafe fn window<S: Simd<R>>(&mut self, simd: S, window: Window) {
        let (mut max, mut place) = (simd.splat(R::NEG_INFINITY), simd.splat(window.place(0, 0)));
        for row in 0..window.rows {
            for column in 0..window.columns {
                // SAFETY: the caller's contract.
                let x = unsafe { window.load(simd, self.x, (row, column)) };
                place = simd.if_outdoes(x, max, simd.splat(window.place(row, column)), place);
                max = simd.if_outdoes(x, max, x, max);
            }
        }
        // SAFETY: `window` names elements inside the image.
        unsafe {
            simd.store_part_ptr(max, self.y.as_mut_ptr().add(window.output), window.lanes);
            if PLACES {
                simd.store_u16_part_ptr(place, self.argmax.as_mut_ptr().add(window.output), window.lanes);
            }
        }
    }
}

/// Gradient of [`max_pool`]: adds each `dy` to its window's winner. Overwrites `dx`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn max_pool_grad_input<R: Real>(g: &PoolGeometry, dy: &[R], argmax: &[u16], dx: &mut [R]) {
    let images = dx.len() / g.input_len();
    check_len("dx", dx, images * g.input_len());
    check_len("dy", dy, images * g.output_len());
    check_len("argmax", argmax, images * g.output_len());
    for_each_chunk(dx, g.input_len(), |image, dx| {
        let outputs = image * g.output_len()..(image + 1) * g.output_len();
        R::max_pool_grad_input(g, &dy[outputs.clone()], &argmax[outputs], dx);
    });
}

pub(crate) fn max_pool_grad_input_of<R: Real>(g: &PoolGeometry, dy: &[R], argmax: &[u16], dx: &mut [R]) {
    if overlap(g) {
        dx.fill(R::ZERO);
        isa::dispatch(MaxPoolGradInput::<R, true> { g, dy, argmax, dx });
    } else {
        clear_uncovered(g, dx);
        isa::dispatch(MaxPoolGradInput::<R, false> { g, dy, argmax, dx });
    }
}

/// Each tap gets `dy` if it has won, else zero; these add up where windows overlap.
struct MaxPoolGradInput<'a, R, const OVERLAP: bool> {
    g: &'a PoolGeometry,
    dy: &'a [R],
    argmax: &'a [u16],
    dx: &'a mut [R],
}

impl<R: Real, const OVERLAP: bool> Kernel<R> for MaxPoolGradInput<'_, R, OVERLAP> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(mut self, simd: S) {
        check_len("dy", self.dy, self.g.output_len());
        check_len("argmax", self.argmax, self.g.output_len());
        check_len("dx", self.dx, self.g.input_len());
        // SAFETY: these are the lengths of an image.
        unsafe { for_each_window(simd, self.g, &mut self) };
    }
}

impl<R: Real, const OVERLAP: bool> Pooling<R> for MaxPoolGradInput<'_, R, OVERLAP> {
    #[inline(always)]
    unsafe fn window<S: Simd<R>>(&mut self, simd: S, window: Window) {
        let zero = simd.splat(R::ZERO);
        // SAFETY: `window` names elements inside the image.
        let (dy, winner) = unsafe {
            (
                simd.load_part_ptr(self.dy.as_ptr().add(window.output), window.lanes),
                simd.load_u16_part_ptr(self.argmax.as_ptr().add(window.output), window.lanes),
            )
        };
        for row in 0..window.rows {
            for column in 0..window.columns {
                let won = simd.if_equal(winner, simd.splat(window.place(row, column)), dy, zero);
                // SAFETY: the caller's contract.
                unsafe { window.put::<R, S, OVERLAP>(simd, self.dx, (row, column), won) };
            }
        }
    }
}
