//! Convolutional networks on 48x48x1 images.

use nn_core::layers::{ActivationFn, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Padding};
use nn_core::model::Sequential;
use nn_core::regularizer::Regularizer;

use crate::{SIDE, classifier};

const RELU: ActivationFn = ActivationFn::Relu;
const ELU: ActivationFn = ActivationFn::ELU;

/// Two pairs of 3x3 convolutions with ReLU, 32 and 64 filters, each pair followed by pooling. 2,723,303
/// parameters.
pub fn cnn1() -> Sequential {
    let conv = |filters| Conv2D::new(filters, 3).activation(RELU);
    image("cnn1")
        .add(conv(32))
        .add(conv(32))
        .add(MaxPooling2D::new(2))
        .add(conv(64))
        .add(conv(64))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(512).activation(RELU))
        .add(classifier())
}

/// [`cnn1`] with twice the filters, and L2 penalties on the later layers. 5,571,527 parameters.
pub fn cnn2() -> Sequential {
    let conv = |filters| Conv2D::new(filters, 3).activation(RELU);
    let l2 = Regularizer::l2(1e-3);
    image("cnn2")
        .add(conv(64))
        .add(conv(64))
        .add(MaxPooling2D::new(2))
        .add(conv(128).kernel_regularizer(l2))
        .add(conv(128).kernel_regularizer(l2))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(512).activation(RELU).kernel_regularizer(Regularizer::l2(1e-2)))
        .add(classifier())
}

/// Five 3x3 convolutions with ELU, two of them with stride 2 and an L1 penalty, and dropout. 476,231
/// parameters.
pub fn cnn3() -> Sequential {
    let conv = |filters| Conv2D::new(filters, 3).activation(ELU);
    let same = |filters| conv(filters).padding(Padding::Same);
    let strided = || same(128).strides(2).kernel_regularizer(Regularizer::l1(1e-3));
    image("cnn3")
        .add(conv(64))
        .add(same(64))
        .add(MaxPooling2D::new(2))
        .add(same(128))
        .add(MaxPooling2D::new(2))
        .add(strided())
        .add(strided())
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(512).activation(ELU).kernel_regularizer(Regularizer::l1(1e-2)))
        .add(Dropout::new(0.25))
        .add(classifier())
}

pub(crate) fn image(name: &str) -> Sequential {
    Sequential::new(name, &[SIDE, SIDE, 1])
}
