//! Penalties on parameters, in Keras's sense.

use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::error::LayerError;

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
    /// If a factor is negative or not finite.
    pub(crate) fn check(&self) -> Result<(), LayerError> {
        for (name, value) in [("l1", self.l1), ("l2", self.l2)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(LayerError::argument(name, value, "a finite number of at least 0"));
            }
        }
        Ok(())
    }

    /// The penalty on `w`, summed in `f64`.
    pub fn penalty<R: Real>(&self, w: &[R]) -> f64 {
        let sums = |w: &[R]| {
            w.iter().map(|w| w.as_f64()).fold((0.0, 0.0), |(abs, square), w| (abs + w.abs(), square + w * w))
        };
        let (abs, square) = sums(w);
        self.l1 * abs + self.l2 * square
    }

    /// Adds the penalty's gradient, `l1·sign(w) + 2·l2·w` with `sign(0) = 0`, to `grad`.
    pub fn add_gradient<R: Real>(&self, w: &[R], grad: &mut [R]) {
        let (l1, two_l2) = (R::of(self.l1), R::of(2.0 * self.l2));
        for (grad, &w) in grad.iter_mut().zip(w) {
            let sign = if w > R::zero() {
                R::one()
            } else if w < R::zero() {
                -R::one()
            } else {
                R::zero()
            };
            *grad += l1 * sign + two_l2 * w;
        }
    }
}
