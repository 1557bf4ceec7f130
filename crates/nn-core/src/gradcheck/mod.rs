//! Gradient checks: is the hand-written derivative the derivative?
//!
//! [`check_layer`] compares the backward pass of any [`Layer`](crate::layer::Layer), yours included, with
//! central differences in `f64`, element by element, for the input and each parameter. [`check_network`]
//! compares a whole network with differences along random directions, which costs a few forward passes per
//! parameter tensor instead of two per element.
//!
//! # What is compared
//! A layer has many outputs; they are folded into one number with fixed random weights, `L = sum u·y`. Then
//! `dL/dy = u` goes into the backward pass, and
//!
//! ```text
//! dL/dw ≈ (L(w + ε) - L(w - ε)) / 2ε,     error O(ε²) from the curvature, O(u|L|/ε) from rounding
//! ```
//!
//! In `f64` the default `ε = 1e-5` leaves about 1e-10; the default tolerance is a relative error of 1e-7. (In
//! `f32` the best choice of `ε` leaves 1e-4 to 1e-3, which hides many errors, so there are no `f32` checks:
//! layers are generic, and what is proved in `f64` is the code that trains.)
//!
//! # What else is tried
//! A step of training relies on more promises of a [`Layer`](crate::layer::Layer) than that of the right derivative: it
//! gives it slices of the batch, prepared parameters, used buffers. Each is tried by comparing two computations of the
//! same thing, and a breach is told by the method's name ([`Report::violations`]). [`check_network`] also compares a
//! whole step of training with the plain pass.
//!
//! NaN and infinities are no kinks: they make [`Report::worst_error`] NaN. An element that is a tenth off is seen however
//! small it is next to the others, as far as its differences can be relied on ([`TensorReport::error`]).
//!
//! # Kinks
//! At a kink (ReLU at 0, a tie in max pooling) there is no derivative to compare with. The second difference
//! `(L(w+h) - 2·L(w) + L(w-h)) / h` tells: for a smooth function halving `h` halves it, across a kink it does
//! not; two halvings are compared. A point where it does not is thrown away and another one is drawn; the report counts them.
//!
//! ```
//! use nn_core::gradcheck::{Options, check_layer};
//! use nn_core::layers::{ActivationFn, Conv2D, LayerConfig};
//!
//! let conv = LayerConfig::from(Conv2D::new(3, 2).activation(ActivationFn::Relu));
//! let mut layer = conv.build::<f64>(&nn_core::Shape::new([4, 5, 2]), 1)?;
//! let report = check_layer(layer.as_mut(), 2, &Options::default());
//! assert!(report.passed(), "{report}");
//! # Ok::<(), nn_core::error::LayerError>(())
//! ```

mod agreement;
mod contract;
mod difference;
mod layer;
mod network;
mod report;

pub use layer::{check_layer, check_layer_at};
pub use network::check_network;
pub use report::{Entry, Report, TensorReport};

/// How a check is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Step of the differences.
    pub epsilon: f64,
    /// Largest relative error that passes; see [`TensorReport::error`].
    pub tolerance: f64,
    /// Elements to check of each tensor, chosen by the seed; all if `None`.
    pub sample: Option<usize>,
    /// Seed of the point, the folding weights, the directions and the samples.
    pub seed: u64,
    /// How often another point is drawn for an element that sits on a kink.
    pub attempts: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { epsilon: 1e-5, tolerance: 1e-7, sample: None, seed: 0, attempts: 20 }
    }
}
