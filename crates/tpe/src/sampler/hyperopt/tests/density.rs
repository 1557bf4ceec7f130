//! Properties of the densities.

use proptest::prelude::*;

use super::super::estimator::{Estimator, draw_prior};
use super::super::scale::{Scale, ZERO};
use crate::golden::{list, read, space};
use crate::normal;
use crate::rng::{Purpose, Stream};
use crate::sampler::ratio::Density;
use crate::space::{Domain, Space};

/// A domain of each kind.
fn domains() -> Vec<Domain> {
    let file = read(include_str!("../../../../tests/golden/hyperopt_parzen.json"));
    let mut names = Vec::new();
    let params = list(&file["cases"]).iter().map(|case| &case["param"]);
    let first = params.filter(|param| {
        let new = !names.contains(&&param["name"]);
        names.push(&param["name"]);
        new
    });
    let spaces: Vec<Space> = first.map(|param| space(&serde_json::json!([param]))).collect();
    spaces.iter().map(|space| space.nodes()[0].domain().clone()).collect()
}

/// How much of the density lies at or below `end`.
fn mass(domain: &Domain, estimator: &Estimator, end: f64) -> f64 {
    let Estimator::Number(parzen) = estimator else {
        let choices = (0..domain.cardinality().unwrap()).map(|i| i as f64).filter(|&x| x <= end);
        return choices.map(|x| estimator.log_density(&x).exp()).sum();
    };
    let scale = Scale::new(domain).unwrap();
    // Beyond ten deviations of a normal prior nothing is left.
    let (low, high) = scale.bounds.unwrap_or((scale.mu - 10.0 * scale.sigma, scale.mu + 10.0 * scale.sigma));
    if let Some(step) = scale.step {
        let (first, last) = (scale.outer(low), scale.outer(high).min(end));
        let values = (0..).map(|i| first + f64::from(i) * step).take_while(|x| *x < last + 0.5 * step);
        // Where the value 0 begins, hyperopt cuts off: kernels on zeros have half of their mass below.
        let begin = if scale.log { ZERO.ln() } else { f64::NEG_INFINITY };
        let kernels = parzen.weights.iter().zip(&parzen.mus).zip(&parzen.sigmas);
        let cut = kernels.map(|((weight, mu), sigma)| weight * normal::cdf((begin - mu) / sigma));
        let cut: f64 = if scale.bounds.is_none() { cut.sum() } else { 0.0 };
        return cut + values.map(|x| estimator.log_density(&x).exp()).sum::<f64>();
    }
    // The midpoint rule on the scale: a kernel is at least a hundredth of the prior wide, 40 points.
    let n = if scale.bounds.is_some() { 4000 } else { 80_000 };
    let width = (high - low) / f64::from(n);
    let values = (0..n).map(|i| scale.outer(low + (f64::from(i) + 0.5) * width)).filter(|&x| x <= end);
    // dx = x d ln x, and the factor that hyperopt forgets.
    let missing = if scale.log { -parzen.log_accepted } else { 0.0 };
    let density = |x: f64| (estimator.log_density(&x) + missing).exp() * if scale.log { x } else { 1.0 };
    values.map(density).sum::<f64>() * width
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn densities_sum_to_one(seed: u64, n in 0usize..60) {
        for domain in domains() {
            let mut random = Stream::new(seed, Purpose::Suggest, 0);
            let observations: Vec<f64> = (0..n).map(|_| draw_prior(&domain, &mut random)).collect();
            let total = mass(&domain, &Estimator::fit(&domain, &observations), f64::INFINITY);
            // The error of the midpoint rule.
            prop_assert!((total - 1.0).abs() < 1e-5, "{domain:?} after {n}: {total}");
        }
    }
}

#[test]
fn draws_follow_the_density() {
    const DRAWS: usize = 10_000;
    for domain in domains() {
        let mut random = Stream::new(5, Purpose::Suggest, 0);
        let observations: Vec<f64> = (0..6).map(|_| draw_prior(&domain, &mut random)).collect();
        let estimator = Estimator::fit(&domain, &observations);
        let mut draws: Vec<f64> = (0..DRAWS).map(|_| estimator.sample(&mut random)).collect();
        draws.sort_by(f64::total_cmp);
        for middle in [DRAWS / 4, DRAWS / 2, DRAWS * 3 / 4].map(|place| draws[place]) {
            let share = draws.iter().filter(|&&x| x <= middle).count() as f64 / DRAWS as f64;
            let expected = mass(&domain, &estimator, middle);
            // Five standard errors of a share, and one interval of the integral.
            let tolerance = 2.5 / (DRAWS as f64).sqrt() + 1e-3;
            assert!((share - expected).abs() < tolerance, "{domain:?} up to {middle}: {share} {expected}");
        }
    }
}
