//! Which trials are good.

use std::cmp::Ordering;

use crate::history::{Observation, Outcome};
use crate::sampler::split::Split;

/// The best tenth of the finished trials, at most 25, and the others together with the pending ones.
///
/// Best first: complete trials by loss; pruned ones by how far they came, then by their last value; those that break
/// their constraints by how much. Failed trials are left out.
pub(super) fn split<'a>(known: impl Iterator<Item = &'a Observation>) -> Split<'a> {
    let mut ranked: Vec<_> = known.filter(|other| other.outcome != Outcome::Failed).collect();
    ranked.sort_by(|a, b| compare(a, b));
    let finished = ranked.iter().filter(|other| other.outcome != Outcome::Pending).count();
    Split::new(ranked, finished.div_ceil(10).min(25))
}

fn compare(a: &Observation, b: &Observation) -> Ordering {
    let (left, right) = (key(a), key(b));
    left.0.cmp(&right.0).then(left.1.total_cmp(&right.1)).then(left.2.total_cmp(&right.2))
}

/// The class of a trial and up to two numbers by which its class is ordered.
fn key(observation: &Observation) -> (u8, f64, f64) {
    match observation.outcome {
        // Its constraints are not known yet.
        Outcome::Pending | Outcome::Failed => (3, 0.0, 0.0),
        _ if observation.violation > 0.0 => (2, observation.violation, 0.0),
        Outcome::Complete { loss } => (0, loss + 0.0, 0.0),
        Outcome::Pruned { last: Some((step, value)) } => {
            (1, -(step as f64), if value.is_nan() { f64::INFINITY } else { value + 0.0 })
        }
        // After every step, which are not negative.
        Outcome::Pruned { last: None } => (1, 1.0, 0.0),
    }
}
