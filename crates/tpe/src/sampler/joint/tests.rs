use proptest::prelude::*;

use super::*;
use crate::history::{History, Observation, Outcome};
use crate::sampler::Random;
use crate::space::{Declaration, Space, boolean, categorical, float, int, normal, ordinal};

/// A history of random points with random losses, some pending, pruned and failed.
fn history(space: &Space, seed: u64, trials: u64) -> History {
    let mut history = History::new();
    for number in 0..trials {
        let point = Random.suggest(&ask(space, &history, seed, number)).unwrap().point;
        let mut random = Stream::new(seed, Purpose::Unseen, number);
        let outcome = match random.below(8) {
            0 => Outcome::Pending,
            1 => Outcome::Failed,
            2 => Outcome::Pruned { last: Some((random.below(5) as i64, random.normal())) },
            3 => Outcome::Pruned { last: None },
            _ => Outcome::Complete { loss: random.normal() },
        };
        let violation = if random.below(10) == 0 { random.uniform() } else { 0.0 };
        history.record(Observation { number, outcome, violation, point });
    }
    history
}

fn ask<'a>(space: &'a Space, history: &'a History, seed: u64, number: u64) -> Ask<'a> {
    const FREE: [f64; 16] = [f64::NAN; 16];
    Ask { space, history, number, seed, fixed: &FREE[..space.len()], noisy: false }
}

/// The mass of the mixture of all trials: the sum over the discrete parameters, and over `cells` midpoints of the
/// continuous ones.
fn mass(space: &Space, history: &History, cells: usize) -> f64 {
    let trials: Vec<_> = (0..history.observations().len()).collect();
    let mixture = Mixture::fit(space, history, &trials);
    let mut points = vec![(vec![f64::NAN; space.len()], 1.0)];
    for (index, node) in space.nodes().iter().enumerate() {
        let values: Vec<(f64, f64)> = match node.domain().cardinality() {
            Some(_) => node.domain().values().map(|value| (value, 1.0)).collect(),
            None => {
                let (low, high) = node.domain().bounds();
                let log = matches!(node.domain(), crate::space::Domain::Float { log: true, .. });
                let (low, high) = if log { (low.ln(), high.ln()) } else { (low, high) };
                let width = (high - low) / cells as f64;
                let middle = |cell: usize| low + (cell as f64 + 0.5) * width;
                (0..cells).map(|cell| (if log { middle(cell).exp() } else { middle(cell) }, width)).collect()
            }
        };
        points = points
            .into_iter()
            .flat_map(|(point, width)| {
                let here = if space.active(index, &point) { values.clone() } else { vec![(f64::NAN, 1.0)] };
                here.into_iter().map(move |(value, more)| {
                    let mut point = point.clone();
                    point[index] = value;
                    (point, width * more)
                })
            })
            .collect();
    }
    let mut terms = Vec::new();
    let density = |point: &[f64], terms: &mut Vec<f64>| {
        mixture.log_density(point, &mixture.log_factors(&exists(point)), terms).exp()
    };
    points.iter().map(|(point, width)| density(point, &mut terms) * width).sum()
}

/// One parameter of each kind; which ones are discrete is the same for all of them.
fn declaration(kind: u8, name: &str) -> Declaration {
    match kind % 9 {
        0 => categorical(name, ["a", "b", "c"]),
        1 => boolean(name),
        2 => ordinal(name, [1, 10, 100, 1000]),
        3 => int(name, -3, 4),
        4 => int(name, 1, 40).log(),
        5 => int(name, 0, 17).step(4),
        6 => float(name, 0.0, 1.0).step(0.25),
        7 => normal(name, 1.0, 2.0).step(0.5),
        _ => normal(name, 1.0, 0.5).log().step(1.0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn discrete_trees_have_mass_one(kinds in proptest::collection::vec((0u8..9, any::<u8>()), 1..4), seed in 0u64..1000, trials in 0u64..40) {
        let mut declarations = vec![categorical("root", ["x", "y"])];
        for (place, &(kind, condition)) in kinds.iter().enumerate() {
            let declared = declaration(kind, &format!("p{place}"));
            declarations.push(match condition % 3 {
                0 => declared,
                1 => declared.when("root", "x"),
                _ => declared.when("root", "y"),
            });
        }
        let space = Space::new(declarations).unwrap();
        let mass = mass(&space, &history(&space, seed, trials), 0);
        // Kernels are cut where less than 1e-9 of them is left.
        prop_assert!((mass - 1.0).abs() < 1e-8, "{mass}");
    }

    #[test]
    fn continuous_trees_have_mass_one(seed in 0u64..1000, trials in 0u64..60) {
        let space = Space::new([
            categorical("root", ["x", "y", "z"]),
            float("a", -1.0, 3.0).when("root", "x"),
            float("b", 1e-4, 1e2).log().when("root", "y"),
            normal("c", 0.0, 1.0).when("root", "z"),
        ])
        .unwrap();
        let mass = mass(&space, &history(&space, seed, trials), 20_000);
        // Midpoints of cells that are 1/600 of the narrowest kernel.
        prop_assert!((mass - 1.0).abs() < 1e-6, "{mass}");
    }

    #[test]
    fn suggestions_lie_in_the_space_and_do_not_depend_on_the_order_of_news(seed in 0u64..1000, trials in 0u64..60) {
        let space = Space::new([
            categorical("root", ["x", "y"]),
            float("a", -1e300, 1e300),
            float("b", 1e-300, 1e300).log().when("root", "y"),
            int("n", 1, 1 << 52).log(),
            float("s", 0.1, 0.75).step(0.1),
        ])
        .unwrap();
        let history = history(&space, seed, trials);
        let suggestion = Joint::default().suggest(&ask(&space, &history, seed, trials)).unwrap();
        for (node, &x) in space.nodes().iter().zip(&suggestion.point) {
            prop_assert!(x.is_nan() || node.domain().distribution().contains(x), "{} = {x}", node.name());
        }
        prop_assert!(suggestion.reasons.iter().zip(&suggestion.point).all(|(r, x)| r.is_finite() != x.is_nan()));
        let mut backwards = History::new();
        history.observations().iter().rev().for_each(|observation| backwards.record(observation.clone()));
        let again = Joint::default().suggest(&ask(&space, &backwards, seed, trials)).unwrap();
        prop_assert_eq!(format!("{suggestion:?}"), format!("{again:?}"));
    }
}

#[test]
fn the_first_trials_are_a_latin_hypercube() {
    let space =
        Space::new([float("x", 0.0, 6.0), categorical("c", 0..6), float("l", 1.0, 64.0).log()]).unwrap();
    let history = History::new();
    let points: Vec<_> =
        (0..6).map(|n| Joint::default().suggest(&ask(&space, &history, 3, n)).unwrap().point).collect();
    for (index, scale) in [(0, 1.0), (1, 1.0), (2, 1.0)] {
        let mut strata: Vec<_> = points
            .iter()
            .map(|point| if index == 2 { point[2].log2().floor() } else { (point[index] * scale).floor() } as i64)
            .collect();
        strata.sort_unstable();
        assert_eq!(strata, [0, 1, 2, 3, 4, 5], "parameter {index}");
    }
    let other = Joint::default().suggest(&ask(&space, &history, 4, 0)).unwrap().point;
    assert_ne!(points[0], other, "another seed gives other points");
}

#[test]
fn a_finite_space_is_exhausted_without_repetition() {
    let space = Space::new([
        categorical("root", ["x", "y"]),
        int("n", 0, 6).when("root", "x"),
        ordinal("o", [1, 2, 4]).when("root", "y"),
        boolean("b"),
    ])
    .unwrap();
    let all = space.cardinality().unwrap();
    assert_eq!(all, (7 + 3) * 2);
    let mut history = History::new();
    let mut seen = std::collections::HashSet::new();
    for number in 0..all {
        let point = Joint::default().suggest(&ask(&space, &history, 1, number)).unwrap().point;
        assert!(seen.insert(format!("{point:?}")), "trial {number} repeats {point:?}");
        // Every third one is still running: that counts as tried too.
        let outcome = if number % 3 == 0 { Outcome::Pending } else { Outcome::Complete { loss: point[3] } };
        history.record(Observation { number, outcome, violation: 0.0, point });
    }
    let request = ask(&space, &history, 1, all);
    assert_eq!(Joint::default().suggest(&request), Err(Exhausted));
    assert!(Joint::default().suggest(&Ask { noisy: true, ..request }).is_ok());
}

#[test]
fn settled_values_are_kept_even_if_they_repeat_a_point() {
    let space = Space::new([categorical("c", ["x", "y"]), int("n", 0, 9).when("c", "y")]).unwrap();
    let mut history = History::new();
    history.record(Observation {
        number: 0,
        outcome: Outcome::Complete { loss: 0.0 },
        violation: 0.0,
        point: vec![1.0, 4.0],
    });
    for number in [1, 50] {
        let settled = Ask { fixed: &[1.0, 4.0], ..ask(&space, &history, 0, number) };
        assert_eq!(Joint::default().suggest(&settled).unwrap().point, [1.0, 4.0]);
        let half = Ask { fixed: &[1.0, f64::NAN], ..ask(&space, &history, 0, number) };
        let point = Joint::default().suggest(&half).unwrap().point;
        assert!(point[0] == 1.0 && (0.0..=9.0).contains(&point[1]), "{point:?}");
    }
}

#[test]
fn good_trials_are_chosen_in_the_documented_order() {
    let observation =
        |number: u64, outcome, violation| Observation { number, outcome, violation, point: vec![0.0] };
    let pruned = |step, value| Outcome::Pruned { last: Some((step, value)) };
    let ranked = [
        observation(7, Outcome::Complete { loss: f64::NEG_INFINITY }, 0.0),
        observation(3, Outcome::Complete { loss: -1.0 }, 0.0),
        observation(5, Outcome::Complete { loss: -1.0 }, 0.0),
        observation(0, Outcome::Complete { loss: f64::INFINITY }, 0.0),
        observation(9, pruned(7, 5.0), 0.0),
        observation(1, pruned(3, -5.0), 0.0),
        observation(8, pruned(3, f64::INFINITY), 0.0),
        observation(2, Outcome::Pruned { last: None }, 0.0),
        observation(6, Outcome::Complete { loss: -9.0 }, 0.5),
        observation(4, pruned(9, -9.0), 0.7),
    ];
    let mut all = ranked.to_vec();
    all.push(observation(10, Outcome::Pending, 0.0));
    all.push(observation(11, Outcome::Failed, 0.0));
    let history: History = all.into_iter().collect();
    for count in 1..=ranked.len() {
        let (good, others) = split(history.observations(), count as f64 / ranked.len() as f64);
        let mut expected: Vec<_> =
            ranked[..count].iter().map(|observation| observation.number as usize).collect();
        expected.sort_unstable();
        assert_eq!(good, expected);
        assert_eq!(good.len() + others.len(), 11, "all but the failed one");
        assert!(others.contains(&10), "what runs is never good");
    }
    assert_eq!(split(history.observations(), 0.1).0, [7]);
}

#[test]
fn suggestions_go_where_good_trials_were() {
    let space = Space::new([float("x", 0.0, 1.0), categorical("c", ["bad", "good"])]).unwrap();
    let mut history = History::new();
    for number in 0..60 {
        let point = Random.suggest(&ask(&space, &history, 5, number)).unwrap().point;
        let loss = (point[0] - 0.8).abs() + 1.0 - point[1];
        history.record(Observation { number, outcome: Outcome::Complete { loss }, violation: 0.0, point });
    }
    let near = (60..160)
        .filter(|&number| {
            let suggestion = Joint::default().suggest(&ask(&space, &history, 5, number)).unwrap();
            (suggestion.point[0] - 0.8).abs() < 0.1
                && suggestion.point[1] == 1.0
                && suggestion.reasons[1] > 0.0
        })
        .count();
    // A tenth of the space; nearly all suggestions.
    assert!(near > 90, "{near} of 100");
}
