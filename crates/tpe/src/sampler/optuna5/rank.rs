//! Which trials are good.

use crate::history::{Observation, Outcome};
use crate::sampler::split::{Split, compare};

/// The best tenth of the finished trials, at most 25, and the others together with the pending ones,
/// by [`compare`]. Failed trials are left out.
pub(super) fn split<'a>(known: impl Iterator<Item = &'a Observation>) -> Split<'a> {
    let mut ranked: Vec<_> = known.filter(|other| other.outcome != Outcome::Failed).collect();
    ranked.sort_by(|a, b| compare(a, b));
    let finished = ranked.iter().filter(|other| other.outcome != Outcome::Pending).count();
    Split::new(ranked, finished.div_ceil(10).min(25))
}
