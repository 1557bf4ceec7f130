//! Initial values of parameters, with Keras's names and formulas.

use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::rng::Stream;
use crate::tensor::{Tensor, tensor};

/// How a parameter gets its initial values.
///
/// The scaled families draw with variance `scale / fan` (He et al., 2015; Glorot & Bengio, 2010): *uniform* in
/// `±sqrt(3·scale / fan)`, *normal* from a normal distribution cut off at two standard deviations and widened
/// so that the variance after the cut is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All the same value.
    Constant(f64),
    /// Variance `2 / (fan_in + fan_out)`, uniform: Keras's default for kernels.
    GlorotUniform,
    /// Variance `2 / (fan_in + fan_out)`, truncated normal.
    GlorotNormal,
    /// Variance `2 / fan_in`, uniform.
    HeUniform,
    /// Variance `2 / fan_in`, truncated normal.
    HeNormal,
    /// Variance `1 / fan_in`, uniform.
    LecunUniform,
    /// Variance `1 / fan_in`, truncated normal.
    LecunNormal,
}

/// Standard deviation of a standard normal that is cut off at ±2.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// Draws a tensor. `fans` are (fan_in, fan_out): how many inputs an output sums over, and how many outputs
    /// an input reaches.
    pub fn draw<R: Real>(self, shape: &[usize], fans: (usize, usize), stream: &mut Stream) -> Tensor<R> {
        let count = shape.iter().product();
        let (fan_in, fan_out) = (fans.0.max(1) as f64, fans.1.max(1) as f64);
        let glorot = 2.0 / (fan_in + fan_out);
        let values = match self {
            Self::Zeros => vec![R::zero(); count],
            Self::Ones => vec![R::one(); count],
            Self::Constant(value) => vec![R::of(value); count],
            Self::GlorotUniform => uniform(count, glorot, stream),
            Self::GlorotNormal => truncated_normal(count, glorot, stream),
            Self::HeUniform => uniform(count, 2.0 / fan_in, stream),
            Self::HeNormal => truncated_normal(count, 2.0 / fan_in, stream),
            Self::LecunUniform => uniform(count, 1.0 / fan_in, stream),
            Self::LecunNormal => truncated_normal(count, 1.0 / fan_in, stream),
        };
        tensor(shape, values)
    }
}

fn uniform<R: Real>(count: usize, variance: f64, stream: &mut Stream) -> Vec<R> {
    let limit = (3.0 * variance).sqrt();
    (0..count).map(|_| R::of(stream.uniform(-limit, limit))).collect()
}

fn truncated_normal<R: Real>(count: usize, variance: f64, stream: &mut Stream) -> Vec<R> {
    let std = variance.sqrt() / TRUNCATED_STD;
    let mut draw = || {
        loop {
            let value = stream.normal();
            if value.abs() <= 2.0 {
                return R::of(std * value);
            }
        }
    };
    (0..count).map(|_| draw()).collect()
}
