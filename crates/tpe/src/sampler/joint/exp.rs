//! The exponential function for sums of many terms.

use std::f64::consts::LOG2_E;

/// `ln 2` in two parts, the first of which has so few digits that its multiples by exponents are exact.
const LN_2: (f64, f64) = (f64::from_bits(0x3fe6_2e42_fee0_0000), 1.908_214_929_270_587_7e-10);

/// Adding this moves the ones of a small number to the end of the significand: it rounds.
const ROUND: f64 = 1.5 * (1u64 << 52) as f64;

/// Below this the result counts as the one here, `10⁻³⁰⁴`: its exponent must not run out.
const LEAST: f64 = -700.0;

/// `eˣ` for `x <= 0`, to a relative `10⁻¹⁵`. Without branches and tables, so that a loop over it becomes vector
/// instructions: `2ⁿ eʳ` with `|r| <= ½ ln 2`, and Taylor's polynomial for `eʳ`.
#[inline]
pub(super) fn exp(x: f64) -> f64 {
    let x = if x > LEAST { x } else { LEAST };
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2.0) - n * LN_2.1;
    let mut sum = 1.0;
    for k in (1..=12).rev() {
        sum = 1.0 + sum * r * const { inverses() }[k];
    }
    // The last bits of `shifted` are n; they go to the exponent of 1.
    sum * f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()))
}

/// `1 / k`.
const fn inverses() -> [f64; 13] {
    let mut inverses = [1.0; 13];
    let mut k = 1;
    while k < 13 {
        inverses[k] = 1.0 / k as f64;
        k += 1;
    }
    inverses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_a_correct_exponential() {
        let mut worst = 0f64;
        for i in 0..=700_000 {
            let x = -(i as f64) * 1e-3 * 0.999_9;
            worst = worst.max((exp(x) / libm::exp(x) - 1.0).abs());
        }
        assert!(worst < 1e-15, "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(-1e9) < 1e-300 && exp(f64::NEG_INFINITY) < 1e-300);
    }
}
