//! The Vitrine engine: layers with hand-written backward passes, losses, optimisers, training, checks.
//!
//! Activations are **NHWC** (Keras's `channels_last`), convolution kernels `[kh, kw, in_c, out_c]`, dense
//! kernels `[in, out]`: Keras's own layout. Names and defaults of layers, arguments and metrics are Keras's.
//!
//! The way through the code, in reading order:
//!
//! 1. [`layer`]: the contract that every layer fulfils, and the reasons for its form.
//! 2. [`layers`]: the layers; each file has the configuration, the forward and, right below, the backward.
//! 3. [`loss`], [`optim`]: what is minimised, and how.
//! 4. [`model`]: from a configuration ([`model::Sequential`]) to a network that computes ([`model::Network`]).
//! 5. [`train`]: `fit`, `evaluate`, callbacks.
//! 6. [`inspect`], [`gradcheck`]: looking inside, and proving the derivatives.
//! 7. [`files`], [`checkpoint`]: weights on disk; [`keras`]: models and weights that Keras saved.
//!
//! # Example
//! ```
//! use nn_core::layers::{ActivationFn, Dense};
//! use nn_core::loss::Loss;
//! use nn_core::model::Sequential;
//! use nn_core::optim::Adam;
//! use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer};
//!
//! // Learn exclusive or.
//! let x = nn_core::tensor(&[4, 2], vec![0., 0., 0., 1., 1., 0., 1., 1.]);
//! let data = ArrayDataset::new(x, Targets::Classes(vec![0, 1, 1, 0]))?;
//! let mut network = Sequential::new("xor", &[2])
//!     .add(Dense::new(8).activation(ActivationFn::Tanh))
//!     .add(Dense::new(2).activation(ActivationFn::Softmax))
//!     .build::<f32>(1)?;
//! let mut trainer = Trainer::new(&mut network, Loss::sparse_categorical_crossentropy(), Adam::new(0.05))?;
//! let history = trainer.fit(&data, None, &FitOptions { epochs: 200, batch_size: 4, ..Default::default() }, &mut [])?;
//! assert_eq!(history.last().unwrap().accuracy, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checkpoint;
pub mod error;
pub mod files;
pub mod gradcheck;
pub mod init;
pub mod inspect;
pub mod keras;
pub mod layer;
pub mod layers;
pub mod loss;
pub mod metrics;
pub mod model;
pub mod optim;
pub mod quoted;
pub mod regularizer;
pub mod rng;
pub mod train;

mod context;
mod half;
mod json_error;
mod number;
mod shape;
mod tensor;

pub use context::{Context, Mode};
pub use half::half;
pub use json_error::JsonError;
pub use nn_kernels as kernels;
pub use nn_kernels::Real;
pub use shape::Shape;
pub use tensor::{Tensor, tensor};
