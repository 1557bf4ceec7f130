//! Constraints, as Optuna stores them and judges by them.

#![cfg(feature = "sqlite")]

use std::path::Path;

use serde_json::{Value as Json, json};
use tpe::history::{History, Observation};
use tpe::sampler::{Ask, Hyperopt, Joint, Optuna5, Sampler};
use tpe::space::{Space, float};
use tpe::storage::{Journal, Known, Memory, NewTrial, Sqlite, Storage};
use tpe::study::{Ending, Study, StudyError};
use tpe::{Direction, State, Trial};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn space() -> Space {
    Space::new([float("x", 0.0, 1.0)]).unwrap()
}

/// The studies of Optuna as both of its storages keep them, in a folder for these tests to write in.
fn storages(folder: &Path) -> [Box<dyn Storage>; 2] {
    let copy = |end: &str| {
        let path = folder.join(format!("study{end}"));
        std::fs::copy(format!("{GOLDEN}/optuna_constraints{end}"), &path).unwrap();
        path
    };
    [Box::new(Sqlite::open(copy(".db")).unwrap()), Box::new(Journal::open(copy(".log")).unwrap())]
}

fn expected() -> serde_json::Map<String, Json> {
    let text = std::fs::read_to_string(format!("{GOLDEN}/optuna_constraints.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn open(storage: Box<dyn Storage>, name: &str, direction: Direction) -> Study {
    let builder = Study::builder(space()).name(name).shared_storage(storage.into());
    if direction == Direction::Maximize {
        builder.maximize().open().unwrap()
    } else {
        builder.open().unwrap()
    }
}

/// A number as Python shows it.
fn number(json: &Json) -> f64 {
    json.as_str().unwrap().parse().unwrap()
}

#[test]
fn what_optuna_wrote_is_judged_as_optuna_judges_it() {
    let mut trials = 0;
    for (name, expected) in expected() {
        let folder = tempfile::tempdir().unwrap();
        for storage in storages(folder.path()) {
            let direction = storage.study(&name).unwrap().unwrap().directions[0];
            let study = open(storage, &name, direction);
            let best = study.best().unwrap().map(|best| best.number);
            assert_eq!(best, expected["best"].as_u64(), "{name}");
            let constraints = expected["constraints"].as_array().unwrap();
            let found = study.trials().unwrap();
            assert_eq!(found.len(), constraints.len());
            for (trial, expected) in found.iter().zip(constraints) {
                let own: Vec<_> = trial.constraints().into_iter().collect();
                let mut expected: Vec<_> = expected
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(key, value)| (key.clone(), number(value)))
                    .collect();
                expected.sort_by(|a, b| a.0.cmp(&b.0));
                assert_eq!(own, expected, "{name}: {trial}");
                trials += 1;
            }
            let feasible: Vec<_> = found.iter().map(Trial::is_feasible).collect();
            assert_eq!(json!(feasible), expected["feasible"], "{name}");
        }
    }
    assert!(trials > 150, "{trials}");
}

/// The trials of a study as samplers see them.
fn history(trials: &[Trial]) -> History {
    trials.iter().filter_map(|trial| Observation::new(&space(), Direction::Minimize, trial)).collect()
}

fn suggestions(sampler: &dyn Sampler, trials: &[Trial]) -> Vec<f64> {
    let (space, history) = (space(), history(trials));
    let ask =
        |seed| Ask { space: &space, history: &history, number: 100, seed, fixed: &[f64::NAN], noisy: false };
    (0..20).map(|seed| sampler.suggest(&ask(seed)).unwrap().point[0]).collect()
}

/// Trials at 0, 0.05, .. with their place as value; `attrs` says what is stored about the constraint `0.5 - x <= 0`.
fn trials(attrs: impl Fn(f64) -> Vec<(String, Json)>) -> Vec<Trial> {
    let storage = Memory::new();
    let study = storage.create_study("s", &[Direction::Minimize]).unwrap();
    for x in (0..20).map(|i| f64::from(i) / 20.0) {
        let mut new = NewTrial { values: vec![x], ..NewTrial::new(State::Complete) };
        new.params = space().params(&[x]);
        new.system_attrs.extend(attrs(x));
        storage.create_trial(study, &new, Default::default()).unwrap();
    }
    storage.trials(study, &Known::default()).unwrap()
}

#[test]
fn samplers_learn_the_same_from_both_forms_and_keep_to_what_is_feasible() {
    let free = trials(|_| Vec::new());
    let list = trials(|x| vec![("constraints".into(), json!([0.5 - x, -1]))]);
    let single =
        trials(|x| vec![("constraints:a".into(), json!(0.5 - x)), ("constraints:b".into(), json!(-1))]);
    let samplers: [Box<dyn Sampler>; 3] =
        [Joint::default().into(), Optuna5::default().into(), Hyperopt::default().into()];
    for sampler in samplers {
        let [free, list, single] =
            [&free, &list, &single].map(|trials| suggestions(sampler.as_ref(), trials));
        assert_eq!(list, single, "{}", sampler.name());
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let (free, kept) = (mean(&free), mean(&list));
        assert!(free < 0.4 && kept > free + 0.15, "{}: {free} and {kept}", sampler.name());
    }
}

#[test]
fn a_constrained_search_ends_at_the_constraint() {
    let study = Study::builder(space()).maximize().open().unwrap();
    let objective = |trial: &tpe::study::Evaluation<'_>| {
        trial.constrain("limit", trial.float("x") - 0.5)?;
        Ok(trial.float("x"))
    };
    study.optimize(60, objective).unwrap();
    let best = study.best().unwrap().unwrap();
    assert!((0.47..=0.5).contains(&best.value().unwrap()), "{best}");
    let greatest =
        study.trials().unwrap().into_iter().max_by(|a, b| a.values[0].total_cmp(&b.values[0])).unwrap();
    assert!(
        !greatest.is_feasible() && greatest.to_string().contains("breaks constraint limit by 0."),
        "{greatest}"
    );
}

#[test]
fn odd_constraints_do_not_pass() {
    let study = Study::builder(space()).open().unwrap();
    let trial = study.ask().unwrap().unwrap();
    let error = trial.constrain("limit", f64::NAN).unwrap_err();
    assert!(
        matches!(error, StudyError::Constraint { .. }) && error.to_string().contains("\"limit\""),
        "{error}"
    );
    trial.constrain("limit", f64::INFINITY).unwrap();
    trial.constrain("limit", -0.0).unwrap();
    study.tell(&trial, Ending::Complete(1.0)).unwrap();
    assert_eq!(study.best().unwrap().unwrap().number, 0, "the second value counts, and zero keeps it");
    for (attr, feasible) in [
        (json!("text"), false),
        (json!([1]), false),
        (json!([0, "text"]), false),
        (json!([-1.5, 0]), true),
        (json!([]), true),
        (json!(null), true),
    ] {
        let trial =
            &trials(|_| vec![("constraints".into(), attr.clone()), ("constraints_of".into(), json!(9))])[0];
        assert_eq!(trial.is_feasible(), feasible, "{attr}");
    }
}

#[test]
fn a_trial_shows_itself_on_one_line() {
    let study = Study::builder(space()).name("s").open().unwrap();
    study.enqueue([("x", 0.25)]).unwrap();
    study.optimize(1, |trial| Ok(trial.float("x"))).unwrap();
    let mut trial = study.best().unwrap().unwrap();
    assert_eq!(trial.to_string(), "trial 0: complete, value 0.25, x = 0.25");
    trial.params.insert("y\u{1b}[2J\n".into(), trial.params["x"].clone());
    assert!(!trial.to_string().contains(char::is_control), "{trial}");
    trial.state = State::Fail;
    trial.values.clear();
    trial.params.clear();
    assert_eq!(trial.to_string(), "trial 0: failed");
}

#[test]
fn a_result_that_is_nan_fails_and_says_why_and_zeros_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    for (name, values, best) in [("a", [f64::NAN, 0.0, -0.0], 1), ("b", [-0.0, 0.0, f64::NAN], 0)] {
        for place in ["s.db", "s.log"] {
            let path = folder.path().join(place);
            let storage: Box<dyn Storage> = match place {
                "s.db" => Box::new(Sqlite::open(path).unwrap()),
                _ => Box::new(Journal::open(path).unwrap()),
            };
            let study = open(storage, name, Direction::Minimize);
            study.optimize(3, |trial| Ok(values[trial.number() as usize])).unwrap();
            assert_eq!(study.best().unwrap().unwrap().number, best, "{place}");
            for trial in study.trials().unwrap().iter().filter(|trial| values[trial.number as usize].is_nan())
            {
                assert_eq!(trial.state, State::Fail);
                assert_eq!(trial.user_attrs["failure"], "the objective's value is NaN", "{place}");
            }
        }
    }
}
