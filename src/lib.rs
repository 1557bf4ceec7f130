//! Vitrine: a convolutional network under glass.
//!
//! This package joins the workspace's crates under one name and holds the tests that span them.
//!
//! * [`core`]: layers, losses, optimisers, training, gradient checks;
//! * [`kernels`]: the arithmetic beneath;
//! * [`zoo`]: named networks;
//! * [`tpe`]: Bayesian search for hyper-parameters;
//! * [`fer`]: the study of facial emotion recognition.

pub use fer;
pub use nn_core as core;
pub use nn_core::kernels;
pub use nn_zoo as zoo;
pub use tpe;

/// The program of a chapter of the book, run as a test of this documentation.
#[cfg(doctest)]
#[doc = include_str!("../docs/src/adding_a_layer.md")]
mod adding_a_layer {}
