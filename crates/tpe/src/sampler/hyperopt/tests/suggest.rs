//! The sampler as a whole.

use super::*;
use crate::space::{Space, categorical, float};

fn ask<'a>(space: &'a Space, history: &'a History, fixed: &'a [f64]) -> Ask<'a> {
    Ask { space, history, number: history.observations().len() as u64, seed: 3, fixed, noisy: false }
}

#[test]
fn every_point_belongs_to_the_space_and_every_parameter_has_its_reason() {
    let file = read(include_str!("../../../../tests/golden/hyperopt_history.json"));
    let space = golden::space(&file["space"]);
    let history = golden::history(&file["trials"]);
    let free = vec![f64::NAN; space.len()];
    for seed in 0..40 {
        let suggestion = Hyperopt::default().suggest(&Ask { seed, ..ask(&space, &history, &free) }).unwrap();
        for (index, node) in space.nodes().iter().enumerate() {
            let x = suggestion.point[index];
            assert_eq!(space.active(index, &suggestion.point), !x.is_nan(), "{}", node.name());
            assert_eq!(suggestion.reasons[index].is_nan(), x.is_nan(), "{}", node.name());
            assert!(x.is_nan() || node.domain().distribution().contains(x), "{} is {x}", node.name());
        }
    }
}

#[test]
fn values_beyond_the_bounds_are_clipped() {
    let space = Space::new([float("x", 0.0, 1.0).step(0.6)]).unwrap();
    let history: History = history_at(&[0.6; 30]);
    for seed in 0..50 {
        let suggestion =
            Hyperopt::default().suggest(&Ask { seed, ..ask(&space, &history, &[f64::NAN]) }).unwrap();
        assert!([0.0, 0.6].contains(&suggestion.point[0]), "{suggestion:?}");
    }
}

#[test]
fn the_first_twenty_points_are_random_and_pending_ones_count() {
    let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
    let weighed = |n: usize, state: Outcome| {
        let mut history = history_at(&vec![0.5; n]).observations().to_vec();
        history.iter_mut().for_each(|observation| observation.outcome = state);
        let history = history.into_iter().collect();
        !Hyperopt::default().suggest(&ask(&space, &history, &[f64::NAN])).unwrap().reasons.is_empty()
    };
    assert!(!weighed(19, Outcome::Pending));
    for state in [Outcome::Pending, Outcome::Failed, Outcome::Pruned { last: None }] {
        assert!(weighed(20, state));
    }
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
        let trial = |number| Observation {
            number,
            outcome: Outcome::Complete { loss: number as f64 },
            violation: 0.0,
            point: vec![0.0, f64::NAN, 0.3],
        };
        let history = (0..n).map(trial).collect();
        let suggestion = Hyperopt::default().suggest(&ask(&space, &history, &[1.0, f64::NAN, 0.25])).unwrap();
        assert_eq!((suggestion.point[0], suggestion.point[2]), (1.0, 0.25));
        assert!((0.0..=1.0).contains(&suggestion.point[1]));
    }
}

fn history_at(values: &[f64]) -> History {
    let trial = |(number, &x): (usize, &f64)| Observation {
        number: number as u64,
        outcome: Outcome::Complete { loss: number as f64 },
        violation: 0.0,
        point: vec![x],
    };
    values.iter().enumerate().map(trial).collect()
}
