//! Named networks as plain builders.
//!
//! The networks of a study of facial emotion recognition on FER-2013 (48x48 grey images, seven classes): five
//! fully connected ones ([`fnn`]), three convolutional ones ([`cnn`]) and the one whose hyper-parameters are
//! searched ([`search()`]). Beside them two networks of `keras.applications`, for transfer learning:
//! [`resnet50()`] and [`mobilenet_v2()`], with their published weights ([`Pretrained`]), and what the study builds on them
//! ([`Transfer`]). Each is a [`Sequential`] that anyone can read, print, change and build.

pub mod cnn;
pub mod fnn;
mod mobilenet_v2;
mod pretrained;
mod resnet50;
mod search;
mod transfer;

use nn_core::layers::{ActivationFn, Dense};
use nn_core::model::Sequential;
use thiserror::Error;

pub use mobilenet_v2::mobilenet_v2;
pub use pretrained::{Base, InputTooSmall, Pooling, Pretrained, PretrainedError};
pub use resnet50::resnet50;
pub use search::{SearchConfig, search};
pub use transfer::{TRANSFERS, Transfer};

/// Rows and columns of an image.
pub const SIDE: usize = 48;
/// Number of classes.
pub const CLASSES: usize = 7;

/// The names that [`by_name`] knows, with the number of epochs that the study trains each.
pub const MODELS: [(&str, usize); 9] = [
    ("fnn1", 20),
    ("fnn2", 20),
    ("fnn3", 20),
    ("fnn4", 20),
    ("fnn5", 20),
    ("cnn1", 15),
    ("cnn2", 20),
    ("cnn3", 20),
    ("search", 10),
];

/// A name that no model has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown model {name:?}, expected one of {}", MODELS.map(|(name, _)| name).join(", "))]
pub struct UnknownModel {
    /// The name given.
    pub name: String,
}

/// The network of that name; `search` at the study's best point.
///
/// # Errors
/// If there is no such network.
pub fn by_name(name: &str) -> Result<Sequential, UnknownModel> {
    Ok(match name {
        "fnn1" => fnn::fnn1(),
        "fnn2" => fnn::fnn2(),
        "fnn3" => fnn::fnn3(),
        "fnn4" => fnn::fnn4(),
        "fnn5" => fnn::fnn5(),
        "cnn1" => cnn::cnn1(),
        "cnn2" => cnn::cnn2(),
        "cnn3" => cnn::cnn3(),
        "search" => search(&SearchConfig::default()),
        _ => return Err(UnknownModel { name: name.into() }),
    })
}

/// The last layer of every network: one probability for each class.
fn classifier() -> Dense {
    Dense::new(CLASSES).activation(ActivationFn::Softmax)
}

#[cfg(test)]
mod tests;
