//! Optimisers: how a gradient changes a parameter.
//!
//! A configuration ([`Sgd`], [`Adam`]) is a value; an [`Optimizer`] is a configuration with its state, one set
//! of accumulators for each parameter.

mod adam;
mod sgd;

use ndarray::ArrayD;
use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::layer::Param;
use crate::number::{expectation, usable};
use crate::tensor::Elements;

pub use adam::Adam;
pub use sgd::Sgd;

/// The configuration of an optimiser; as JSON `{"class_name": "Adam", "config": {..}}`, as in Keras.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "class_name", content = "config")]
pub enum OptimizerConfig {
    /// Gradient descent.
    #[serde(rename = "SGD")]
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
}

impl From<Sgd> for OptimizerConfig {
    fn from(config: Sgd) -> Self {
        Self::Sgd(config)
    }
}

impl From<Adam> for OptimizerConfig {
    fn from(config: Adam) -> Self {
        Self::Adam(config)
    }
}

impl OptimizerConfig {
    /// Whether training in the element type `R` can use every number.
    ///
    /// # Errors
    /// If one is out of range, or vanishes or overflows when it is rounded to `R`; the message names it.
    pub fn check<R: Real>(&self) -> Result<(), TrainError> {
        match self {
            Self::Sgd(config) => config.check::<R>(),
            Self::Adam(config) => config.check::<R>(),
        }
    }

    /// How many accumulators each parameter has.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Self::Sgd(config) => config.slots(),
            Self::Adam(_) => 2,
        }
    }

    /// The learning rate.
    pub fn learning_rate(&self) -> f64 {
        match self {
            Self::Sgd(config) => config.learning_rate,
            Self::Adam(config) => config.learning_rate,
        }
    }

    /// Replaces the learning rate.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        match self {
            Self::Sgd(config) => config.learning_rate = learning_rate,
            Self::Adam(config) => config.learning_rate = learning_rate,
        }
    }
}

/// An optimiser and its state.
#[derive(Debug, Clone)]
pub struct Optimizer<R> {
    config: OptimizerConfig,
    /// Updates done so far.
    iterations: u64,
    /// For each parameter its accumulators: none, `[velocity]` or `[m, v]`.
    slots: Vec<Vec<Vec<R>>>,
}

impl<R: Real> Optimizer<R> {
    /// An optimiser at its beginning.
    ///
    /// # Errors
    /// If an argument is out of range, or is so in the element type: a learning rate of 1e-46 is 0 in `f32`.
    pub fn new(config: impl Into<OptimizerConfig>) -> Result<Self, TrainError> {
        let config = config.into();
        config.check::<R>()?;
        Ok(Self { config, iterations: 0, slots: Vec::new() })
    }

    /// The configuration.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// Replaces the learning rate for the next updates.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        self.config.set_learning_rate(learning_rate);
    }

    /// Updates done so far.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The accumulators: for each parameter, in order, none, `[velocity]` or `[m, v]`.
    pub fn slots(&self) -> &[Vec<Vec<R>>] {
        &self.slots
    }

    /// Continues from a state that [`Optimizer::iterations`] and [`Optimizer::slots`] gave.
    pub fn restore(&mut self, iterations: u64, slots: Vec<Vec<Vec<R>>>) {
        (self.iterations, self.slots) = (iterations, slots);
    }

    /// Changes every parameter that has a gradient. The parameters must be the same, in the same order, at
    /// each call.
    pub fn step<'a>(&mut self, params: impl Iterator<Item = (&'a mut Param<R>, Option<&'a ArrayD<R>>)>) {
        self.iterations += 1;
        for (i, (param, grad)) in params.enumerate() {
            if self.slots.len() == i {
                self.slots.push(Vec::new());
            }
            let Some(grad) = grad else { continue };
            let slots = &mut self.slots[i];
            slots.resize_with(self.config.slots(), || vec![R::zero(); grad.len()]);
            let grad = grad.as_slice().expect("gradients are contiguous");
            let w = param.value.elements_mut();
            match self.config {
                OptimizerConfig::Sgd(config) => config.update(w, slots, grad),
                OptimizerConfig::Adam(config) => config.update(w, slots, grad, self.iterations),
            }
        }
    }
}

/// # Errors
/// If `value` is not a finite number that `allowed` accepts, before and after it is rounded to `R`.
fn check<R: Real>(
    name: &'static str,
    value: f64,
    expected: &str,
    allowed: impl Fn(f64) -> bool,
) -> Result<(), TrainError> {
    if usable::<R>(value, allowed) {
        Ok(())
    } else {
        Err(TrainError::option(name, value, expectation::<R>(value, expected)))
    }
}
