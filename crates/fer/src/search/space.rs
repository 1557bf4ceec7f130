//! What can be chosen, and the network that follows from it.

use nn_core::layers::ActivationFn;
use nn_core::model::Sequential;
use nn_core::optim::{Adam, OptimizerConfig, Sgd};
use nn_zoo::SearchConfig;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tpe::space::{Space, categorical, float};
use tpe::{Trial, Value};

use crate::settings::OptimizerName;

const KERNEL: &str = "conv_kernel_size";
const DROPOUT: &str = "dropout_prob";
const OPTIMIZER: &str = "optimizer";
const ACTIVATION: &str = "activation_fn";

const OPTIMIZERS: [(&str, OptimizerName); 2] = [("adam", OptimizerName::Adam), ("sgd", OptimizerName::Sgd)];

const ACTIVATIONS: [(&str, ActivationFn); 3] = [
    ("relu", ActivationFn::Relu),
    ("sigmoid", ActivationFn::Sigmoid),
    ("elu", ActivationFn::Elu { alpha: 1.0 }),
];

/// The study's space.
pub(super) fn space() -> Space {
    Space::new([
        categorical(KERNEL, Choice::KERNEL_SIZES.map(|size| size as i64)),
        float(DROPOUT, 0.1, 0.35),
        categorical(OPTIMIZER, OPTIMIZERS.map(|(name, _)| name)),
        categorical(ACTIVATION, ACTIVATIONS.map(|(name, _)| name)),
    ])
    .expect("the space makes sense")
}

/// A point of the space.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Rows and columns of every convolution's window.
    pub conv_kernel_size: usize,
    /// Dropout after each pooling.
    pub dropout_prob: f64,
    /// The optimiser, with Keras's defaults.
    pub optimizer: OptimizerName,
    /// Activation of the convolutions and of the dense layer.
    pub activation_fn: ActivationFn,
}

impl Choice {
    /// The sizes of windows that can be chosen.
    pub const KERNEL_SIZES: [usize; 3] = [1, 3, 5];

    /// The point with these values; nothing if one is missing or no value of this space.
    pub(super) fn new(value: impl Fn(&str) -> Option<Value>) -> Option<Self> {
        fn named<T: Copy>(table: &[(&str, T)], value: Option<Value>) -> Option<T> {
            let value = value?;
            table.iter().find(|(name, _)| value.as_str() == Some(name)).map(|&(_, named)| named)
        }
        Some(Self {
            conv_kernel_size: value(KERNEL)?.as_i64()?.try_into().ok()?,
            dropout_prob: value(DROPOUT)?.as_f64()?,
            optimizer: named(&OPTIMIZERS, value(OPTIMIZER))?,
            activation_fn: named(&ACTIVATIONS, value(ACTIVATION))?,
        })
    }

    /// The network.
    pub fn network(&self) -> Sequential {
        nn_zoo::search(&SearchConfig {
            conv_kernel_size: self.conv_kernel_size,
            dropout_prob: self.dropout_prob,
            activation_fn: self.activation_fn,
        })
    }

    /// The values as text: activation, kernel size, dropout, optimiser.
    pub(super) fn texts(&self) -> [String; 4] {
        fn name<T: PartialEq>(table: &[(&str, T)], named: T) -> String {
            table
                .iter()
                .find(|(_, other)| *other == named)
                .map_or_else(String::new, |(name, _)| (*name).into())
        }
        [
            name(&ACTIVATIONS, self.activation_fn),
            self.conv_kernel_size.to_string(),
            self.dropout_prob.to_string(),
            name(&OPTIMIZERS, self.optimizer),
        ]
    }

    /// The optimiser with Keras's defaults.
    pub(super) fn optimizer(&self) -> OptimizerConfig {
        match self.optimizer {
            OptimizerName::Adam => Adam::default().into(),
            OptimizerName::Sgd => Sgd::default().into(),
        }
    }
}

/// The seed of the network of trial `number`, in the range of a configuration file.
pub(super) fn trial_seed(seed: u64, number: u64) -> u64 {
    let hash = Sha256::new().chain_update("fer search").chain_update(seed.to_le_bytes());
    let hash = hash.chain_update(number.to_le_bytes()).finalize();
    let (word, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
    u64::from_le_bytes(*word) >> 1
}

/// Says what is foreign in the trials of a study, if anything is.
pub(super) fn check(trials: &[Trial]) -> Result<(), String> {
    let space = space();
    for (name, param) in trials.iter().flat_map(|trial| &trial.params) {
        let Some(index) = space.index(name) else {
            let own: Vec<_> = space.nodes().iter().map(|node| node.name()).collect();
            return Err(format!("it chooses {name:?}, this one {}", own.join(", ")));
        };
        let own = space.nodes()[index].domain().distribution();
        if param.distribution != own {
            return Err(format!("there {name} is {}, here {}", param.distribution.to_json(), own.to_json()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trial_has_a_seed_of_its_own_that_never_changes() {
        assert_eq!(trial_seed(1, 2), trial_seed(1, 2));
        assert_ne!(trial_seed(1, 2), trial_seed(2, 1));
        let many: std::collections::HashSet<_> = (0..1000).map(|number| trial_seed(7, number)).collect();
        assert_eq!(many.len(), 1000);
        assert!(many.iter().all(|&seed| i64::try_from(seed).is_ok()));
    }
}
