//! Good trials and the others.

use std::cmp::Ordering;

use crate::history::{Observation, Outcome};

/// Observations in two groups, both by number.
#[derive(Debug, Clone)]
pub(crate) struct Split<'a> {
    /// The good ones.
    pub below: Vec<&'a Observation>,
    /// The others.
    pub above: Vec<&'a Observation>,
}

impl<'a> Split<'a> {
    /// The first `n_below` of `ranked`, and the others.
    pub fn new(mut ranked: Vec<&'a Observation>, n_below: usize) -> Self {
        let mut above = ranked.split_off(n_below.min(ranked.len()));
        ranked.sort_unstable_by_key(|observation| observation.number);
        above.sort_unstable_by_key(|observation| observation.number);
        Self { below: ranked, above }
    }
}

/// The values of parameter `index`, of the observations that have it.
pub(crate) fn column(observations: &[&Observation], index: usize) -> Vec<f64> {
    observations.iter().map(|observation| observation.point[index]).filter(|x| !x.is_nan()).collect()
}

/// The values of the parameters `indices`, of the observations that have them all.
pub(crate) fn rows(observations: &[&Observation], indices: &[usize]) -> Vec<Vec<f64>> {
    let rows = observations.iter().map(|o| indices.iter().map(|&index| o.point[index]).collect());
    rows.filter(|row: &Vec<f64>| !row.iter().any(|x| x.is_nan())).collect()
}

/// The order of trials, best first: complete ones by loss; pruned ones by how far they came, then by their last value;
/// those that break their constraints by how much; those that are still being evaluated.
pub(crate) fn compare(a: &Observation, b: &Observation) -> Ordering {
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
