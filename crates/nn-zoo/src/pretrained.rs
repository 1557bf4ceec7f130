//! What the networks of `keras.applications` have in common.

use nn_core::layers::GlobalAveragePooling2D;
use nn_core::model::Sequential;
use thiserror::Error;

/// The shortest side of an input: these networks halve an image five times.
const SHORTEST: usize = 32;

/// What becomes of the last feature maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// They are the output.
    None,
    /// The mean of each one is the output.
    Average,
}

impl Pooling {
    pub(crate) fn append(self, network: Sequential, name: &str) -> Sequential {
        match self {
            Self::None => network,
            Self::Average => network.add(GlobalAveragePooling2D::new().name(name)),
        }
    }
}

/// An input that is too small for a network that halves it five times.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{network}: an input of {height}x{width} is too small, expected at least {SHORTEST}x{SHORTEST}")]
pub struct InputTooSmall {
    /// The network's name.
    pub network: String,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
}

/// The beginning of a network for images of (height, width, channels).
pub(crate) fn input_of(network: &str, input: [usize; 3]) -> Result<Sequential, InputTooSmall> {
    let [height, width, _] = input;
    if height < SHORTEST || width < SHORTEST {
        return Err(InputTooSmall { network: network.into(), height, width });
    }
    Ok(Sequential::new(network, &input))
}
