use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use super::ActivationFn;
use super::activation::ActivationLayer;
use crate::error::LayerError;
use crate::layer::{Layer, LayerInfo};

/// Configuration of a rectifier as a layer of its own: `y = min(max(x, 0), max_value)`, or `negative_slope·x` below 0.
///
/// It builds the layer of [`Activation`](super::Activation).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReLU {
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    max_value: Option<f64>,
    #[serde(default)]
    negative_slope: f64,
}

impl ReLU {
    /// `y = max(x, 0)`
    pub fn new() -> Self {
        Self::default()
    }

    /// The largest output: 6, or none if not set.
    pub fn max_value(mut self, max_value: f64) -> Self {
        self.max_value = Some(max_value);
        self
    }

    /// Slope for negative inputs; 0 if not set.
    pub fn negative_slope(mut self, negative_slope: f64) -> Self {
        self.negative_slope = negative_slope;
        self
    }

    pub(super) fn build<R: Real>(
        &self,
        info: LayerInfo,
        _seed: u64,
    ) -> Result<Box<dyn Layer<R>>, LayerError> {
        let function = match (self.max_value, self.negative_slope) {
            (None, 0.0) => ActivationFn::Relu,
            (None, slope) => ActivationFn::LeakyRelu { slope },
            (Some(6.0), 0.0) => ActivationFn::Relu6,
            (Some(max), 0.0) => return Err(LayerError::argument("max_value", max, "6 or none")),
            (Some(_), slope) => {
                return Err(LayerError::argument("negative_slope", slope, "0 where there is a max_value"));
            }
        };
        function.check::<R>()?;
        Ok(Box::new(ActivationLayer { info, function }))
    }
}
