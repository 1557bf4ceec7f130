//! Which trials are good.

use crate::history::{Observation, Outcome};
use crate::sampler::split::compare;

/// There are at most this many good trials, as in hyperopt and Optuna.
const MOST: usize = 25;

/// The good trials, the best `⌈share · n⌉` of the `n` finished ones by [`compare`], and all others: places in
/// `observations`, in order. Trials that are still being evaluated are never good: they keep other workers from the
/// same place. Failed ones tell nothing.
pub(super) fn split(observations: &[Observation], share: f64) -> (Vec<usize>, Vec<usize>) {
    let outcome = |place: usize| observations[place].outcome;
    let (mut finished, mut others): (Vec<_>, Vec<_>) = (0..observations.len())
        .filter(|&place| outcome(place) != Outcome::Failed)
        .partition(|&place| outcome(place) != Outcome::Pending);
    let count = ((share * finished.len() as f64).ceil() as usize).min(MOST).min(finished.len());
    if count > 0 && count < finished.len() {
        // The place breaks ties, so that the choice does not depend on how the selection proceeds.
        finished.select_nth_unstable_by(count - 1, |&a, &b| {
            compare(&observations[a], &observations[b]).then(a.cmp(&b))
        });
    }
    others.extend(finished.drain(count..));
    finished.sort_unstable();
    others.sort_unstable();
    (finished, others)
}
