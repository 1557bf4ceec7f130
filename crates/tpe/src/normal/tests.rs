use super::*;
use crate::golden::{list, number, read, rows};
use crate::rng::Purpose;

fn exact() -> serde_json::Value {
    read(include_str!("../../tests/golden/normal.json"))
}

/// `libm` is exact to an ulp or two; `z²/2` in the exponent of the density multiplies that by up to 800.
const RELATIVE: f64 = 1e-13;

#[track_caller]
fn check(ours: f64, exact: f64, tolerance: f64, place: &[f64]) {
    assert!((ours - exact).abs() <= tolerance * exact.abs(), "{ours:?} instead of {exact:?} at {place:?}");
}

#[test]
fn the_distribution_function_is_exact_to_40_deviations() {
    for row in rows(&exact()["cdf"]) {
        check(cdf(row[0]), row[1], RELATIVE, &row);
    }
    for row in rows(&exact()["log_cdf"]) {
        check(log_cdf(row[0]), row[1], RELATIVE, &row);
    }
}

#[test]
fn the_mass_of_narrow_and_wide_intervals_is_exact() {
    for row in rows(&exact()["log_mass"]) {
        // Relative to the logarithm, but near mass 1 no better than an ulp of the mass.
        let tolerance = RELATIVE * row[2].abs() + 1e-16;
        let ours = log_mass(row[0], row[1]);
        assert!((ours - row[2]).abs() <= tolerance, "{ours:?} at {row:?}");
        assert_eq!(ours, log_mass(-row[1], -row[0]), "mirrored at {row:?}");
    }
}

#[test]
fn nothing_is_nan_within_40_deviations() {
    let places: Vec<f64> = (-160..=160).map(|i| f64::from(i) * 0.25).collect();
    for (i, &a) in places.iter().enumerate() {
        assert!(log_density(a).is_finite() && log_cdf(a).is_finite() && log_cdf(a) <= 0.0);
        assert!((0.0..=1.0).contains(&cdf(a)));
        assert_eq!(log_mass(a, a), f64::NEG_INFINITY);
        for &b in &places[i + 1..] {
            let mass = log_mass(a, b);
            assert!(mass <= 0.0 && mass.is_finite(), "{mass} between {a} and {b}");
        }
    }
}

#[test]
fn quantiles_are_where_the_distribution_function_says() {
    for row in rows(&exact()["quantile"]) {
        assert!((quantile(row[0]) - row[1]).abs() < 1e-12 * row[1].abs().max(1.0), "{row:?}");
    }
}

#[test]
fn truncated_draws_have_the_exact_mean_and_deviation() {
    const DRAWS: usize = 4000;
    for case in list(&exact()["truncated"]) {
        let [mu, sigma, low, high, mean, deviation] =
            ["mu", "sigma", "low", "high", "mean", "deviation"].map(|key| number(&case[key]));
        let mut random = Stream::new(1, Purpose::Suggest, 0);
        let draws: Vec<f64> = (0..DRAWS).map(|_| sample(mu, sigma, low, high, &mut random)).collect();
        assert!(draws.iter().all(|x| (low..=high).contains(x)), "{case}");
        let n = DRAWS as f64;
        let average = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|x| (x - average).powi(2)).sum::<f64>() / n;
        // Five standard errors; that of the deviation is below deviation / √n for densities that are not heavy-tailed,
        // and at most 1.5 times that for an exponential one, which a far tail is.
        assert!((average - mean).abs() < 5.0 * deviation / n.sqrt(), "{case}: {average}");
        assert!(
            (variance.sqrt() - deviation).abs() < 7.5 * deviation / n.sqrt(),
            "{case}: {}",
            variance.sqrt()
        );
    }
}

#[test]
fn pairs_of_normal_draws_are_standard() {
    let mut random = Stream::new(2, Purpose::Suggest, 0);
    let draws: Vec<f64> = (0..10_000).map(|_| random.normal()).collect();
    let below = |z: f64| draws.iter().filter(|&&x| x < z).count() as f64 / 10_000.0;
    for z in [-2.0, -1.0, 0.0, 0.5, 1.5] {
        // Five standard errors of a share.
        assert!((below(z) - cdf(z)).abs() < 5.0 * 0.5 / 100.0, "{z}");
    }
}
