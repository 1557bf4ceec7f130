use nn_kernels::{Real, optimizer};
use serde::{Deserialize, Serialize};

use super::check;
use crate::error::TrainError;

/// Stochastic gradient descent, optionally with momentum (Polyak, 1964; Nesterov's variant after Sutskever
/// et al., 2013), with Keras's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sgd {
    /// Step size.
    pub learning_rate: f64,
    /// Share of the last update that is kept.
    pub momentum: f64,
    /// Whether to look ahead along the momentum.
    pub nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { learning_rate: 0.01, momentum: 0.0, nesterov: false }
    }
}

impl Sgd {
    /// Plain gradient descent.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, ..Self::default() }
    }

    /// Sets the momentum.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets whether to look ahead.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }

    pub(super) fn check<R: Real>(&self) -> Result<(), TrainError> {
        check::<R>("learning_rate", self.learning_rate, "a finite number above 0", |lr| lr > 0.0)?;
        check::<R>("momentum", self.momentum, "at least 0 and below 1", |m| (0.0..1.0).contains(&m))
    }

    pub(super) fn slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    /// Without momentum `w -= lr·g`; with it `v = momentum·v - lr·g` and `w += v`.
    pub(super) fn update<R: Real>(&self, w: &mut [R], slots: &mut [Vec<R>], g: &[R]) {
        let lr = R::of(self.learning_rate);
        match slots {
            [velocity] => {
                optimizer::sgd_momentum(w, velocity, g, lr, R::of(self.momentum), self.nesterov);
            }
            _ => optimizer::sgd(w, g, lr),
        }
    }
}
