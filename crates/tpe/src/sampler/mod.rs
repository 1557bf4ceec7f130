//! Choosing the next point.

mod hyperopt;
mod joint;
mod mixture;
mod optuna5;
mod prior;
mod random;
mod ratio;
mod split;

pub use hyperopt::Hyperopt;
pub use joint::Joint;
pub use optuna5::Optuna5;
pub use random::Random;

pub(crate) use prior::draw as draw_prior;

use crate::history::History;
use crate::space::{Point, Space};

/// What a sampler is asked with. The answer is a function of it and of nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// What is searched.
    pub space: &'a Space,
    /// What is known.
    pub history: &'a History,
    /// The number of the trial that needs a point, repetitions not counted ([`turn`](crate::study::Evaluation::turn)).
    pub number: u64,
    /// The study's seed.
    pub seed: u64,
    /// Values that are settled already, NaN for the others.
    pub fixed: &'a [f64],
    /// Whether equal points may differ in their results, such that it makes sense to repeat one.
    pub noisy: bool,
}

impl Ask<'_> {
    /// A point whose free parameters are chosen by `choose(index)`, parents first.
    pub fn walk(&self, mut choose: impl FnMut(usize) -> f64) -> Point {
        self.space.walk(|index| if self.fixed[index].is_nan() { choose(index) } else { self.fixed[index] })
    }
}

/// A point and what spoke for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// The point.
    pub point: Point,
    /// For each parameter `ln (l / g)`: how much likelier its value is among good trials than among the others. NaN
    /// for parameters that do not exist at the point; empty where nothing was weighed.
    pub reasons: Vec<f64>,
}

impl Suggestion {
    /// A point for which nothing speaks.
    pub fn unweighed(point: Point) -> Self {
        Self { point, reasons: Vec::new() }
    }
}

/// Every point of the space has been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("every point of the space has been tried")]
pub struct Exhausted;

/// A way to choose the next point.
pub trait Sampler: Send + Sync {
    /// The sampler's name.
    fn name(&self) -> &'static str;

    /// The point for trial `ask.number`.
    ///
    /// # Errors
    /// [`Exhausted`], where repetitions are not allowed and nothing else is left.
    fn suggest(&self, ask: &Ask<'_>) -> Result<Suggestion, Exhausted>;
}

impl<S: Sampler + 'static> From<S> for Box<dyn Sampler> {
    fn from(sampler: S) -> Self {
        Box::new(sampler)
    }
}
