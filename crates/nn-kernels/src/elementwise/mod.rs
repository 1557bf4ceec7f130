//! Element-wise functions: activations and their derivatives, softmax, bias.

mod bias;
mod pointwise;
mod softmax;

pub use bias::{Epilogue, activation_backward_with_bias, grad_bias};
pub use pointwise::Pointwise;
pub use softmax::{softmax, softmax_backward};

pub(crate) use bias::{add_rows_of, backward_with_bias_of, epilogue_of};
pub(crate) use pointwise::backward_of;
pub(crate) use softmax::{softmax_backward_of, softmax_of};
