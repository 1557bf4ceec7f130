use std::fmt;
use std::str::FromStr;

use super::{ConvGeometry, winograd};

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
    /// Chosen from the geometry: at present always [`Algorithm::Im2col`].
    #[default]
    Auto,
    /// The loops of [`crate::reference`], with `f64` sums: slow, for comparison.
    Reference,
    /// Patches are laid out as rows of a matrix that is multiplied by the weights.
    Im2col,
    /// Winograd's algorithm on tiles of 2x2 outputs: `F(2x2, 3x3)` or `F(2x2, 5x5)`.
    Winograd2,
    /// Winograd's algorithm on tiles of 4x4 outputs: `F(4x4, 3x3)` or `F(4x4, 5x5)`.
    Winograd4,
    /// Winograd's algorithm on tiles of 6x6 outputs: `F(6x6, 3x3)`.
    Winograd6,
}

impl Algorithm {
    /// Every algorithm that can be asked for by name.
    pub const ALL: [Self; 6] =
        [Self::Auto, Self::Reference, Self::Im2col, Self::Winograd2, Self::Winograd4, Self::Winograd6];

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reference => "reference",
            Self::Im2col => "im2col",
            Self::Winograd2 => "winograd2",
            Self::Winograd4 => "winograd4",
            Self::Winograd6 => "winograd6",
        }
    }

    /// Whether this algorithm can compute `direction` for `geometry`.
    pub fn supports(self, geometry: &ConvGeometry, _direction: Direction) -> bool {
        match self {
            Self::Auto | Self::Reference | Self::Im2col => true,
            Self::Winograd2 | Self::Winograd4 => {
                winograd::supports(geometry, 3) || winograd::supports(geometry, 5)
            }
            Self::Winograd6 => winograd::supports(geometry, 3),
        }
    }

    /// The algorithm that runs: `Auto` is replaced by its choice.
    ///
    /// # Panics
    /// If the algorithm does not support the geometry in this direction.
    #[track_caller]
    pub fn resolve(self, geometry: &ConvGeometry, direction: Direction) -> Self {
        let chosen = if self == Self::Auto { Self::Im2col } else { self };
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
