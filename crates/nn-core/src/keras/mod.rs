//! Models and weights that [Keras](https://keras.io) saved: read as data, to be bound to layers.
//!
//! - [`weights`]: weight files of all versions, to one ordered list of layers with named arrays.
//! - [`archive`]: `.keras` files, configuration and weights in one.
//! - [`config`]: a model's configuration as a typed graph, and that graph as a chain with residual blocks.
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

pub use error::KerasError;
