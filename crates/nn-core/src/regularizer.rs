//! Penalties on parameters, in Keras's sense.

use nn_kernels::Real;
use nn_kernels::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use serde::{Deserialize, Serialize};

use crate::error::LayerError;
use crate::number::{expectation, usable};

/// The penalty `l1·sum(|w|) + l2·sum(w²)`, added to the loss that is minimised and reported.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Regularizer {
    /// Factor of the sum of absolute values.
    pub l1: f64,
    /// Factor of the sum of squares (without a half, as in Keras: the gradient is `2·l2·w`).
    pub l2: f64,
}

impl Regularizer {
    /// `l1·sum(|w|)`
    pub fn l1(l1: f64) -> Self {
        Self { l1, l2: 0.0 }
    }

    /// `l2·sum(w²)`
    pub fn l2(l2: f64) -> Self {
        Self { l1: 0.0, l2 }
    }

    /// `l1·sum(|w|) + l2·sum(w²)`
    pub fn l1_l2(l1: f64, l2: f64) -> Self {
        Self { l1, l2 }
    }

    /// # Errors
    /// If a factor is negative, not finite, or vanishes or overflows in the element type.
    pub(crate) fn check<R: Real>(&self) -> Result<(), LayerError> {
        // The gradient has twice the second factor.
        for (name, value, factor) in [("l1", self.l1, 1.0), ("l2", self.l2, 2.0)] {
            let allowed = |value: f64| value >= 0.0;
            if !(usable::<R>(value, allowed) && usable::<R>(factor * value, allowed)) {
                let expected = expectation::<R>(factor * value, "a finite number of at least 0");
                return Err(LayerError::argument(name, value, &expected));
            }
        }
        Ok(())
    }

    /// The penalty on `w`, summed in `f64`.
    pub fn penalty<R: Real>(&self, w: &[R]) -> f64 {
        let mut sums = vec![Sums::default(); w.len().div_ceil(ELEMENTS_PER_CHUNK)];
        for_each_chunk(&mut sums, 1, |i, sums| {
            let start = i * ELEMENTS_PER_CHUNK;
            sums[0] = Sums::of(&w[start..w.len().min(start + ELEMENTS_PER_CHUNK)]);
        });
        let total = sums.into_iter().fold(Sums::default(), Sums::plus);
        self.l1 * total.abs + self.l2 * total.square
    }

    /// Adds the penalty's gradient, `l1·sign(w) + 2·l2·w` with `sign(0) = 0`, to `grad`.
    pub fn add_gradient<R: Real>(&self, w: &[R], grad: &mut [R]) {
        let (l1, two_l2) = (R::of(self.l1), R::of(2.0 * self.l2));
        for_each_chunk(grad, ELEMENTS_PER_CHUNK, |i, grad| {
            for (grad, &w) in grad.iter_mut().zip(&w[i * ELEMENTS_PER_CHUNK..]) {
                let sign = if w > R::zero() {
                    R::one()
                } else if w < R::zero() {
                    -R::one()
                } else {
                    R::zero()
                };
                *grad += l1 * sign + two_l2 * w;
            }
        });
    }
}

/// What the penalties sum.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    abs: f64,
    square: f64,
}

impl Sums {
    /// The sums over `w`, in strands that do not wait for each other's additions.
    fn of<R: Real>(w: &[R]) -> Self {
        const STRANDS: usize = 8;
        let mut strands = [Self::default(); STRANDS];
        for w in w.chunks(STRANDS) {
            for (sums, w) in strands.iter_mut().zip(w) {
                let w = w.as_f64();
                *sums = sums.plus(Self { abs: w.abs(), square: w * w });
            }
        }
        strands.into_iter().fold(Self::default(), Self::plus)
    }

    fn plus(self, other: Self) -> Self {
        Self { abs: self.abs + other.abs, square: self.square + other.square }
    }
}
