//! A joint density over a tree of parameters.

use super::axis::Axis;
use super::exp::exp;
use crate::history::History;
use crate::rng::Stream;
use crate::sampler::mixture::{forgetting, normalize, pick};
use crate::space::Space;

/// Terms this far below the greatest one do not change a sum: even 2³⁰ of them are less than its last bit.
const NEGLIGIBLE: f64 = -58.0;

/// How many factors are multiplied before their logarithm is taken: the product stays far from overflow.
const FACTORS: usize = 16;

/// Kernels of trials, and the prior as the last one.
pub(super) struct Mixture {
    axes: Vec<Axis>,
    weights: Vec<f64>,
}

impl Mixture {
    /// The mixture for some trials, given by their places in the history.
    pub(super) fn fit(space: &Space, history: &History, trials: &[usize]) -> Self {
        let mut rows = vec![None; history.observations().len()];
        trials.iter().enumerate().for_each(|(row, &trial)| rows[trial] = Some(row));
        let mut values = Vec::with_capacity(trials.len());
        let mut order = Vec::with_capacity(trials.len());
        let axes = space.nodes().iter().enumerate().map(|(index, node)| {
            values.clear();
            values.extend(trials.iter().map(|&trial| history.observations()[trial].point[index]));
            order.clear();
            order.extend(history.order(index).iter().filter_map(|&trial| rows[trial as usize]));
            Axis::fit(node.domain(), &values, &order)
        });
        let axes = axes.collect();
        let mut weights = forgetting(trials.len());
        weights.push(1.0);
        normalize(&mut weights);
        Self { axes, weights }
    }

    /// A kernel, each as likely as its weight.
    pub(super) fn component(&self, random: &mut Stream) -> usize {
        pick(&self.weights, random.uniform())
    }

    /// The prior half of the time, otherwise any kernel: for when the likely points are used up.
    pub(super) fn any_component(&self, random: &mut Stream) -> usize {
        let prior = self.weights.len() - 1;
        if random.uniform() < 0.5 { prior } else { random.below(prior + 1) }
    }

    /// A value of parameter `index` from a kernel; nothing means from the prior.
    pub(super) fn draw(&self, component: usize, index: usize, random: &mut Stream) -> Option<f64> {
        self.axes[index].draw(component, random)
    }

    /// The logarithms of the kernels' weights and factors, where parameter `index` exists if `exists[index]`.
    pub(super) fn log_factors(&self, exists: &[bool]) -> Vec<f64> {
        let mut logs = vec![0.0; self.weights.len()];
        let mut product = self.weights.clone();
        let axes: Vec<_> =
            self.axes.iter().zip(exists).filter(|(_, exists)| **exists).map(|(axis, _)| axis).collect();
        for chunk in axes.chunks(FACTORS) {
            for axis in chunk {
                product.iter_mut().zip(axis.factors()).for_each(|(product, factor)| *product *= factor);
            }
            for (log, product) in logs.iter_mut().zip(&mut product) {
                *log += libm::log(std::mem::replace(product, 1.0));
            }
        }
        logs
    }

    /// The logarithm of the density at `point`. `log_factors` are those for the parameters that exist there, `terms` is
    /// memory to work in.
    pub(super) fn log_density(&self, point: &[f64], log_factors: &[f64], terms: &mut Vec<f64>) -> f64 {
        terms.clear();
        terms.resize(log_factors.len(), 0.0);
        for (axis, &x) in self.axes.iter().zip(point) {
            if !x.is_nan() {
                axis.add_exponents(x, terms);
            }
        }
        for (log, term) in log_factors.iter().zip(&mut *terms) {
            *term = log - 0.5 * *term;
        }
        let greatest = greatest(terms);
        if greatest == f64::NEG_INFINITY {
            return greatest;
        }
        let near = gather(terms, greatest + NEGLIGIBLE);
        near.iter_mut().for_each(|term| *term = exp(*term - greatest));
        greatest + libm::log(near.iter().sum())
    }

    /// The logarithm of the density of parameter `index` alone at `x`.
    pub(super) fn log_marginal(&self, index: usize, x: f64) -> f64 {
        let mut exponents = vec![0.0; self.weights.len()];
        self.axes[index].add_exponents(x, &mut exponents);
        // The prior's term is never small, so nothing needs to be scaled.
        exponents.iter_mut().for_each(|exponent| *exponent = exp(-0.5 * *exponent));
        let kernels = exponents.iter().zip(self.axes[index].factors()).zip(&self.weights);
        libm::log(kernels.map(|((kernel, factor), weight)| weight * factor * kernel).sum())
    }
}

/// The greatest number; of none `-∞`. Eight strands, because each comparison waits for the one before.
fn greatest(terms: &[f64]) -> f64 {
    let max = |a: f64, b: f64| if a > b { a } else { b };
    let mut strands = [f64::NEG_INFINITY; 8];
    let chunks = terms.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        strands.iter_mut().zip(chunk).for_each(|(strand, &term)| *strand = max(term, *strand));
    }
    rest.iter().chain(&strands).copied().fold(f64::NEG_INFINITY, max)
}

/// Moves the terms above `bound` to the front, in their order.
fn gather(terms: &mut [f64], bound: f64) -> &mut [f64] {
    let mut count = 0;
    for place in 0..terms.len() {
        // Written in any case: a branch would be taken at random.
        terms[count] = terms[place];
        count += usize::from(terms[place] > bound);
    }
    &mut terms[..count]
}
