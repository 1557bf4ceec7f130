//! Parameter updates, in place, in one pass over the parameter.
//!
//! Products are rounded before they are added: memory is what takes the time, and without fused multiply-add the
//! result is the same bits on every instruction set.

use crate::lanewise::{Each, Lanewise};
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, for_each_chunk_pair, for_each_chunk_triple};
use crate::simd::Simd;
use crate::{Real, check_len, isa};

/// Plain gradient descent: `w -= lr·g`.
///
/// # Panics
/// If the lengths differ.
pub fn sgd<R: Real>(w: &mut [R], g: &[R], lr: R) {
    check_len("gradient", g, w.len());
    for_each_chunk(w, ELEMENTS_PER_CHUNK, |i, w| R::sgd(w, chunk(g, i, w.len()), lr));
}

/// The gradient's part that belongs to the `i`-th chunk.
fn chunk<R>(g: &[R], i: usize, len: usize) -> &[R] {
    &g[i * ELEMENTS_PER_CHUNK..][..len]
}

pub(crate) fn sgd_of<R: Real>(w: &mut [R], g: &[R], lr: R) {
    isa::dispatch(Each { f: Sgd { lr }, state: [w], input: [g] });
}

#[derive(Clone, Copy)]
struct Sgd<R> {
    lr: R,
}

impl<R: Real> Lanewise<R, 1, 1> for Sgd<R> {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [w]: [S::V; 1], [g]: [S::V; 1]) -> [S::V; 1] {
        [simd.sub(w, simd.mul(simd.splat(self.lr), g))]
    }
}

/// Gradient descent with momentum: `v = momentum·v - lr·g`, then `w += v`, or with Nesterov's look-ahead
/// `w += momentum·v - lr·g`.
///
/// # Panics
/// If the lengths differ.
pub fn sgd_momentum<R: Real>(w: &mut [R], velocity: &mut [R], g: &[R], lr: R, momentum: R, nesterov: bool) {
    check_len("gradient", g, w.len());
    check_len("velocity", velocity, w.len());
    let (w, velocity) = ((w, ELEMENTS_PER_CHUNK), (velocity, ELEMENTS_PER_CHUNK));
    for_each_chunk_pair(w, velocity, |i, w, velocity| {
        let g = chunk(g, i, w.len());
        R::sgd_momentum(w, velocity, g, lr, momentum, nesterov);
    });
}

pub(crate) fn sgd_momentum_of<R: Real>(
    w: &mut [R],
    velocity: &mut [R],
    g: &[R],
    lr: R,
    momentum: R,
    nesterov: bool,
) {
    isa::dispatch(Each { f: SgdMomentum { lr, momentum, nesterov }, state: [w, velocity], input: [g] });
}

#[derive(Clone, Copy)]
struct SgdMomentum<R> {
    lr: R,
    momentum: R,
    nesterov: bool,
}

impl<R: Real> Lanewise<R, 2, 1> for SgdMomentum<R> {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [w, v]: [S::V; 2], [g]: [S::V; 1]) -> [S::V; 2] {
        let momentum = simd.splat(self.momentum);
        let downhill = simd.mul(simd.splat(self.lr), g);
        let v = simd.sub(simd.mul(momentum, v), downhill);
        let step = if self.nesterov { simd.sub(simd.mul(momentum, v), downhill) } else { v };
        [simd.add(w, step), v]
    }
}

/// The scalars of one Adam step.
#[derive(Debug, Clone, Copy)]
pub struct AdamStep<R> {
    /// Step size with both bias corrections: `lr·sqrt(1 - beta2^t) / (1 - beta1^t)`.
    pub alpha: R,
    /// `1 - beta1`: how far the first moment moves towards the gradient.
    pub one_minus_beta1: R,
    /// `1 - beta2`: how far the second moment moves towards the squared gradient.
    pub one_minus_beta2: R,
    /// Added to the root of the second moment.
    pub epsilon: R,
}

/// Adam (Kingma & Ba, 2015, the form at the end of section 2, which Keras uses):
/// `m += (g - m)(1 - beta1)`, `v += (g² - v)(1 - beta2)`, `w -= alpha·m / (sqrt(v) + epsilon)`.
///
/// # Panics
/// If the lengths differ.
pub fn adam<R: Real>(w: &mut [R], m: &mut [R], v: &mut [R], g: &[R], step: AdamStep<R>) {
    check_len("gradient", g, w.len());
    check_len("m", m, w.len());
    check_len("v", v, w.len());
    for_each_chunk_triple(w, m, v, |i, w, m, v| {
        let g = chunk(g, i, w.len());
        R::adam(w, m, v, g, step);
    });
}

pub(crate) fn adam_of<R: Real>(w: &mut [R], m: &mut [R], v: &mut [R], g: &[R], step: AdamStep<R>) {
    isa::dispatch(Each { f: step, state: [w, m, v], input: [g] });
}

impl<R: Real> Lanewise<R, 3, 1> for AdamStep<R> {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [w, m, v]: [S::V; 3], [g]: [S::V; 1]) -> [S::V; 3] {
        let (rate1, rate2) = (simd.splat(self.one_minus_beta1), simd.splat(self.one_minus_beta2));
        let m = simd.add(m, simd.mul(simd.sub(g, m), rate1));
        let v = simd.add(v, simd.mul(simd.sub(simd.mul(g, g), v), rate2));
        let root = simd.add(simd.sqrt(v), simd.splat(self.epsilon));
        [simd.sub(w, simd.div(simd.mul(simd.splat(self.alpha), m), root)), m, v]
    }
}
