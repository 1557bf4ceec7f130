//! Max, average and global average pooling on NHWC arrays.
//!
//! # Shapes
//! `x`, `dx`: `[n, in_h, in_w, c]`; `y`, `dy`: `[n, out_h, out_w, c]`; the batch size `n` follows from the
//! length of the slices. Padding takes no part: it is never the maximum and is not counted in a mean.

mod average;
mod geometry;
mod max;
mod window;

pub use average::{avg_pool, avg_pool_grad_input, global_avg_pool, global_avg_pool_grad_input};
pub use geometry::{PoolGeometry, PoolShape};
pub use max::{max_pool, max_pool_grad_input, max_pool_values};

pub(crate) use average::{avg_pool_grad_input_of, avg_pool_of};
pub(crate) use max::{max_pool_grad_input_of, max_pool_of};
