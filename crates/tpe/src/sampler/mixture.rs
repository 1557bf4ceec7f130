//! What all mixtures of kernels need: weights of the observations, sums in logarithms, a random component.

/// How many of the latest observations count fully.
const REMEMBERED: usize = 25;

/// How much each of `n` observations counts, oldest first: the last 25 fully, the others on a line from `1 / n` to 1.
pub(crate) fn forgetting(n: usize) -> Vec<f64> {
    let mut weights = vec![1.0; n];
    let fading = n.saturating_sub(REMEMBERED);
    let first = 1.0 / n as f64;
    // A single fading weight is the first point of the line; of several the last is at its end.
    let steps = fading.saturating_sub(1).max(1);
    for (i, weight) in weights[..fading].iter_mut().enumerate() {
        *weight = first + i as f64 * ((1.0 - first) / steps as f64);
    }
    weights
}

/// `ln Σ e^x`, of nothing `-∞`.
pub(crate) fn log_sum_exp(logs: &[f64]) -> f64 {
    let max = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if max == f64::NEG_INFINITY {
        return max;
    }
    max + libm::log(logs.iter().map(|x| libm::exp(x - max)).sum())
}

/// The index at which the cumulative sum of `weights`, which sum to 1, passes `u`.
pub(crate) fn pick(weights: &[f64], mut u: f64) -> usize {
    for (index, weight) in weights.iter().enumerate() {
        if u < *weight {
            return index;
        }
        u -= weight;
    }
    // Rounding may leave the sum a little below 1.
    weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
}

/// Divides by the sum.
pub(crate) fn normalize(weights: &mut [f64]) {
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
}

#[cfg(test)]
mod tests;
