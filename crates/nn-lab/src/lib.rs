//! Measuring the engine: what the machine can do, and how close convolutions, matrix products and training
//! steps come to it; and running models that Keras saved.
//!
//! | module | what it holds |
//! |---|---|
//! | [`machine`], [`memory`] | cache sizes, resident memory; what may be taken |
//! | [`peak`], [`bandwidth`] | the two ceilings: multiply-adds per second and bytes per second |
//! | [`timing`], [`statistics`] | repeating within a budget, and what is said of the samples |
//! | [`verify`] | comparing with the reference before anything is timed |
//! | [`problem`], [`conv`] | convolution problems as text with their exact FLOPs, and their measurement |
//! | [`gemm`] | matrix products beside those of other libraries |
//! | [`models`], [`step`], [`layers`] | a network's whole training step, and its split by layer and direction |
//! | [`compare`] | two reports: what has become slower |
//! | [`roofline`] | a picture of convolutions below the two ceilings |
//! | [`npy`] | arrays in NumPy's files |
//!
//! The binary `nn-lab` adds the command line.

pub mod bandwidth;
pub mod compare;
pub mod conv;
pub mod gemm;
pub mod layers;
pub mod machine;
pub mod memory;
pub mod models;
pub mod npy;
pub mod peak;
pub mod problem;
pub mod random;
pub mod roofline;
pub mod statistics;
pub mod step;
pub mod timing;
pub mod verify;
