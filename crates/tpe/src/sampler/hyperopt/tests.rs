mod density;
mod suggest;

use super::estimator::Estimator;
use super::*;
use crate::golden::{self, assert_close, list, numbers, read};
use crate::history::History;
use crate::sampler::mixture::forgetting;
use crate::sampler::ratio::Density;
use crate::space::Space;

/// Both sides round some ten times; differences of distribution functions lose up to three more digits.
const TOLERANCE: f64 = 1e-12;

#[test]
fn densities_are_those_of_hyperopt() {
    let file = read(include_str!("../../../tests/golden/hyperopt_parzen.json"));
    for case in list(&file["cases"]) {
        let space = Space::new([golden::declaration(&case["param"])]).unwrap();
        let node = &space.nodes()[0];
        let observations = numbers(&case["observations"]);
        let what = format!("{} after {}", node.name(), observations.len());
        let estimator = Estimator::fit(node.domain(), &observations);
        match &estimator {
            Estimator::Number(parzen) => {
                assert_close(
                    &parzen.weights,
                    &numbers(&case["weights"]),
                    TOLERANCE,
                    &format!("weights of {what}"),
                );
                assert_close(&parzen.mus, &numbers(&case["mus"]), TOLERANCE, &format!("mus of {what}"));
                assert_close(
                    &parzen.sigmas,
                    &numbers(&case["sigmas"]),
                    TOLERANCE,
                    &format!("sigmas of {what}"),
                );
            }
            Estimator::Choice(choices) => {
                assert_close(&choices.probabilities, &numbers(&case["p"]), TOLERANCE, &what);
            }
        }
        let logs: Vec<f64> = numbers(&case["x"]).iter().map(|x| estimator.log_density(x)).collect();
        assert_close(&logs, &numbers(&case["log_density"]), TOLERANCE, &what);
    }
}

#[test]
fn weights_and_counts_are_those_of_hyperopt() {
    let file = read(include_str!("../../../tests/golden/hyperopt_rules.json"));
    for (n, weights) in file["forgetting"].as_object().unwrap() {
        assert_close(&forgetting(n.parse().unwrap()), &numbers(weights), 1e-15, n);
    }
    for (n, n_below) in file["n_below"].as_object().unwrap() {
        let trials = history(&vec![0.0; n.parse().unwrap()]);
        let split = split(trials.observations().iter().collect());
        assert_eq!(split.below.len() as u64, n_below.as_u64().unwrap(), "of {n}");
    }
}

#[test]
fn the_split_is_that_of_hyperopt() {
    let file = read(include_str!("../../../tests/golden/hyperopt_rules.json"));
    let trials = history(&numbers(&file["split"]["losses"]));
    let split = split(trials.observations().iter().collect());
    let ids = |group: &[&Observation]| group.iter().map(|o| o.number as f64).collect::<Vec<_>>();
    assert_eq!(ids(&split.below), numbers(&file["split"]["below"]));
    assert_eq!(ids(&split.above), numbers(&file["split"]["above"]));
}

#[test]
fn what_is_weighed_after_a_whole_history_is_what_hyperopt_weighs() {
    let file = read(include_str!("../../../tests/golden/hyperopt_history.json"));
    let space = golden::space(&file["space"]);
    let history = golden::history(&file["trials"]);
    let split = split(history.observations().iter().collect());
    for (name, weighed) in file["weighed"].as_object().unwrap() {
        let index = space.index(name).unwrap();
        let ratio = ratio(space.nodes()[index].domain(), &split, index);
        let x = numbers(&weighed["x"]);
        let below: Vec<f64> = x.iter().map(|x| ratio.below.log_density(x)).collect();
        let above: Vec<f64> = x.iter().map(|x| ratio.above.log_density(x)).collect();
        let (theirs_below, theirs_above) = (numbers(&weighed["below"]), numbers(&weighed["above"]));
        assert_close(&below, &theirs_below, TOLERANCE, name);
        assert_close(&above, &theirs_above, TOLERANCE, name);
        let theirs: Vec<f64> = theirs_below.iter().zip(&theirs_above).map(|(l, g)| l - g).collect();
        let ours: Vec<f64> = x.iter().map(|x| ratio.log(x)).collect();
        assert_close(&ours, &theirs, TOLERANCE, name);
    }
}

/// Complete trials of a space with one parameter.
fn history(losses: &[f64]) -> History {
    let trial = |(number, &loss): (usize, &f64)| Observation {
        number: number as u64,
        outcome: Outcome::Complete { loss },
        violation: 0.0,
        point: vec![0.0],
    };
    losses.iter().enumerate().map(trial).collect()
}
