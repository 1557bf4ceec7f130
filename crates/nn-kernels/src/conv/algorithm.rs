use std::fmt;
use std::str::FromStr;

use super::ConvGeometry;

/// Which of the three training verbs is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `y` from `x` and `w`.
    Output,
    /// `dx` from `dy` and `w`.
    GradInput,
    /// `dw` from `x` and `dy`.
    GradWeight,
}

impl Direction {
    /// All directions, in the order in which a training step runs them.
    pub const ALL: [Self; 3] = [Self::Output, Self::GradWeight, Self::GradInput];
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Algorithm {
    /// Chosen from the geometry: [`Algorithm::Depthwise`] where each of several channels is convolved with one
    /// kernel, else [`Algorithm::Im2col`].
    #[default]
    Auto,
    /// The loops of [`crate::reference`], with `f64` sums: slow, for comparison.
    Reference,
    /// Patches are laid out as rows of a matrix that is multiplied by the weights.
    Im2col,
    /// Element by element, without a matrix product: for as many groups as input channels.
    Depthwise,
}

impl Algorithm {
    /// Every algorithm that can be asked for by name.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Reference, Self::Im2col, Self::Depthwise];

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reference => "reference",
            Self::Im2col => "im2col",
            Self::Depthwise => "depthwise",
        }
    }

    /// Whether this algorithm can compute `direction` for `geometry`.
    pub fn supports(self, geometry: &ConvGeometry, _direction: Direction) -> bool {
        match self {
            Self::Auto | Self::Reference | Self::Im2col => true,
            Self::Depthwise => geometry.groups == geometry.in_c,
        }
    }

    /// The algorithm that runs: `Auto` is replaced by its choice.
    ///
    /// # Panics
    /// If the algorithm does not support the geometry in this direction.
    #[track_caller]
    pub fn resolve(self, geometry: &ConvGeometry, direction: Direction) -> Self {
        let depthwise =
            geometry.in_c > 1 && geometry.groups == geometry.in_c && geometry.out_c == geometry.in_c;
        let chosen = match self {
            Self::Auto if depthwise => Self::Depthwise,
            Self::Auto => Self::Im2col,
            asked_for => asked_for,
        };
        assert!(
            chosen.supports(geometry, direction),
            "{chosen} does not support {direction:?} of {geometry:?}"
        );
        chosen
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|a| a.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|a| a.name()).collect();
            format!("unknown algorithm {name:?}, expected one of {}", names.join(", "))
        })
    }
}
