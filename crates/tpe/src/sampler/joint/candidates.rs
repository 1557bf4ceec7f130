//! Points that were tried already, and those that were not.

use std::collections::HashSet;

use crate::history::Outcome;
use crate::rng::{Purpose, Stream};
use crate::sampler::{Ask, draw_prior};
use crate::space::{Point, Space};

/// Spaces with at most this many points are enumerated to find one that is left.
const ENUMERABLE: u64 = 1 << 16;

/// How many random points of a larger space are tried.
const ATTEMPTS: usize = 1 << 12;

/// The points of trials that did not fail.
pub(super) struct Seen {
    /// By their bits. Empty where repetitions are welcome, asked for by settled values, or impossible because every
    /// point has a continuous parameter.
    points: HashSet<Vec<u64>>,
}

impl Seen {
    pub(super) fn new(ask: &Ask<'_>) -> Self {
        let continuous = |index: usize| {
            let node = &ask.space.nodes()[index];
            node.parent().is_none() && node.domain().cardinality().is_none()
        };
        let settled = ask.fixed.iter().any(|value| !value.is_nan());
        if ask.noisy || settled || (0..ask.space.len()).any(continuous) {
            return Self { points: HashSet::new() };
        }
        let tried = ask.history.observations().iter().filter(|trial| trial.outcome != Outcome::Failed);
        Self { points: tried.map(|trial| bits(&trial.point)).collect() }
    }

    pub(super) fn contains(&self, point: &[f64]) -> bool {
        !self.points.is_empty() && self.points.contains(&bits(point))
    }

    /// Whether nothing is left of a finite space.
    pub(super) fn is_everything(&self, space: &Space) -> bool {
        !self.points.is_empty() && space.cardinality().is_some_and(|all| self.points.len() as u64 >= all)
    }
}

/// A key that tells points apart. Negative zero is zero, and what does not exist is all the same.
fn bits(point: &[f64]) -> Vec<u64> {
    point.iter().map(|x| if x.is_nan() { u64::MAX } else { (x + 0.0).to_bits() }).collect()
}

/// A point that has not been seen, each as likely as any other where they can be enumerated; nothing if none is found.
pub(super) fn unseen(ask: &Ask<'_>, seen: &Seen) -> Option<Point> {
    let mut random = Stream::new(ask.seed, Purpose::Unseen, ask.number);
    if ask.space.cardinality().is_none_or(|all| all > ENUMERABLE) {
        let nodes = ask.space.nodes();
        return (0..ATTEMPTS)
            .map(|_| ask.walk(|index| draw_prior(nodes[index].domain(), random.uniform())))
            .find(|point| !seen.contains(point));
    }
    let mut left = Vec::new();
    enumerate(ask, &mut vec![f64::NAN; ask.space.len()], 0, &mut |point| {
        if !seen.contains(point) {
            left.push(point.to_vec());
        }
    });
    (!left.is_empty()).then(|| left.swap_remove(random.below(left.len())))
}

/// Calls `visit` with every point whose parameters before `index` are those of `point`.
fn enumerate(ask: &Ask<'_>, point: &mut Point, index: usize, visit: &mut impl FnMut(&[f64])) {
    let Some(node) = ask.space.nodes().get(index) else {
        return visit(point);
    };
    if !ask.space.active(index, point) {
        point[index] = f64::NAN;
        return enumerate(ask, point, index + 1, visit);
    }
    for value in node.domain().values() {
        point[index] = value;
        enumerate(ask, point, index + 1, visit);
    }
}
