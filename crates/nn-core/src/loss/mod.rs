//! What training minimises.
//!
//! A loss is the mean over the batch, `sum of w_i·l_i / n`, of the losses `l_i` of the samples, with optional
//! weights `w_i`. (As in Keras 3 the divisor is `n`, not the sum of the weights.) Sums are taken in `f64`.

mod crossentropy;
mod mean_squared_error;

use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use crate::error::LayerError;
use crate::tensor::{Elements, Tensor};
use crate::train::Targets;

/// A loss, with Keras's names and arguments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Loss {
    /// `l = -sum over c of t_c·ln p_c` for target distributions `t`; class numbers count as one-hot.
    CategoricalCrossentropy {
        /// Share of each target that is spread evenly over all classes.
        label_smoothing: f64,
        /// Whether the network ends in logits; otherwise it must end in a softmax.
        from_logits: bool,
    },
    /// `l = -ln p_t` for class numbers `t`.
    SparseCategoricalCrossentropy {
        /// Whether the network ends in logits; otherwise it must end in a softmax.
        from_logits: bool,
    },
    /// `l = mean over c of (y_c - t_c)²`.
    MeanSquaredError,
}

impl Loss {
    /// Cross-entropy after a softmax, without label smoothing.
    pub fn categorical_crossentropy() -> Self {
        Self::CategoricalCrossentropy { label_smoothing: 0.0, from_logits: false }
    }

    /// Cross-entropy after a softmax, for class numbers.
    pub fn sparse_categorical_crossentropy() -> Self {
        Self::SparseCategoricalCrossentropy { from_logits: false }
    }

    /// Whether the loss is a function of the logits, with the softmax inside it.
    ///
    /// The two are differentiated in one step, which is exact where their product would be `0·inf`.
    pub fn takes_logits(&self) -> bool {
        !matches!(self, Self::MeanSquaredError)
    }

    pub(crate) fn wants_raw_logits(&self) -> bool {
        match self {
            Self::CategoricalCrossentropy { from_logits, .. }
            | Self::SparseCategoricalCrossentropy { from_logits } => *from_logits,
            Self::MeanSquaredError => false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), LayerError> {
        match self {
            Self::CategoricalCrossentropy { label_smoothing, .. }
                if !(0.0..=1.0).contains(label_smoothing) =>
            {
                Err(LayerError::argument("label_smoothing", label_smoothing, "a number from 0 to 1"))
            }
            _ => Ok(()),
        }
    }

    /// The loss of a batch, and its gradient written to `grad`.
    ///
    /// # Shapes
    /// `output`, `grad`: `[n, classes]`, logits if [`Loss::takes_logits`]; `targets`: `n` class numbers or
    /// `[n, classes]` values; `weights`: `n` numbers.
    ///
    /// # Panics
    /// If the shapes do not match or a class number is out of range; data sets are checked before training.
    pub fn value_and_gradient<R: Real>(
        &self,
        output: &Tensor<R>,
        targets: &Targets<R>,
        weights: Option<&[f64]>,
        grad: &mut Tensor<R>,
    ) -> f64 {
        let rows = output.shape()[0];
        let classes = output.len() / rows.max(1);
        assert_eq!(targets.len(), rows, "as many targets as outputs");
        let mut sum = 0.0;
        let mut target = vec![0.0; classes];
        let rows_of =
            output.elements().chunks_exact(classes).zip(grad.elements_mut().chunks_exact_mut(classes));
        for (i, (y, dy)) in rows_of.enumerate() {
            targets.write_row(i, &mut target);
            let weight = weights.map_or(1.0, |weights| weights[i]);
            let scale = weight / rows as f64;
            let loss = match self {
                Self::CategoricalCrossentropy { label_smoothing, .. } => {
                    crossentropy::smooth(&mut target, *label_smoothing);
                    crossentropy::row(y, &target, scale, dy)
                }
                Self::SparseCategoricalCrossentropy { .. } => crossentropy::row(y, &target, scale, dy),
                Self::MeanSquaredError => mean_squared_error::row(y, &target, scale, dy),
            };
            sum += weight * loss;
        }
        if rows == 0 { 0.0 } else { sum / rows as f64 }
    }
}
