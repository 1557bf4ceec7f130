//! Softmax and cross-entropy in one.
//!
//! With `p = softmax(z)`:
//!
//! ```text
//! l      = -sum_c t_c·ln p_c  =  sum_c t_c·(logsumexp(z) - z_c)
//! dl/dz_c = p_c·(sum_k t_k) - t_c
//! ```
//!
//! `logsumexp(z) = m + ln sum_c e^(z_c - m)` with `m = max z` neither overflows nor takes the logarithm of 0.

use nn_kernels::Real;

/// Loss of one row of logits; writes `scale` times its gradient to `dz`.
pub(super) fn row<R: Real>(z: &[R], target: &[f64], scale: f64, dz: &mut [R]) -> f64 {
    // f64::max passes over NaN; the sum below does not, so a NaN logit gives a NaN loss.
    let max = z.iter().map(|z| z.as_f64()).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = z.iter().map(|z| (z.as_f64() - max).exp()).sum();
    let log_sum = max + sum.ln();
    let mass: f64 = target.iter().sum();
    let mut loss = 0.0;
    for ((&z, dz), &t) in z.iter().zip(dz).zip(target) {
        let log_p = z.as_f64() - log_sum;
        if t != 0.0 {
            loss -= t * log_p;
        }
        *dz = R::of(scale * (log_p.exp() * mass - t));
    }
    // Where no target is set, NaN logits must still show.
    if log_sum.is_nan() { f64::NAN } else { loss }
}

/// Label smoothing (Szegedy et al., 2016): `t_c·(1 - s) + s / classes`.
pub(super) fn smooth(target: &mut [f64], s: f64) {
    let classes = target.len() as f64;
    for t in target {
        *t = *t * (1.0 - s) + s / classes;
    }
}
