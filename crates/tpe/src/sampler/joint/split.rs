//! Which trials are good.

use crate::history::{Observation, Outcome};

/// There are at most this many good trials, as in hyperopt and Optuna.
const MOST: usize = 25;

/// The good trials, `⌈share · n⌉` of the `n` finished ones, and all others: places in `observations`, in order.
///
/// Best first are the completed ones by loss, then the pruned ones, those that came further before the others and
/// then by their last value, and then those that break constraints, by how much. Trials that are still being
/// evaluated are never good: they keep other workers from the same place. Failed ones tell nothing.
pub(super) fn split(observations: &[Observation], share: f64) -> (Vec<usize>, Vec<usize>) {
    let outcome = |place: usize| observations[place].outcome;
    let (mut finished, mut others): (Vec<_>, Vec<_>) = (0..observations.len())
        .filter(|&place| outcome(place) != Outcome::Failed)
        .partition(|&place| outcome(place) != Outcome::Pending);
    let count = ((share * finished.len() as f64).ceil() as usize).min(MOST).min(finished.len());
    if count > 0 && count < finished.len() {
        // The place breaks ties, so that the choice does not depend on how the selection proceeds.
        finished.select_nth_unstable_by_key(count - 1, |&place| (rank(&observations[place]), place));
    }
    others.extend(finished.drain(count..));
    finished.sort_unstable();
    others.sort_unstable();
    (finished, others)
}

/// Smaller is better: class, then what orders the class.
fn rank(observation: &Observation) -> (u8, Ordered, Ordered) {
    if observation.violation > 0.0 {
        return (2, Ordered(observation.violation), Ordered(0.0));
    }
    match observation.outcome {
        Outcome::Complete { loss } => (0, Ordered(loss), Ordered(0.0)),
        Outcome::Pruned { last: Some((step, value)) } => (1, Ordered(-(step as f64)), Ordered(value)),
        // As if its only step had been the one before the first.
        Outcome::Pruned { last: None } => (1, Ordered(1.0), Ordered(0.0)),
        Outcome::Pending | Outcome::Failed => (3, Ordered(0.0), Ordered(0.0)),
    }
}

/// A number in the order of the real numbers, the infinite ones included.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}
