use std::fmt::Display;
use std::path::PathBuf;

use nn_core::files::ReadError;
use thiserror::Error;

use super::ImageShape;

/// Why images cannot be augmented or standardised as asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AugmentError {
    /// An argument is out of range.
    #[error("{name} = {value}: expected {expected}")]
    Argument {
        /// The argument.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The configuration needs a statistic of the training images that is not there.
    #[error("{argument} needs the {statistic} of the training images: fit the generator first")]
    NotFitted {
        /// The argument that needs it.
        argument: &'static str,
        /// What is missing.
        statistic: &'static str,
    },
    /// Statistics of images of another shape.
    #[error("the {statistic} of {got} values does not fit images of {shape}")]
    OtherImages {
        /// Which statistic.
        statistic: &'static str,
        /// Its number of values.
        got: usize,
        /// The images that should be standardised.
        shape: ImageShape,
    },
    /// There is nothing to learn statistics from.
    #[error("no images to fit to")]
    NoImages,
    /// A pixel is NaN or infinite.
    #[error("image {image} has a pixel that is {value}")]
    NotFinite {
        /// Number of the image.
        image: usize,
        /// The pixel's value.
        value: f32,
    },
    /// All pixels of a channel are equal, so there is no deviation to divide by.
    #[error("all pixels of channel {channel} are {value}: nothing to normalise by")]
    Constant {
        /// The channel.
        channel: usize,
        /// The one value.
        value: f32,
    },
    /// The eigenvalue iteration failed.
    #[error("the eigenvalues of a covariance matrix of order {0} did not converge")]
    Eigenvalues(usize),
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file does not hold statistics.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Refuses an argument unless `allowed`.
pub(super) fn require(
    allowed: bool,
    name: &'static str,
    value: impl Display,
    expected: &'static str,
) -> Result<(), AugmentError> {
    if allowed { Ok(()) } else { Err(AugmentError::Argument { name, value: value.to_string(), expected }) }
}
