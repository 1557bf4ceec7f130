//! The definition of every operation: plain loops, written from the formulas, with sums in `f64`.
//!
//! These are slow on purpose. They are what the kernels are compared with, and the place to look up what an
//! operation means.

mod conv2d;
mod gemm;
mod pool2d;

pub use conv2d::{conv2d, conv2d_grad_input, conv2d_grad_weight};
pub use gemm::gemm;
pub use pool2d::{avg_pool2d, avg_pool2d_grad_input, max_pool2d, max_pool2d_grad_input};
