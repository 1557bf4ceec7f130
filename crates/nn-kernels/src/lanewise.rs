//! Work that treats each element on its own: one loop for all such kernels.

use crate::Real;
use crate::simd::{Kernel, Simd};

/// What becomes of each element of `STATE` arrays, given the elements of `INPUT` others at the same place.
pub(crate) trait Lanewise<R, const STATE: usize, const INPUT: usize>: Copy {
    /// The new elements; implement with `#[inline(always)]`.
    fn step<S: Simd<R>>(self, simd: S, state: [S::V; STATE], input: [S::V; INPUT]) -> [S::V; STATE];
}

/// Replaces each element of `state` by what `f` makes of it.
///
/// # Panics
/// If the arrays differ in length.
#[inline(always)]
pub(crate) fn each<R, S, F, const STATE: usize, const INPUT: usize>(
    simd: S,
    f: F,
    state: [&mut [R]; STATE],
    input: [&[R]; INPUT],
) where
    R: Real,
    S: Simd<R>,
    F: Lanewise<R, STATE, INPUT>,
{
    let len = state[0].len();
    assert!(state.iter().all(|array| array.len() == len), "arrays differ in length");
    assert!(input.iter().all(|array| array.len() == len), "arrays differ in length");
    let state = state.map(|array| array.as_mut_ptr());
    let input = input.map(|array| array.as_ptr());
    let whole = len / S::LANES * S::LANES;
    for at in (0..whole).step_by(S::LANES) {
        // SAFETY: `at..at + LANES` lies inside every array.
        unsafe { part(simd, f, state, input, at, S::LANES) };
    }
    if whole < len {
        // SAFETY: `whole..len` lies inside every array.
        unsafe { part(simd, f, state, input, whole, len - whole) };
    }
}

/// The elements `at..at + len`, one vector or the beginning of one.
///
/// # Safety
/// They lie inside every array, and `len <= LANES`.
#[inline(always)]
unsafe fn part<R, S, F, const STATE: usize, const INPUT: usize>(
    simd: S,
    f: F,
    state: [*mut R; STATE],
    input: [*const R; INPUT],
    at: usize,
    len: usize,
) where
    R: Real,
    S: Simd<R>,
    F: Lanewise<R, STATE, INPUT>,
{
    let mut states = [simd.splat(R::ZERO); STATE];
    let mut inputs = [simd.splat(R::ZERO); INPUT];
    // SAFETY: the caller's contract, for every access below.
    unsafe {
        for i in 0..STATE {
            states[i] = simd.load_part_ptr(state[i].add(at), len);
        }
        for i in 0..INPUT {
            inputs[i] = simd.load_part_ptr(input[i].add(at), len);
        }
        let states = f.step(simd, states, inputs);
        for i in 0..STATE {
            simd.store_part_ptr(states[i], state[i].add(at), len);
        }
    }
}

/// [`each`] as a kernel of its own.
pub(crate) struct Each<'a, R, F, const STATE: usize, const INPUT: usize> {
    pub f: F,
    pub state: [&'a mut [R]; STATE],
    pub input: [&'a [R]; INPUT],
}

impl<R, F, const STATE: usize, const INPUT: usize> Kernel<R> for Each<'_, R, F, STATE, INPUT>
where
    R: Real,
    F: Lanewise<R, STATE, INPUT>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        each(simd, self.f, self.state, self.input);
    }
}

/// `sum += value`
#[derive(Clone, Copy)]
pub(crate) struct Add;

impl<R: Real> Lanewise<R, 1, 1> for Add {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [sum]: [S::V; 1], [value]: [S::V; 1]) -> [S::V; 1] {
        [simd.add(sum, value)]
    }
}
