//! The sampler as a whole.

use super::*;
use crate::history::History;
use crate::space::{Point, Space, categorical, float};

/// Complete trials, each worse than those before it.
pub(super) fn complete(n: u64, point: impl Fn(u64) -> Point) -> History {
    let trial = |number| Observation {
        number,
        outcome: Outcome::Complete { loss: number as f64 },
        violation: 0.0,
        point: point(number),
    };
    (0..n).map(trial).collect()
}

fn ask<'a>(space: &'a Space, history: &'a History, fixed: &'a [f64]) -> Ask<'a> {
    Ask { space, history, number: history.observations().len() as u64, seed: 3, fixed, noisy: false }
}

#[test]
fn every_point_belongs_to_the_space_and_every_parameter_has_its_reason() {
    let file = read(include_str!("../../../../tests/golden/optuna_history.json"));
    let space = golden::space(&file["space"]);
    let history = golden::history(&file["trials"]);
    let free = vec![f64::NAN; space.len()];
    for (seed, multivariate) in (0..40).map(|seed| (seed, seed % 2 == 0)) {
        let sampler = Optuna5 { multivariate, ..Optuna5::default() };
        let suggestion = sampler.suggest(&Ask { seed, ..ask(&space, &history, &free) }).unwrap();
        for (index, node) in space.nodes().iter().enumerate() {
            let x = suggestion.point[index];
            assert_eq!(space.active(index, &suggestion.point), !x.is_nan(), "{}", node.name());
            assert_eq!(suggestion.reasons[index].is_nan(), x.is_nan(), "{}", node.name());
            assert!(x.is_nan() || node.domain().distribution().contains(x), "{} is {x}", node.name());
        }
    }
}

#[test]
fn ten_complete_or_pruned_trials_end_the_random_ones() {
    let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
    let weighed = |n: u64, outcome: Outcome| {
        let mut trials = complete(n, |_| vec![0.5]).observations().to_vec();
        trials[0].outcome = outcome;
        let history = trials.into_iter().collect();
        !Optuna5::default().suggest(&ask(&space, &history, &[f64::NAN])).unwrap().reasons.is_empty()
    };
    assert!(weighed(10, Outcome::Pruned { last: None }));
    assert!(!weighed(10, Outcome::Pending));
    assert!(!weighed(10, Outcome::Failed));
    assert!(weighed(11, Outcome::Pending));
}

#[test]
fn parameters_that_go_together_are_chosen_together_only_if_multivariate() {
    // The good trials lie where both are small or both are large, the others anywhere.
    let space = Space::new([float("x", 0.0, 1.0), float("y", 0.0, 1.0)]).unwrap();
    let history = complete(100, |number| match number {
        0..10 if number % 2 == 0 => vec![0.1, 0.1],
        0..10 => vec![0.9, 0.9],
        _ => vec![(number * 37 % 90) as f64 / 90.0, (number * 53 % 90) as f64 / 90.0],
    });
    let together = |multivariate| {
        let sampler = Optuna5 { multivariate, ..Optuna5::default() };
        let suggest =
            |seed| sampler.suggest(&Ask { seed, ..ask(&space, &history, &[f64::NAN; 2]) }).unwrap().point;
        (0..40).map(suggest).filter(|point| (point[0] < 0.5) == (point[1] < 0.5)).count()
    };
    assert!(together(true) >= 38, "{}", together(true));
    // Independent coins: 20 ± 3.2 of 40.
    assert!(together(false) <= 33, "{}", together(false));
}

#[test]
fn settled_values_stay_and_decide_what_exists() {
    let space = Space::new([
        categorical("kind", ["a", "b"]),
        float("x", 0.0, 1.0).when("kind", "b"),
        float("y", 0.0, 1.0),
    ]);
    let space = space.unwrap();
    for n in [0, 30] {
        let history = complete(n, |_| vec![0.0, f64::NAN, 0.3]);
        let suggestion = Optuna5::default().suggest(&ask(&space, &history, &[1.0, f64::NAN, 0.25])).unwrap();
        assert_eq!((suggestion.point[0], suggestion.point[2]), (1.0, 0.25));
        assert!((0.0..=1.0).contains(&suggestion.point[1]));
    }
}
