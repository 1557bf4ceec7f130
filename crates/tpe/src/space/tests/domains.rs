use super::*;
use crate::distribution::Distribution;

fn stepped(low: f64, high: f64, step: f64) -> Domain {
    Domain::Float { low, high, log: false, step: Some(step) }
}

#[test]
fn the_last_multiple_of_a_step_is_the_upper_bound() {
    // As Optuna's distributions adjust their upper bounds, whose arithmetic is decimal.
    for (low, high, step, last, count) in [
        (0.0, 1.0, 0.3, 0.9, 4),
        (0.0, 0.3, 0.1, 0.3, 4),
        (0.0, 1.0, 0.35, 0.7, 3),
        (0.1, 0.75, 0.2, 0.7, 4),
        (-1.0, 1.0, 0.7, 0.4, 3),
        (1e-7, 1.05e-6, 3e-7, 1e-6, 4),
        (1e22, 1e22 + 1e7, 3e6, 1e22 + 9e6, 4),
        (0.0, 1e-320, 3e-321, 9e-321, 4),
    ] {
        let domain = stepped(low, high, step);
        assert_eq!(domain.bounds(), (low, last), "{domain:?}");
        assert_eq!(domain.cardinality(), Some(count), "{domain:?}");
        assert_eq!(
            domain.distribution(),
            Distribution::Float { low, high: last, log: false, step: Some(step) }
        );
    }
    let whole = Domain::Int { low: -3, high: 10, log: false, step: 4 };
    assert_eq!(whole.bounds(), (-3.0, 9.0));
    assert_eq!(whole.cardinality(), Some(4));
    assert_eq!(whole.distribution(), Distribution::Int { low: -3, high: 9, log: false, step: 4 });
}

#[test]
fn digits_that_do_not_fit_beside_each_other_are_counted_as_they_are() {
    for (low, high, step) in [(0.0, 1e300, 1e-300), (0.0, f64::MAX, 5e-324), (1e-300, 1e10, 3.0)] {
        let (first, last) = stepped(low, high, step).bounds();
        assert_eq!(first, low);
        assert!(last <= high && last >= high - step, "{last} for {low}, {high}, {step}");
    }
}

#[test]
fn normal_parameters_reach_four_deviations() {
    let normal = |log, step| Domain::Normal { mu: 1.0, sigma: 0.5, log, step };
    assert_eq!(normal(false, None).bounds(), (-1.0, 3.0));
    assert_eq!(normal(true, None).bounds(), (libm::exp(-1.0), libm::exp(3.0)));
    // Multiples of the step, inside.
    assert_eq!(normal(false, Some(0.75)).bounds(), (-0.75, 3.0));
    assert_eq!(normal(false, Some(0.75)).cardinality(), Some(6));
    assert_eq!(normal(false, None).cardinality(), None);
    let (low, high) = normal(true, None).bounds();
    assert_eq!(normal(true, None).distribution(), Distribution::Float { low, high, log: true, step: None });
    // Optuna has no steps on a logarithmic scale.
    assert_eq!(
        normal(true, Some(2.0)).distribution(),
        Distribution::Float { low: 2.0, high: 20.0, log: false, step: Some(2.0) }
    );
    assert_eq!(normal(true, Some(2.0)).cardinality(), Some(10));
}

#[test]
fn whole_numbers_go_up_to_two_to_the_63() {
    const EXACT: i64 = 1 << 53;
    for (low, high) in [
        (-EXACT, EXACT),
        (0, EXACT + 1),
        (-EXACT - 1, 0),
        (0, i64::MAX),
        (i64::MIN, -1),
        (i64::MIN, i64::MAX),
        (1, i64::MAX),
    ] {
        let space = Space::new([int("n", low, high)]).unwrap();
        let domain = space.nodes()[0].domain();
        assert_eq!((domain.bounds(), domain.cardinality()), ((low as f64, high as f64), None));
        let distribution = domain.distribution();
        assert_eq!(
            distribution,
            Distribution::Int { low: low.into(), high: high.into(), log: false, step: 1 }
        );
        for end in [low, high] {
            let internal = space.internal("n", &end.into()).unwrap();
            let found = distribution.external(internal).as_i64().unwrap();
            // 2⁵³ + 1 is rounded inwards, 2⁶³ - 1 is not 2⁶³.
            assert!((low..=high).contains(&found) && found.abs_diff(end) <= 1, "{found}: {low} to {high}");
        }
    }
    assert!(Space::new([int("n", EXACT - 1, EXACT)]).is_ok());
    let error = Space::new([int("n", EXACT, EXACT + 1)]).unwrap_err();
    let expected = "parameter \"n\" goes from 9007199254740992 to 9007199254740993, which are the same real number: \
                    beyond 2^53 bounds must lie further apart";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn unchecked_domains_do_not_panic() {
    let extremes = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX];
    for low in extremes {
        for high in extremes {
            for step in extremes {
                let domain = Domain::Int { low, high, log: false, step };
                let _ = (domain.bounds(), domain.cardinality(), domain.distribution(), domain.check("n"));
            }
        }
    }
    let extremes =
        [f64::NEG_INFINITY, f64::MIN, -1.0, -0.0, 0.0, 5e-324, 1.0, f64::MAX, f64::INFINITY, f64::NAN];
    for a in extremes {
        for b in extremes {
            for c in extremes {
                for log in [false, true] {
                    for step in [None, Some(c)] {
                        for domain in [
                            Domain::Float { low: a, high: b, log, step },
                            Domain::Normal { mu: a, sigma: b, log, step },
                        ] {
                            let _ = (domain.bounds(), domain.cardinality(), domain.distribution());
                            if domain.check("x").is_ok() {
                                let (low, high) = domain.bounds();
                                assert!(low.is_finite() && high.is_finite() && low < high, "{domain:?}");
                            }
                        }
                    }
                }
            }
        }
    }
    let none = Domain::Categorical { choices: Vec::new() };
    let _ = (none.bounds(), none.cardinality(), none.distribution());
}
