//! The normal distribution, accurate far into its tails.

use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2, TAU};

use crate::rng::Stream;

/// Below this the distribution function is summed as an asymptotic series: `erfc` would lose digits near underflow.
const FAR: f64 = -20.0;

/// Intervals whose half width, times the distance of their middle from 0, is below this have their mass summed as a
/// series: the first term that is left out is `NARROW⁶ / 336` of the whole.
const NARROW: f64 = 0.005;

/// `ln φ(z)`, the logarithm of the standard normal density.
pub(crate) fn log_density(z: f64) -> f64 {
    -0.5 * (z * z + TAU.ln())
}

/// `Φ(z)`, the standard normal distribution function.
pub(crate) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// `ln Φ(z)`; finite down to `z = -1e150`.
pub(crate) fn log_cdf(z: f64) -> f64 {
    if z > 0.0 {
        return libm::log1p(-cdf(-z));
    }
    if z > FAR {
        return libm::log(cdf(z));
    }
    // Φ(z) = φ(z)/|z| · (1 - 1/z² + 3/z⁴ - 15/z⁶ + ...), until the terms stop to matter or to fall.
    let inverse = 1.0 / (z * z);
    let (mut sum, mut term, mut odd) = (1.0, 1.0, 1.0);
    loop {
        let next = -term * odd * inverse;
        if !(next.abs() < f64::abs(term) && next.abs() > f64::EPSILON * sum) {
            break;
        }
        sum += next;
        term = next;
        odd += 2.0;
    }
    log_density(z) - libm::log(-z) + libm::log(sum)
}

/// `ln (Φ(b) - Φ(a))` for `a <= b`.
pub(crate) fn log_mass(a: f64, b: f64) -> f64 {
    let (middle, half) = (0.5 * (a + b), 0.5 * (b - a));
    if half * middle.abs().max(1.0) < NARROW {
        // The Taylor series of φ about the middle; the difference of two values of Φ would lose digits.
        let (square, h) = (middle * middle, half * half);
        let series = (square - 1.0) * h / 6.0 + (square * (square - 6.0) + 3.0) * h * h / 120.0;
        return log_density(middle) + libm::log(2.0 * half) + libm::log1p(series);
    }
    if a > 0.0 {
        return log_mass(-b, -a);
    }
    if b <= 0.0 {
        let (upper, lower) = (log_cdf(b), log_cdf(a));
        return upper + log_one_minus_exp(lower - upper);
    }
    let mass = 0.5 * (libm::erf(b * FRAC_1_SQRT_2) + libm::erf(-a * FRAC_1_SQRT_2));
    if mass < 0.5 { libm::log(mass) } else { libm::log1p(-cdf(a) - cdf(-b)) }
}

/// `ln (1 - e^x)` for `x <= 0`.
fn log_one_minus_exp(x: f64) -> f64 {
    if x > -LN_2 { libm::log(-libm::expm1(x)) } else { libm::log1p(-libm::exp(x)) }
}

/// A number from the normal distribution with mean `mu` and deviation `sigma`, cut to `low..=high`.
///
/// Rejection while it is cheap: a kernel centred inside an interval that is at least as wide as its deviation has
/// a third of its mass there. What is left is found by bisection of the distribution function.
pub(crate) fn sample(mu: f64, sigma: f64, low: f64, high: f64, random: &mut Stream) -> f64 {
    for _ in 0..32 {
        let x = mu + sigma * random.normal();
        if (low..=high).contains(&x) {
            return x;
        }
    }
    let (a, b) = ((low - mu) / sigma, (high - mu) / sigma);
    let goal = log_mass(a, b) + libm::log(1.0 - random.uniform());
    // From the side of the nearer tail, where the mass from the bound on keeps its digits.
    let mirrored = a > 0.0;
    let (from, to) = if mirrored { (-b, -a) } else { (a, b) };
    let (mut lower, mut upper) = (from.max(-1e9), to.min(1e9));
    for _ in 0..100 {
        let middle = 0.5 * (lower + upper);
        if log_mass(from, middle) < goal { lower = middle } else { upper = middle }
    }
    let z = 0.5 * (lower + upper);
    (mu + sigma * if mirrored { -z } else { z }).clamp(low, high)
}

/// `z` with `Φ(z) = p`, for quantiles of a prior (accurate to a relative `1e-12` in `p`).
pub(crate) fn quantile(p: f64) -> f64 {
    let (mut lower, mut upper) = (-40.0, 40.0);
    for _ in 0..80 {
        let middle = 0.5 * (lower + upper);
        if cdf(middle) < p { lower = middle } else { upper = middle }
    }
    0.5 * (lower + upper)
}

/// Two independent standard normal numbers from two uniform ones (Box and Muller 1958).
pub(crate) fn box_muller(u: f64, v: f64) -> (f64, f64) {
    let radius = SQRT_2 * libm::sqrt(-libm::log(1.0 - u));
    let (sine, cosine) = libm::sincos(TAU * v);
    (radius * cosine, radius * sine)
}

#[cfg(test)]
mod tests;
