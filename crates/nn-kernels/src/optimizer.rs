//! Parameter updates, in place, in one pass over the parameter.

use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk, for_each_chunk_pair, for_each_chunk_triple};
use crate::{Real, check_len};

/// Plain gradient descent: `w -= lr·g`.
///
/// # Panics
/// If the lengths differ.
pub fn sgd<R: Real>(w: &mut [R], g: &[R], lr: R) {
    check_len("gradient", g, w.len());
    for_each_chunk(w, ELEMENTS_PER_CHUNK, |i, w| {
        for (w, &g) in w.iter_mut().zip(&g[i * ELEMENTS_PER_CHUNK..]) {
            *w -= lr * g;
        }
    });
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
        for ((w, v), &g) in w.iter_mut().zip(velocity).zip(&g[i * ELEMENTS_PER_CHUNK..]) {
            *v = momentum * *v - lr * g;
            *w += if nesterov { momentum * *v - lr * g } else { *v };
        }
    });
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
        let g = &g[i * ELEMENTS_PER_CHUNK..];
        for (((w, m), v), &g) in w.iter_mut().zip(m).zip(v).zip(g) {
            *m += (g - *m) * step.one_minus_beta1;
            *v += (g * g - *v) * step.one_minus_beta2;
            *w -= step.alpha * *m / (v.sqrt() + step.epsilon);
        }
    });
}
