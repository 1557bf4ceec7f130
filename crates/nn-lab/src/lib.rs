//! Measuring the engine: what the machine can do, and how close convolutions, matrix products and training
//! steps come to it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`machine`] | cache sizes, thread pools, resident memory |
//! | [`peak`], [`bandwidth`] | the two ceilings: multiply-adds per second and bytes per second |
//! | [`timing`], [`statistics`] | repeating within a budget, and what is said of the samples |
//! | [`problem`] | convolution problems as text, and their exact FLOPs |
//! | [`models`] | networks by name |
//! | [`step`], [`layers`] | a whole training step, and its split by layer and direction |
//!
//! The binary `nn-lab` adds the command line.

pub mod bandwidth;
pub mod layers;
pub mod machine;
pub mod models;
pub mod peak;
pub mod problem;
pub mod random;
pub mod statistics;
pub mod step;
pub mod timing;
