use nn_core::layers::{ActivationFn, Conv2D, Dense, Dropout, Flatten, MaxPooling2D};
use nn_core::model::Sequential;

use crate::classifier;
use crate::cnn::image;

/// What can be chosen in the network of the study's hyper-parameter search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SearchConfig {
    /// Rows and columns of every convolution's window; the study tries 1, 3 and 5.
    pub conv_kernel_size: usize,
    /// Dropout after each pooling; the study tries 0.1 to 0.35.
    pub dropout_prob: f64,
    /// Activation of the convolutions and of the dense layer; the study tries ReLU, sigmoid and ELU.
    pub activation_fn: ActivationFn,
}

impl Default for SearchConfig {
    /// The best point that the study found.
    fn default() -> Self {
        Self { conv_kernel_size: 5, dropout_prob: 0.24481, activation_fn: ActivationFn::Relu }
    }
}

/// Two pairs of convolutions, 32, 32 and 64, 128 filters, each pair followed by pooling and dropout.
pub fn search(config: &SearchConfig) -> Sequential {
    let conv = |filters| Conv2D::new(filters, config.conv_kernel_size).activation(config.activation_fn);
    image("search")
        .add(conv(32))
        .add(conv(32))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(config.dropout_prob))
        .add(conv(64))
        .add(conv(128))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(config.dropout_prob))
        .add(Flatten::new())
        .add(Dense::new(512).activation(config.activation_fn))
        .add(classifier())
}
