//! Values before anything is known.

use crate::normal;
use crate::space::Domain;
use crate::space::NORMAL_REACH;

/// The value of `domain` that leaves the share `u` (from 0 to 1) of the prior below it.
///
/// Uniform on the scale of the domain, and over the cells around discrete values: the ends of a range with steps are
/// as likely as its inner values. Normal domains are normal, cut at [`NORMAL_REACH`] deviations.
pub(crate) fn draw(domain: &Domain, u: f64) -> f64 {
    let (low, high) = domain.bounds();
    match *domain {
        Domain::Float { log: true, .. } => {
            libm::exp(lerp(libm::log(low), libm::log(high), u)).clamp(low, high)
        }
        Domain::Float { step: None, .. } => lerp(low, high, u).clamp(low, high),
        // 3 · 0.1 is a little more than 0.3.
        Domain::Float { step: Some(step), .. } => {
            (low + step * cell(u, ((high - low) / step).round())).min(high)
        }
        Domain::Int { log: true, .. } => {
            libm::exp(lerp(libm::log(low - 0.5), libm::log(high + 0.5), u)).round().clamp(low, high)
        }
        Domain::Int { step, .. } => low + step as f64 * cell(u, ((high - low) / step as f64).round()),
        Domain::Categorical { .. } | Domain::Ordinal { .. } => cell(u, high),
        Domain::Normal { mu, sigma, log, step } => {
            let tail = normal::cdf(-NORMAL_REACH);
            let x = mu + sigma * normal::quantile(tail + u * (1.0 - 2.0 * tail));
            let x = if log { libm::exp(x) } else { x };
            step.map_or(x, |step| low + ((x - low) / step).round() * step).clamp(low, high)
        }
    }
}

fn lerp(low: f64, high: f64, u: f64) -> f64 {
    low + u * (high - low)
}

/// Which of `last + 1` equal cells of the unit interval `u` lies in.
fn cell(u: f64, last: f64) -> f64 {
    (u * (last + 1.0)).floor().min(last)
}
