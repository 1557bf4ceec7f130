//! Properties of the densities.

use proptest::prelude::*;

use super::super::axis::Axis;
use super::super::parzen::Parzen;
use crate::golden::{list, read, space};
use crate::rng::{Purpose, Stream};
use crate::sampler::ratio::Density;
use crate::space::{Domain, Space, categorical, float, int};

/// A domain of each kind.
fn domains() -> Vec<Domain> {
    let file = read(include_str!("../../../../tests/golden/optuna_parzen.json"));
    let all = list(&file["cases"]).iter().max_by_key(|case| list(&case["params"]).len()).unwrap();
    space(&all["params"]).nodes().iter().map(|node| node.domain().clone()).collect()
}

/// Points along an axis and how much of it each stands for: its values, or the midpoints of many intervals.
fn places(domain: &Domain, intervals: i32) -> Vec<(f64, f64)> {
    let (low, high) = domain.bounds();
    if let Some(n) = domain.cardinality() {
        return (0..n).map(|i| (low + i as f64 * (high - low) / (n as f64 - 1.0), 1.0)).collect();
    }
    let Axis::Number(number) = Axis::new(domain) else { unreachable!() };
    let (low, high) = number.range();
    let width = (high - low) / f64::from(intervals);
    let place = |i| {
        let x = number.outer(low + (f64::from(i) + 0.5) * width);
        // The densities are on the scale.
        (x, width)
    };
    (0..intervals).map(place).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn densities_of_one_parameter_sum_to_one(seed: u64, n in 0usize..60) {
        for domain in domains() {
            let axis = Axis::new(&domain);
            let mut random = Stream::new(seed, Purpose::Suggest, 0);
            let rows: Vec<Vec<f64>> = (0..n).map(|_| vec![axis.draw_prior(&mut random)]).collect();
            let parzen = Parzen::fit(&[axis], &rows);
            let density = |(x, width): (f64, f64)| parzen.log_density(&vec![x]).exp() * width;
            let total: f64 = places(&domain, 4000).into_iter().map(density).sum();
            // The error of the midpoint rule: a kernel is at least a hundredth of the range wide, 40 points.
            prop_assert!((total - 1.0).abs() < 1e-5, "{domain:?} after {n}: {total}");
        }
    }

    #[test]
    fn joint_densities_sum_to_one_and_marginals_are_their_sums(seed: u64, n in 0usize..12) {
        let space = Space::new([
            categorical("a", ["x", "y", "z"]),
            float("b", 1e-3, 1.0).log(),
            int("c", 1, 6),
        ]).unwrap();
        let domains: Vec<&Domain> = space.nodes().iter().map(|node| node.domain()).collect();
        let axes: Vec<Axis> = domains.iter().map(|domain| Axis::new(domain)).collect();
        let mut random = Stream::new(seed, Purpose::Suggest, 0);
        let rows: Vec<Vec<f64>> =
            (0..n).map(|_| axes.iter().map(|axis| axis.draw_prior(&mut random)).collect()).collect();
        let parzen = Parzen::fit(&axes, &rows);
        let mut total = 0.0;
        for (a, _) in places(domains[0], 0) {
            let mut marginal = 0.0;
            for &(b, width) in &places(domains[1], 400) {
                for (c, _) in places(domains[2], 0) {
                    marginal += parzen.log_density(&vec![a, b, c]).exp() * width;
                }
            }
            prop_assert!((marginal - parzen.log_marginal(0, a).exp()).abs() < 1e-4);
            total += marginal;
        }
        prop_assert!((total - 1.0).abs() < 1e-4, "{total}");
    }
}

#[test]
fn draws_follow_the_density() {
    const DRAWS: usize = 10_000;
    for domain in domains() {
        let axis = Axis::new(&domain);
        let mut random = Stream::new(7, Purpose::Suggest, 0);
        let rows: Vec<Vec<f64>> = (0..4).map(|_| vec![axis.draw_prior(&mut random)]).collect();
        let parzen = Parzen::fit(&[axis], &rows);
        let mut draws: Vec<f64> = (0..DRAWS).map(|_| parzen.sample(&mut random)[0]).collect();
        draws.sort_by(f64::total_cmp);
        for middle in [DRAWS / 4, DRAWS / 2, DRAWS * 3 / 4].map(|place| draws[place]) {
            let share = draws.iter().filter(|&&x| x <= middle).count() as f64 / DRAWS as f64;
            // A multiple of a step may be rounded differently here.
            let end = middle + 1e-12 * middle.abs();
            let below = places(&domain, 4000).into_iter().filter(|&(x, _)| x <= end);
            let expected: f64 = below.map(|(x, width)| parzen.log_density(&vec![x]).exp() * width).sum();
            // Five standard errors of a share, and one interval of the integral.
            let tolerance = 2.5 / (DRAWS as f64).sqrt() + 1e-3;
            assert!((share - expected).abs() < tolerance, "{domain:?} up to {middle}: {share} {expected}");
        }
    }
}
