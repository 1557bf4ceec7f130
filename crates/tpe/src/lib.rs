//! Bayesian search for hyper-parameters with tree-structured Parzen estimators, in files that Optuna opens.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod distribution;
#[cfg(test)]
mod golden;
pub mod history;
mod importance;
mod json;
mod normal;
mod objection;
pub mod pruner;
mod rng;
pub mod sampler;
pub mod space;
pub mod storage;
pub mod study;
mod trial;
mod value;

pub use distribution::{Distribution, DistributionError};
pub use importance::importance;
pub use space::Space;
pub use study::Study;
pub use trial::{Attrs, Direction, Param, State, Trial, TrialId};
pub use value::Value;
