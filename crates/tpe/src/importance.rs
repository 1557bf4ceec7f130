//! Which parameters mattered: PED-ANOVA (Watanabe, Bansal and Hutter 2023), as Optuna's
//! `PedAnovaImportanceEvaluator` computes it by default.
//!
//! A parameter matters if its values among the best tenth of the trials are distributed otherwise than among all. Both
//! distributions are estimated on a grid, by kernels whose width follows Scott's rule, and compared by Pearson's
//! divergence.

use std::collections::BTreeMap;

use crate::distribution::Distribution;
use crate::normal;
use crate::trial::{Direction, Param, State, Trial};

/// The share of trials that count as the best ones.
const TOP: f64 = 0.1;

/// The number of cells of a grid, unless the parameter has fewer values.
const CELLS: usize = 50;

/// The weight of the uniform prior, in observations.
const PRIOR: f64 = 1.0;

/// Added to each density, so that quotients exist.
const FLOOR: f64 = 1e-12;

/// Half a cell over the 95 % quantile of the normal distribution: the narrowest kernel.
const NARROWEST: f64 = 0.5 / 1.64;

/// The importance of each parameter of the complete trials of a study with one result, the greatest first (equal ones by
/// name). They sum to 1.
///
/// A conditional parameter is judged within the trials that have it, and the result is weighted by how much commoner
/// these are among the best trials than among all: with shares `p` there and `q` here by `p²/q`. A parameter whose range
/// changed in the course of the study is judged for each range in this way, and the results are added. Ranges with one
/// value, and those of a single trial, say nothing.
///
/// Trials with infinite results are left out. Where nothing distinguishes the parameters, all are equally important.
pub fn importance(direction: Direction, trials: &[Trial]) -> Vec<(String, f64)> {
    let complete = trials.iter().filter(|trial| trial.state == State::Complete);
    let mut weights: BTreeMap<&str, f64> = BTreeMap::new();
    let mut judged: Vec<(&Trial, f64)> = Vec::new();
    for trial in complete {
        weights.extend(trial.params.keys().map(|name| (name.as_str(), 0.0)));
        if let Some(value) = trial.value().filter(|value| value.is_finite()) {
            judged.push((trial, direction.loss(value)));
        }
    }
    if judged.len() > 1 {
        let cutoff = cutoff(&judged);
        for (name, weight) in &mut weights {
            *weight = divergence(name, &judged, cutoff);
        }
    }
    let sum: f64 = weights.values().sum();
    let equal = 1.0 / weights.len() as f64;
    let share = |weight: f64| if sum == 0.0 { equal } else { weight / sum };
    let mut shares: Vec<_> =
        weights.into_iter().map(|(name, weight)| (name.to_owned(), share(weight))).collect();
    shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    shares
}

/// The greatest loss among the best tenth.
fn cutoff(judged: &[(&Trial, f64)]) -> f64 {
    let mut losses: Vec<f64> = judged.iter().map(|&(_, loss)| loss).collect();
    let index = (TOP * losses.len() as f64).ceil() as usize;
    *losses.select_nth_unstable_by(index.saturating_sub(1), f64::total_cmp).1
}

/// How differently a parameter is distributed among the trials up to `cutoff` and among all.
fn divergence(name: &str, judged: &[(&Trial, f64)], cutoff: f64) -> f64 {
    let mut regimes: Vec<(&Distribution, Vec<(&Param, bool)>)> = Vec::new();
    let mut tops = 0;
    for (trial, loss) in judged {
        let top = *loss <= cutoff;
        tops += usize::from(top);
        let Some(param) = trial.params.get(name) else { continue };
        match regimes.iter_mut().find(|(distribution, _)| same(distribution, &param.distribution)) {
            Some((_, members)) => members.push((param, top)),
            None => regimes.push((&param.distribution, vec![(param, top)])),
        }
    }
    let mut sum = 0.0;
    for (distribution, members) in &regimes {
        let top: Vec<&Param> = members.iter().filter(|(_, top)| *top).map(|&(param, _)| param).collect();
        let all: Vec<&Param> = members.iter().map(|&(param, _)| param).collect();
        let Some(grid) = Grid::new(distribution).filter(|_| !top.is_empty()) else { continue };
        let share_of_top = top.len() as f64 / tops as f64;
        let share_of_all = all.len() as f64 / judged.len() as f64;
        let (top, all) = (grid.densities(&top), grid.densities(&all));
        let pearson: f64 = top.iter().zip(&all).map(|(top, all)| all * (top / all - 1.0).powi(2)).sum();
        sum += share_of_top * share_of_top / share_of_all * pearson;
    }
    sum
}

/// Equality, with NaN among choices equal to itself.
fn same(a: &Distribution, b: &Distribution) -> bool {
    a == b || (matches!(a, Distribution::Categorical { .. }) && a.compatible(b))
}

/// Cells of equal width on the scale of a parameter.
enum Grid {
    /// The middles of the first and the last one, and how many there are.
    Numeric { low: f64, high: f64, log: bool, cells: usize },
    /// One for each choice.
    Choices(usize),
}

impl Grid {
    /// The grid for a distribution, if that has more than one value.
    fn new(distribution: &Distribution) -> Option<Self> {
        let steps = |range: f64, step: f64| ((range / step).round_ties_even() as usize).saturating_add(1);
        let (low, high, log, cells) = match *distribution {
            Distribution::Categorical { ref choices } => {
                return (choices.len() > 1).then_some(Self::Choices(choices.len()));
            }
            Distribution::Float { low, high, log, step } => {
                (low, high, log, step.map_or(CELLS, |step| steps(high - low, step)))
            }
            Distribution::Int { low, high, log: true, .. } => {
                let (low, high) = (low as f64, high as f64);
                // As many as it takes to double 1 up to the number of values, and one more.
                let doublings = libm::log(high - low + 1.0) / libm::log(2.0);
                (low, high, true, doublings.ceil() as usize + 1)
            }
            Distribution::Int { low, high, log, step } => {
                let (low, high) = (low as f64, high as f64);
                (low, high, log, steps(high - low, step as f64))
            }
        };
        let scale = |x: f64| if log { libm::log(x) } else { x };
        (low < high && cells > 1).then(|| Self::Numeric {
            low: scale(low),
            high: scale(high),
            log,
            cells: cells.min(CELLS),
        })
    }

    /// The density at each cell of a mixture of one kernel for each of `params`, and the prior.
    fn densities(&self, params: &[&Param]) -> Vec<f64> {
        let mut counts = vec![0.0; self.cells()];
        for param in params {
            counts[self.cell(param.internal)] += 1.0;
        }
        let mut densities = match self {
            Self::Numeric { .. } => numeric(&counts),
            Self::Choices(_) => categorical(&counts),
        };
        densities.iter_mut().for_each(|density| *density += FLOOR);
        densities
    }

    fn cells(&self) -> usize {
        match *self {
            Self::Numeric { cells, .. } | Self::Choices(cells) => cells,
        }
    }

    /// The cell of an internal representation; the nearest one, if it lies outside.
    fn cell(&self, internal: f64) -> usize {
        let place = match *self {
            Self::Choices(_) => internal,
            Self::Numeric { low, high, log, cells } => {
                let x = if log { libm::log(internal) } else { internal };
                ((x - low) / ((high - low) / (cells - 1) as f64) - 0.5).ceil()
            }
        };
        (place.max(0.0) as usize).min(self.cells() - 1)
    }
}

/// Normal kernels at the occupied cells, all of one width, cut to the grid.
fn numeric(counts: &[f64]) -> Vec<f64> {
    let occupied: Vec<(f64, f64)> = counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0.0)
        .map(|(i, &count)| (i as f64, count))
        .collect();
    let last = counts.len() as f64 - 1.0;
    let total: f64 = counts.iter().sum();
    let prior = (0.5 * last, last + 1.0, PRIOR);
    let sigma = width(&occupied, total);
    let kernels: Vec<_> = occupied.iter().map(|&(mu, count)| (mu, sigma, count)).chain([prior]).collect();
    let mass = |mu: f64, sigma: f64, from: f64, to: f64| {
        libm::exp(normal::log_mass((from - mu) / sigma, (to - mu) / sigma))
    };
    let within: Vec<f64> = kernels.iter().map(|&(mu, sigma, _)| mass(mu, sigma, -0.5, last + 0.5)).collect();
    let density = |cell: usize| {
        let x = cell as f64;
        let parts = kernels.iter().zip(&within);
        let parts =
            parts.map(|(&(mu, sigma, weight), within)| weight * mass(mu, sigma, x - 0.5, x + 0.5) / within);
        parts.sum::<f64>() / (total + PRIOR)
    };
    (0..counts.len()).map(density).collect()
}

/// Scott's rule for values with weights: `1.059·n^(-1/5)` times the deviation, or the interquartile range over 1.34 if that
/// is less; not below [`NARROWEST`].
fn width(occupied: &[(f64, f64)], total: f64) -> f64 {
    let mean = occupied.iter().map(|(x, weight)| x * weight).sum::<f64>() / total;
    let squares: f64 = occupied.iter().map(|(x, weight)| (x - mean).powi(2) * weight).sum();
    let deviation = libm::sqrt(squares / (total - 1.0).max(1.0));
    let quartile = |passes: &dyn Fn(f64) -> bool| {
        let mut sum = 0.0;
        let place = occupied.iter().position(|(_, weight)| {
            sum += weight;
            passes(sum)
        });
        occupied[place.unwrap_or(occupied.len() - 1)].0
    };
    let first = quartile(&|sum| sum >= (total / 4.0).floor());
    let third = quartile(&|sum| sum > (total * 3.0 / 4.0).floor());
    let spread = deviation.min((third - first) / 1.34);
    (1.059 * spread * libm::pow(total, -0.2)).max(NARROWEST)
}

/// Kernels that give each choice an equal part of one observation, and their own choice a whole one beside.
fn categorical(counts: &[f64]) -> Vec<f64> {
    // Equal choices make one kernel, weighted by their count.
    let occupied = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let total: f64 = counts.iter().sum();
    let part = PRIOR / (occupied + 1.0);
    let row = 1.0 + part * counts.len() as f64;
    let uniform = 1.0 / counts.len() as f64;
    let density = |count: f64| (count * (1.0 + part) + (total - count) * part) / row + PRIOR * uniform;
    counts.iter().map(|&count| density(count) / (total + PRIOR)).collect()
}
