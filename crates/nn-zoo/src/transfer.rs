//! The study's fine-tuned networks: a pre-trained base, the mean of each feature map, and dense layers on top.

use nn_core::layers::{ActivationFn, Dense, Dropout};
use nn_core::model::Sequential;
use nn_core::regularizer::Regularizer;

use crate::{Base, InputTooSmall, Pooling, classifier};

/// Units of the dense layers between the base and the classes.
const UNITS: [usize; 3] = [512, 1024, 512];

/// One of the study's fine-tuned networks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transfer {
    /// Its name: `ft1`, `ft2`, `ft3`.
    pub name: &'static str,
    /// The pre-trained network below.
    pub base: Base,
    /// The activation of the dense layers.
    pub activation: ActivationFn,
    /// The share that dropout drops before the classes.
    pub dropout: f64,
    /// Factor of the L2 penalty on the kernels of the dense layers; 0 for none.
    pub l2: f64,
    /// Passes over the data that the study makes.
    pub epochs: usize,
}

/// The fine-tuned networks. 25,690,503 parameters in the first, 3,967,559 in the others.
pub const TRANSFERS: [Transfer; 3] = [
    Transfer {
        name: "ft1",
        base: Base::ResNet50 { epsilon: 1.001e-5 },
        activation: ActivationFn::Relu,
        dropout: 0.3,
        l2: 0.0,
        epochs: 10,
    },
    Transfer {
        name: "ft2",
        base: Base::MobileNetV2 { alpha: 1.0 },
        activation: ActivationFn::Relu,
        dropout: 0.4,
        l2: 0.0,
        epochs: 15,
    },
    Transfer {
        name: "ft3",
        base: Base::MobileNetV2 { alpha: 1.0 },
        activation: ActivationFn::ELU,
        dropout: 0.3,
        l2: 0.01,
        epochs: 15,
    },
];

impl Transfer {
    /// The network of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        TRANSFERS.into_iter().find(|transfer| transfer.name == name)
    }

    /// Its layers, for images of (height, width, channels).
    ///
    /// # Errors
    /// If a side of the input is shorter than 32.
    pub fn network(&self, input: [usize; 3]) -> Result<Sequential, InputTooSmall> {
        let base = self.base.network(input, Pooling::Average)?.named(self.name);
        let dense = |units| {
            let dense = Dense::new(units).activation(self.activation);
            if self.l2 > 0.0 { dense.kernel_regularizer(Regularizer::l2(self.l2)) } else { dense }
        };
        let hidden = UNITS.into_iter().fold(base, |network, units| network.add(dense(units)));
        Ok(hidden.add(Dropout::new(self.dropout)).add(classifier()))
    }
}
