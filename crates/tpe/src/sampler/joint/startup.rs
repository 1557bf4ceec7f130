//! The points with which a study begins.

use crate::rng::{Purpose, Stream};
use crate::sampler::{Ask, draw_prior};
use crate::space::Point;

/// Row `ask.number` of a Latin hypercube with `rows` rows: each parameter's prior is cut into `rows` equal parts, and
/// each part is used once. All rows are known from the seed, so that workers which begin together differ.
pub(super) fn point(ask: &Ask<'_>, rows: u64) -> Point {
    let strata: Vec<_> =
        (0..ask.space.len()).map(|index| stratum(ask.seed, index, rows, ask.number)).collect();
    ask.walk(|index| draw_prior(ask.space.nodes()[index].domain(), strata[index]))
}

/// A number in the part of the unit interval that belongs to `row` for parameter `index`.
fn stratum(seed: u64, index: usize, rows: u64, row: u64) -> f64 {
    let mut random = Stream::new(seed, Purpose::Startup, index as u64);
    let mut order: Vec<u64> = (0..rows).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
    let within = (0..=row).map(|_| random.uniform()).last().unwrap_or_default();
    (order[row as usize] as f64 + within) / rows as f64
}
