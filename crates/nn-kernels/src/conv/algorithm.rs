use std::fmt;
use std::str::FromStr;

use super::{ConvGeometry, pointwise, winograd};

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
    /// Chosen from the geometry and direction, never from the machine:
    /// 1. [`Algorithm::Pointwise`] where it applies, [`Algorithm::Depthwise`] where it applies to several channels;
    /// 2. otherwise the cheapest of those that apply, counting multiply-adds and, for Winograd's algorithm (from 16
    ///    channels on both sides), a fixed price per transformed element;
    /// 3. where that is none of Winograd's: [`Algorithm::Direct`] if it applies and rows have at least 7 outputs, else
    ///    [`Algorithm::Im2col`].
    #[default]
    Auto,
    /// The loops of [`crate::reference`], with `f64` sums: slow, for comparison.
    Reference,
    /// Register tiles that read the patches where they lie; forward only.
    Direct,
    /// A window of 1x1 is a matrix product over all pixels.
    Pointwise,
    /// Each channel is convolved with its own kernels, without a matrix product.
    Depthwise,
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
    pub const ALL: [Self; 9] = [
        Self::Auto,
        Self::Reference,
        Self::Direct,
        Self::Pointwise,
        Self::Depthwise,
        Self::Im2col,
        Self::Winograd2,
        Self::Winograd4,
        Self::Winograd6,
    ];

    /// The name used on command lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Reference => "reference",
            Self::Direct => "direct",
            Self::Pointwise => "pointwise",
            Self::Depthwise => "depthwise",
            Self::Im2col => "im2col",
            Self::Winograd2 => "winograd2",
            Self::Winograd4 => "winograd4",
            Self::Winograd6 => "winograd6",
        }
    }

    /// Whether this algorithm can compute `direction` for `geometry`.
    pub fn supports(self, geometry: &ConvGeometry, direction: Direction) -> bool {
        match self {
            Self::Auto | Self::Reference | Self::Im2col => true,
            Self::Direct => direction == Direction::Output,
            Self::Pointwise => pointwise::supports(geometry),
            Self::Depthwise => geometry.groups == geometry.in_c,
            _ => self.tile().is_some_and(|m| winograd::supports(geometry, m)),
        }
    }

    /// Outputs along one side of Winograd's tile.
    fn tile(self) -> Option<usize> {
        match self {
            Self::Winograd2 => Some(2),
            Self::Winograd4 => Some(4),
            Self::Winograd6 => Some(6),
            _ => None,
        }
    }

    /// The algorithm that runs: `Auto` is replaced by its choice.
    ///
    /// # Panics
    /// If the algorithm does not support the geometry in this direction.
    #[track_caller]
    pub fn resolve(self, geometry: &ConvGeometry, direction: Direction) -> Self {
        let chosen = if self == Self::Auto { Self::choose(geometry, direction) } else { self };
        assert!(
            chosen.supports(geometry, direction),
            "{chosen} does not support {direction:?} of {geometry:?}"
        );
        chosen
    }

    /// The rule of [`Algorithm::Auto`]; see there.
    fn choose(g: &ConvGeometry, direction: Direction) -> Self {
        if Self::Pointwise.supports(g, direction) {
            return Self::Pointwise;
        }
        if g.groups > 1 && Self::Depthwise.supports(g, direction) {
            return Self::Depthwise;
        }
        let enough_channels = g.in_c >= WINOGRAD_CHANNELS && g.out_c >= WINOGRAD_CHANNELS;
        let plain = if Self::Direct.supports(g, direction) && g.out_w >= DIRECT_WIDTH {
            Self::Direct
        } else {
            Self::Im2col
        };
        let tiles = [Self::Winograd2, Self::Winograd4, Self::Winograd6].into_iter();
        let winograd = tiles.filter(|tile| enough_channels && tile.supports(g, direction));
        let cost = |algorithm: &Self| match algorithm.tile() {
            Some(m) => winograd::cost(g, direction, m),
            None => g.macs(),
        };
        winograd.chain([plain]).min_by_key(cost).expect("one at least")
    }
}

/// Channels on both sides from which [`Algorithm::Auto`] considers Winograd's algorithm: one vector.
const WINOGRAD_CHANNELS: usize = 16;

/// Output columns from which [`Algorithm::Auto`] prefers [`Algorithm::Direct`] to [`Algorithm::Im2col`]: rows that
/// fill at least half of the largest register tile.
const DIRECT_WIDTH: usize = 7;

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
