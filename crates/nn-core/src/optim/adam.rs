use nn_kernels::Real;
use nn_kernels::optimizer::{self, AdamStep};
use serde::{Deserialize, Serialize};

use super::check;
use crate::error::TrainError;

/// Adam (Kingma & Ba, 2015) with Keras's defaults, in the form that Keras uses: epsilon is added to the root of
/// the *uncorrected* second moment, and both corrections go into the step size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the mean of the gradients.
    pub beta_1: f64,
    /// Decay of the mean of the squared gradients.
    pub beta_2: f64,
    /// Keeps the quotient finite.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 1e-3, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Adam {
    /// Adam with the given learning rate.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    pub(super) fn check<R: Real>(&self) -> Result<(), TrainError> {
        check::<R>("learning_rate", self.learning_rate, "a finite number above 0", |lr| lr > 0.0)?;
        // What is rounded is 1 less them.
        check::<f64>("beta_1", self.beta_1, "at least 0 and below 1", |b| (0.0..1.0).contains(&b))?;
        check::<f64>("beta_2", self.beta_2, "at least 0 and below 1", |b| (0.0..1.0).contains(&b))?;
        check::<R>("epsilon", self.epsilon, "a finite number above 0", |e| e > 0.0)
    }

    /// The `t`-th update, counted from 1.
    pub(super) fn update<R: Real>(&self, w: &mut [R], slots: &mut [Vec<R>], g: &[R], t: u64) {
        let [m, v] = slots else { unreachable!("Adam has two slots") };
        let correction = (1.0 - self.beta_2.powf(t as f64)).sqrt() / (1.0 - self.beta_1.powf(t as f64));
        let step = AdamStep {
            alpha: R::of(self.learning_rate * correction),
            one_minus_beta1: R::of(1.0 - self.beta_1),
            one_minus_beta2: R::of(1.0 - self.beta_2),
            epsilon: R::of(self.epsilon),
        };
        optimizer::adam(w, m, v, g, step);
    }
}
