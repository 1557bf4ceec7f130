//! The comparisons that tests make: the same bits, a bound on each element, an inner product.

#![allow(dead_code)] // Each test file uses some of it.

use std::fmt::Display;

use nn_kernels::Real;

/// Panics unless both arrays hold the same bits; `what` says what was computed.
#[track_caller]
pub fn assert_same_bits<R: Real>(what: impl Display, got: &[R], expected: &[R]) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        // `f32` to `f64` keeps every bit, the sign of zero included.
        let same = got.as_f64().to_bits() == expected.as_f64().to_bits();
        assert!(same, "{what}: element {i} is {got:?}, expected {expected:?} ({})", R::NAME);
    }
}

/// The largest error of `got` in units of the rounding error that a sum of `k` products may have,
/// `(8 + sqrt(k))·u·(|A|·|B|)`; `magnitude` is `|A|·|B|`. Panics if it exceeds `allowed`, which is 1 for plain sums.
///
/// The bound grows with the depth of the sum and does not vanish where the terms cancel.
#[track_caller]
pub fn worst_ratio(
    what: impl Display,
    got: &[f32],
    expected: &[f64],
    magnitude: &[f64],
    k: usize,
    allowed: f64,
) -> f64 {
    assert!(got.len() == expected.len() && got.len() == magnitude.len(), "{what}: length");
    let unit = (8.0 + (k as f64).sqrt()) * 2f64.powi(-24);
    let mut worst = 0f64;
    for (i, ((&got, &expected), &magnitude)) in got.iter().zip(expected).zip(magnitude).enumerate() {
        let error = (f64::from(got) - expected).abs();
        let bound = allowed * unit * magnitude;
        // Written so that NaN fails.
        let bounded = error <= bound;
        assert!(bounded, "{what}: element {i} is {got}, expected {expected} within {bound:e}");
        if magnitude > 0.0 {
            worst = worst.max(error / (unit * magnitude));
        }
    }
    worst
}

/// `<a, b>`, exact for integers.
pub fn inner_product<R: Real>(a: &[R], b: &[R]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.as_f64() * b.as_f64()).sum()
}
