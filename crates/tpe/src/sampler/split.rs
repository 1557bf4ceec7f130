//! Good trials and the others.

use crate::history::Observation;

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
