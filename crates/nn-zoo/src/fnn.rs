//! Fully connected networks on the flat image, 2304 values.

use nn_core::layers::{ActivationFn, Dense, Dropout};
use nn_core::model::Sequential;
use nn_core::regularizer::Regularizer;

use crate::{SIDE, classifier};

const ELU: ActivationFn = ActivationFn::ELU;
const RELU: ActivationFn = ActivationFn::Relu;

/// Four layers with ReLU: 1568, 784, 392, 196. 5,230,463 parameters.
pub fn fnn1() -> Sequential {
    hidden("fnn1", &[(1568, RELU), (784, RELU), (392, RELU), (196, RELU)], None).add(classifier())
}

/// Three layers with ELU, 1568, 784, 392, and dropout. 5,154,807 parameters.
pub fn fnn2() -> Sequential {
    hidden("fnn2", &[(1568, ELU), (784, ELU), (392, ELU)], None).add(Dropout::new(0.25)).add(classifier())
}

/// Three wider layers with ELU, 2000, 1000, 500, and dropout. 7,115,007 parameters.
pub fn fnn3() -> Sequential {
    hidden("fnn3", &[(2000, ELU), (1000, ELU), (500, ELU)], None).add(Dropout::new(0.25)).add(classifier())
}

/// Five layers, 2000, 1000, 500, 250 with ELU and 784 with ReLU, and dropout. 7,439,029 parameters.
pub fn fnn4() -> Sequential {
    hidden("fnn4", &[(2000, ELU), (1000, ELU), (500, ELU), (250, ELU), (784, RELU)], None)
        .add(Dropout::new(0.25))
        .add(classifier())
}

/// Four layers with ELU, 2000, 1000, 500, 250, with an L2 penalty of 1e-4 on each kernel, and dropout.
/// 7,238,507 parameters.
pub fn fnn5() -> Sequential {
    let l2 = Some(Regularizer::l2(1e-4));
    hidden("fnn5", &[(2000, ELU), (1000, ELU), (500, ELU), (250, ELU)], l2)
        .add(Dropout::new(0.25))
        .add(classifier())
}

/// A flat image and its hidden layers, named as in the study: `first_hidden_layer`, `second_hidden_layer`, ...
fn hidden(name: &str, layers: &[(usize, ActivationFn)], regularizer: Option<Regularizer>) -> Sequential {
    const ORDINALS: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];
    let mut network = Sequential::new(name, &[SIDE * SIDE]);
    for (&(units, activation), ordinal) in layers.iter().zip(ORDINALS) {
        let mut layer = Dense::new(units).activation(activation).name(&format!("{ordinal}_hidden_layer"));
        if let Some(regularizer) = regularizer {
            layer = layer.kernel_regularizer(regularizer);
        }
        network = network.add(layer);
    }
    network
}
