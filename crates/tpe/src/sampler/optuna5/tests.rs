mod density;
mod suggest;

use super::kernels::Kernels;
use super::*;
use crate::golden::{self, assert_close, list, names, numbers, read};
use crate::sampler::mixture::forgetting;
use crate::sampler::ratio::Density;

/// A sum over twelve axes, each with a difference of distribution functions in which Optuna loses up to six digits.
const TOLERANCE: f64 = 1e-9;

#[test]
fn densities_are_those_of_optuna() {
    let file = read(include_str!("../../../tests/golden/optuna_parzen.json"));
    for case in list(&file["cases"]) {
        let space = golden::space(&case["params"]);
        let indices: Vec<usize> = (0..space.len()).collect();
        let axes: Vec<Axis> = indices.iter().map(|&index| axis(&space, index)).collect();
        let observations = golden::rows(&case["observations"]);
        let what =
            format!("{} and {} more after {}", space.nodes()[0].name(), space.len() - 1, observations.len());
        let parzen = Parzen::fit(&axes, &observations);
        assert_close(&parzen.weights, &numbers(&case["weights"]), TOLERANCE, &what);
        for (ours, theirs) in parzen.axes.iter().zip(list(&case["axes"])) {
            match ours {
                Kernels::Choice(rows) => {
                    for (ours, theirs) in rows.iter().zip(golden::rows(&theirs["rows"])) {
                        assert_close(ours, &theirs, TOLERANCE, &what);
                    }
                }
                Kernels::Number(_, kernels) => {
                    let (mus, sigmas): (Vec<f64>, Vec<f64>) = kernels.iter().map(|k| (k.mu, k.sigma)).unzip();
                    assert_close(&mus, &numbers(&theirs["mus"]), TOLERANCE, &format!("mus of {what}"));
                    assert_close(
                        &sigmas,
                        &numbers(&theirs["sigmas"]),
                        TOLERANCE,
                        &format!("sigmas of {what}"),
                    );
                }
            }
        }
        let logs: Vec<f64> = golden::rows(&case["x"]).iter().map(|x| parzen.log_density(x)).collect();
        assert_close(&logs, &numbers(&case["log_density"]), TOLERANCE, &what);
    }
}

#[test]
fn weights_and_counts_are_those_of_optuna() {
    let file = read(include_str!("../../../tests/golden/optuna_rules.json"));
    for (n, weights) in file["weights"].as_object().unwrap() {
        assert_close(&forgetting(n.parse().unwrap()), &numbers(weights), 1e-15, n);
    }
    for (n, n_below) in file["gamma"].as_object().unwrap() {
        let trials = suggest::complete(n.parse().unwrap(), |_| vec![0.0]);
        let split = rank::split(trials.observations().iter());
        assert_eq!(split.below.len() as u64, n_below.as_u64().unwrap(), "of {n}");
    }
}

#[test]
fn splits_are_those_of_optuna() {
    let file = read(include_str!("../../../tests/golden/optuna_rules.json"));
    for case in list(&file["splits"]) {
        let trials = golden::history(&case["trials"]);
        let split = rank::split(trials.observations().iter());
        let ids = |group: &[&Observation]| group.iter().map(|o| o.number as f64).collect::<Vec<_>>();
        assert_eq!(ids(&split.below), numbers(&case["below"]));
        assert_eq!(ids(&split.above), numbers(&case["above"]));
    }
}

#[test]
fn what_is_weighed_after_a_whole_history_is_what_optuna_weighs() {
    let file = read(include_str!("../../../tests/golden/optuna_history.json"));
    let space = golden::space(&file["space"]);
    let history = golden::history(&file["trials"]);
    let known = history.observations();
    let mut joint: Vec<&str> =
        common(&space, known.iter()).iter().map(|&i| space.nodes()[i].name()).collect();
    joint.sort_unstable();
    assert_eq!(joint, names(&file["joint"]));
    let split = rank::split(known.iter());
    for draw in list(&file["draws"]) {
        let names = names(&draw["names"]);
        let indices: Vec<usize> = names.iter().map(|name| space.index(name).unwrap()).collect();
        let ratio = ratio(&space, &split, &indices);
        let ours: Vec<f64> = golden::rows(&draw["x"]).iter().map(|x| ratio.log(x)).collect();
        assert_close(&ours, &numbers(&draw["ratio"]), TOLERANCE, &names.join(", "));
    }
}
