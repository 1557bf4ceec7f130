//! The choice that all Parzen samplers make: a candidate that is likelier among good trials than among the others.

use crate::rng::Stream;

/// A probability density that can be drawn from.
pub(crate) trait Density {
    /// What it is a density of.
    type Point;

    /// The logarithm of the density, or of the probability where values are discrete.
    fn log_density(&self, point: &Self::Point) -> f64;

    /// A point at random.
    fn sample(&self, random: &mut Stream) -> Self::Point;
}

/// The densities of good trials and of the others.
#[derive(Debug, Clone)]
pub(crate) struct Ratio<D> {
    /// Called `l` in the literature.
    pub below: D,
    /// Called `g`.
    pub above: D,
}

impl<D: Density> Ratio<D> {
    /// `ln (l / g)`.
    pub fn log(&self, point: &D::Point) -> f64 {
        self.below.log_density(point) - self.above.log_density(point)
    }

    /// Of `candidates` draws from `l` (at least one) the first with the greatest ratio.
    pub fn best(&self, candidates: usize, random: &mut Stream) -> D::Point {
        let mut best = self.below.sample(random);
        let mut greatest = self.log(&best);
        for _ in 1..candidates {
            let point = self.below.sample(random);
            let ratio = self.log(&point);
            if ratio > greatest {
                (best, greatest) = (point, ratio);
            }
        }
        best
    }
}
