//! The exponential function and what is made of it, in vectors.
//!
//! After Cody & Waite (1980): `e^x = 2^n · e^r` with `n = round(x / ln 2)` and `r = x - n·ln 2`. `ln 2` is kept in
//! two parts, the first so short that `n` times it is exact; then `|r| <= ln 2 / 2`, where a polynomial
//! `e^r - 1 = r + r²·q(r)` suffices.
//!
//! The largest errors over all `f32`, in units in the last place of the exact result, as `tests::every_f32` finds
//! them:
//!
//! | | fused multiply-add | portable |
//! |---|---|---|
//! | [`exp`] | 1.01 | 0.99 |
//! | [`exp_m1`] | 1.44 | 1.57 |
//! | [`sigmoid`] | 2.40 | 2.40 |
//! | [`tanh`] | 2.50 | 2.50 |
//!
//! The instruction sets with fused multiply-add give the same bits; the portable one differs in the last bits.

use crate::Real;
use crate::simd::Simd;

#[cfg(test)]
mod tests;

/// The numbers that [`exp`] needs for one element type.
#[derive(Debug, Clone, Copy)]
pub struct Constants<R: 'static> {
    /// Below it `e^x` rounds to zero.
    lowest: R,
    /// Above it `e^x` overflows.
    highest: R,
    /// `1 / ln 2`
    log2_e: R,
    /// The first bits of `ln 2`.
    ln_2_high: R,
    /// The rest of `ln 2`.
    ln_2_low: R,
    /// The coefficients of `q`, highest power first.
    q: &'static [R],
}

impl Constants<f32> {
    /// `q` is the minimax polynomial of Moshier's Cephes library.
    pub(crate) const F32: Self = Self {
        lowest: -104.0,
        highest: 89.0,
        log2_e: std::f32::consts::LOG2_E,
        ln_2_high: 0.693_359_4,
        ln_2_low: -2.121_944_4e-4,
        q: &[1.987_569_2e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5],
    };
}

impl Constants<f64> {
    /// `q` is the Taylor series, to `1 / 13!`.
    pub(crate) const F64: Self = Self {
        lowest: -746.0,
        highest: 710.0,
        log2_e: std::f64::consts::LOG2_E,
        ln_2_high: 0.693_145_751_953_125,
        ln_2_low: 1.428_606_820_309_417_2e-6,
        q: &[
            1.0 / 6_227_020_800.0,
            1.0 / 479_001_600.0,
            1.0 / 39_916_800.0,
            1.0 / 3_628_800.0,
            1.0 / 362_880.0,
            1.0 / 40_320.0,
            1.0 / 5040.0,
            1.0 / 720.0,
            1.0 / 120.0,
            1.0 / 24.0,
            1.0 / 6.0,
            1.0 / 2.0,
        ],
    };
}

/// `e^x`: infinity where it overflows, in steps down to 0 where it underflows, NaN for NaN.
#[inline(always)]
pub(crate) fn exp<R: Real, S: Simd<R>>(simd: S, x: S::V) -> S::V {
    let (n, e_r_minus_1) = reduce(simd, x);
    simd.scale_by_power_of_two(simd.add(simd.splat(R::ONE), e_r_minus_1), n)
}

/// `e^x - 1` without cancellation near 0, for `x <= 88`.
#[inline(always)]
pub(crate) fn exp_m1<R: Real, S: Simd<R>>(simd: S, x: S::V) -> S::V {
    let one = simd.splat(R::ONE);
    let (n, e_r_minus_1) = reduce(simd, x);
    // 2^n·e^r - 1 = 2^n·(e^r - 1) + (2^n - 1)
    let scale = simd.scale_by_power_of_two(one, n);
    simd.mul_add(scale, e_r_minus_1, simd.sub(scale, one))
}

/// `1 / (1 + e^-x)`
#[inline(always)]
pub(crate) fn sigmoid<R: Real, S: Simd<R>>(simd: S, x: S::V) -> S::V {
    // For x < 0 it is e^x / (1 + e^x), so that the power never overflows.
    let (zero, one) = (simd.splat(R::ZERO), simd.splat(R::ONE));
    let power = exp(simd, simd.min(x, simd.sub(zero, x)));
    simd.div(simd.if_greater(zero, x, power, one), simd.add(one, power))
}

/// `tanh x = (1 - e^-2x) / (1 + e^-2x)`, computed for `|x|` and mirrored.
#[inline(always)]
pub(crate) fn tanh<R: Real, S: Simd<R>>(simd: S, x: S::V) -> S::V {
    let (zero, two) = (simd.splat(R::ZERO), simd.splat(R::of(2.0)));
    let minus_abs = simd.min(x, simd.sub(zero, x));
    let power_minus_1 = exp_m1(simd, simd.add(minus_abs, minus_abs));
    let mirrored = simd.div(power_minus_1, simd.add(two, power_minus_1));
    simd.if_greater(x, zero, simd.sub(zero, mirrored), mirrored)
}

/// `n` and `e^r - 1`
#[inline(always)]
fn reduce<R: Real, S: Simd<R>>(simd: S, x: S::V) -> (S::V, S::V) {
    let constants = R::EXP;
    // Limits first: NaN must pass through, see `Simd::max`.
    let x = simd.min(simd.splat(constants.highest), simd.max(simd.splat(constants.lowest), x));
    let n = simd.round(simd.mul(x, simd.splat(constants.log2_e)));
    let r = simd.neg_mul_add(n, simd.splat(constants.ln_2_high), x);
    let r = simd.neg_mul_add(n, simd.splat(constants.ln_2_low), r);
    let mut q = simd.splat(constants.q[0]);
    for &coefficient in &constants.q[1..] {
        q = simd.mul_add(q, r, simd.splat(coefficient));
    }
    (n, simd.mul_add(simd.mul(r, r), q, r))
}
