//! Element-wise functions: activations and their derivatives, softmax, bias, normalisation.

mod bias;
mod normalize;
mod pointwise;
mod softmax;

pub use bias::{Epilogue, activation_backward_with_bias, grad_bias};
pub use normalize::{
    add_normalize_sums, add_squared_deviations, normalize, normalize_grad_input, scale_rows,
};
pub use pointwise::Pointwise;
pub use softmax::{softmax, softmax_backward};

pub(crate) use bias::{add_rows_of, backward_with_bias_of, epilogue_of};
pub(crate) use normalize::{
    add_normalize_sums_of, add_squared_deviations_of, normalize_grad_input_of, normalize_of, scale_rows_of,
};
pub(crate) use pointwise::backward_of;
pub(crate) use softmax::{softmax_backward_of, softmax_of};
