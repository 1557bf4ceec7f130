//! Models and weights that [Keras](https://keras.io) saved: read as data, and built as networks.
//!
//! - [`weights`]: weight files of all versions, to one ordered list of layers with named arrays.
//! - [`archive`]: `.keras` files, configuration and weights in one.
//! - [`config`]: a model's configuration as a typed graph, and that graph as a chain with residual blocks.
//! - [`load_network`]: all of it, as a network that computes.
//!
//! Files are told apart by their content, never by their names. A file may be damaged or made to deceive: reading ends
//! in a [`KerasError`] that names the file and the place inside, takes memory in proportion to the
//! file's size, and never leads out of the file.

pub mod archive;
pub mod config;
pub mod weights;

mod error;
mod file;
mod hdf5;
mod network;

pub use error::KerasError;
pub use network::{load_network, set_weights, set_weights_by_layer};
