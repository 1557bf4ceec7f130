//! Journals shared with Optuna. `tests/compat/journal.py` is its side; it prints what Optuna reads in a form which
//! [`dump`] gives to what we read.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value as Json, json};
use tpe::storage::{AttrKind, Journal, Known, NewTrial, Storage};
use tpe::{Attrs, Direction, Distribution, Param, State, Trial, Value};

use super::{create, float, lines, place, running};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compat/journal.py");

fn number(x: f64) -> Json {
    if x.is_finite() { x.into() } else { x.to_string().to_lowercase().into() }
}

/// Numbers without an equal in JSON are texts behind a zero character.
fn plain(value: &Json) -> Json {
    match value {
        Json::String(text) => match text.strip_prefix('\0') {
            Some(word) => word.to_lowercase().replace("infinity", "inf").into(),
            None => value.clone(),
        },
        Json::Array(list) => list.iter().map(plain).collect(),
        Json::Object(object) => {
            object.iter().map(|(key, value)| (key.clone(), plain(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn attrs(attrs: &Attrs) -> Json {
    attrs.iter().map(|(key, value)| (key.clone(), plain(value))).collect::<Map<_, _>>().into()
}

fn param(param: &Param) -> Json {
    let value = match param.value() {
        Value::Float(x) => number(x),
        other => serde_json::to_value(other).unwrap(),
    };
    let distribution: Json = serde_json::from_str(&param.distribution.to_json()).unwrap();
    json!({ "value": value, "internal": number(param.internal), "distribution": distribution })
}

fn trial(trial: &Trial) -> Json {
    let params: Map<_, _> = trial.params.iter().map(|(name, of)| (name.clone(), param(of))).collect();
    let intermediate: Map<_, _> =
        trial.intermediate.iter().map(|(step, x)| (step.to_string(), number(*x))).collect();
    json!({
        "id": trial.id.0,
        "number": trial.number,
        "state": format!("{:?}", trial.state).to_uppercase(),
        "values": trial.values.iter().map(|&x| number(x)).collect::<Vec<_>>(),
        "params": params,
        "intermediate": intermediate,
        "user_attrs": attrs(&trial.user_attrs),
        "system_attrs": attrs(&trial.system_attrs),
        "started": trial.started.map(|time| time.as_microsecond()),
        "finished": trial.finished.map(|time| time.as_microsecond()),
    })
}

/// Everything in a journal.
fn dump(journal: &Journal) -> Json {
    let studies = journal.studies().unwrap();
    let studies = studies.iter().map(|study| {
        let trials = journal.trials(study.id, &Known::default()).unwrap();
        let directions: Vec<_> = study.directions.iter().map(|of| format!("{of:?}").to_uppercase()).collect();
        json!({
            "id": study.id.0,
            "name": study.name,
            "directions": directions,
            "user_attrs": attrs(&study.user_attrs),
            "system_attrs": attrs(&study.system_attrs),
            "trials": trials.iter().map(trial).collect::<Vec<_>>(),
        })
    });
    studies.collect()
}

/// Compares piece by piece, so that a difference is readable.
fn assert_same(ours: &Json, optunas: &Json, place: &str) {
    match (ours, optunas) {
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| assert_same(a, b, &format!("{place}[{i}]")));
        }
        (Json::Object(a), Json::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().for_each(|(key, a)| assert_same(a, &b[key], &format!("{place}.{key}")));
        }
        _ => assert_eq!(ours, optunas, "{place}"),
    }
}

#[test]
fn a_journal_of_optuna_is_read_as_optuna_reads_it() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/compat");
    let journal = Journal::open(folder.join("journal.log")).unwrap();
    let expected = fs::read_to_string(folder.join("journal.json")).unwrap();
    assert_same(&dump(&journal), &serde_json::from_str(&expected).unwrap(), "journal");
}

/// The interpreter that `OPTUNA_PYTHON` names.
fn python(test: &str) -> Option<String> {
    let python = env::var("OPTUNA_PYTHON").ok();
    if python.is_none() {
        println!("skipped: {test} (needs OPTUNA_PYTHON)");
    }
    python
}

fn script(python: &str, command: &str, path: &Path, rest: &[&str]) -> Command {
    let mut script = Command::new(python);
    script.args(["-W", "ignore", SCRIPT, command]).arg(path).args(rest);
    script
}

fn optunas_dump(python: &str, path: &Path) -> Json {
    let output = script(python, "dump", path, &[]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Trials of all states with all distributions, numbers and attributes, in the space of the script's objective.
fn write_all_kinds(journal: &Journal) {
    let study = journal.create_study("ours \"ü\" NaN", &[Direction::Minimize]).unwrap();
    let several = journal.create_study("several", &[Direction::Maximize, Direction::Minimize]).unwrap();
    let gone = journal.create_study("gone", &[Direction::Minimize]).unwrap();
    create(journal, gone, &running(0.5));
    journal.delete_study(gone).unwrap();
    for kind in [AttrKind::User, AttrKind::System] {
        journal.set_study_attr(study, kind, "note", &json!(["Infinity", null, { "\u{e9}\"": 0.1 }])).unwrap();
    }
    let choices = vec![Value::None, true.into(), 3.into(), 2.5.into(), "sgd".into()];
    let params = |x: f64| -> Vec<(String, Param)> {
        let of = |name: &str, internal, distribution| (name.to_owned(), Param { internal, distribution });
        vec![
            of("x", x, Distribution::Float { low: 1e-3, high: 1.0, log: true, step: None }),
            of("y", -0.75, Distribution::Float { low: -1.0, high: 1.0, log: false, step: Some(0.25) }),
            of("n", 7.0, Distribution::Int { low: 1, high: 64, log: true, step: 1 }),
            of("m", 4.0, Distribution::Int { low: 0, high: 10, log: false, step: 2 }),
            of("c", (x * 5.0).floor(), Distribution::Categorical { choices: choices.clone() }),
        ]
    };
    let values = [f64::INFINITY, f64::NEG_INFINITY, 5e-324, -0.0, 0.1 + 0.2, f64::MAX];
    for (i, value) in values.into_iter().enumerate() {
        let id = create(
            journal,
            study,
            &NewTrial { params: params(0.15 * (i as f64 + 0.9)), ..NewTrial::new(State::Running) },
        );
        for (step, value) in [(0, f64::NAN), (10, f64::INFINITY), (2, f64::NEG_INFINITY), (3, 1e22)] {
            journal.report(id, step, value).unwrap();
        }
        journal
            .set_trial_attr(id, AttrKind::User, "seen", &json!([1, 2.5, "a\nb", { "deep": false }]))
            .unwrap();
        journal.set_trial_attr(id, AttrKind::System, "tpe:lease", &json!("2026")).unwrap();
        let state = if i == 2 { State::Pruned } else { State::Complete };
        assert!(journal.finish(id, state, &[value]).unwrap());
    }
    let failed = create(journal, study, &NewTrial::new(State::Running));
    journal.set_params(failed, &params(0.5)).unwrap();
    assert!(
        journal.repeat(failed, &NewTrial { params: params(0.5), ..NewTrial::new(State::Waiting) }).unwrap()
    );
    let claimed = create(journal, study, &NewTrial::new(State::Waiting));
    assert!(journal.claim(claimed, &Attrs::from([("a".into(), json!(1)), ("b".into(), json!({}))])).unwrap());
    for (state, values) in
        [(State::Complete, vec![f64::INFINITY, 1.0]), (State::Pruned, vec![]), (State::Fail, vec![])]
    {
        create(
            journal,
            several,
            &NewTrial {
                values,
                intermediate: vec![(1, f64::NAN), (-5, 0.5)],
                user_attrs: Attrs::from([("u".into(), json!(null))]),
                system_attrs: Attrs::from([("s".into(), json!("t"))]),
                params: vec![("x".into(), float(0.25))],
                ..NewTrial::new(state)
            },
        );
    }
}

#[test]
fn optuna_reads_ours_and_goes_on_and_so_do_we() {
    let Some(python) = python("optuna_reads_ours_and_goes_on_and_so_do_we") else { return };
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    write_all_kinds(&journal);
    assert_same(&dump(&journal), &optunas_dump(&python, &path), "ours");

    let study = journal.study("ours \"ü\" NaN").unwrap().unwrap();
    let before = journal.trials(study.id, &Known::default()).unwrap().len();
    // It takes the waiting repetition first.
    assert!(script(&python, "optimize", &path, &[&study.name, "12"]).status().unwrap().success());
    assert_eq!(journal.trials(study.id, &Known::default()).unwrap().len(), before + 11);
    create(&journal, study.id, &NewTrial::new(State::Running));
    assert_same(&dump(&journal), &optunas_dump(&python, &path), "continued");

    assert!(script(&python, "dashboard", &path, &[&study.name]).status().unwrap().success());
}

#[test]
fn optuna_and_we_append_to_one_file_at_once() {
    let Some(python) = python("optuna_and_we_append_to_one_file_at_once") else { return };
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let study = journal.create_study("both", &[Direction::Minimize]).unwrap();
    let optunas: Vec<_> =
        (0..2).map(|_| script(&python, "optimize", &path, &["both", "15"]).spawn().unwrap()).collect();
    // Until Optuna has begun, so that both are at it.
    while journal.trials(study, &Known::default()).unwrap().is_empty() {}
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let journal = Journal::open(&path).unwrap();
                for i in 0..40 {
                    let new =
                        NewTrial { params: vec![("z".into(), float(0.5))], ..NewTrial::new(State::Running) };
                    let id = create(&journal, study, &new);
                    journal.report(id, i, f64::NAN).unwrap();
                    assert!(journal.finish(id, State::Complete, &[1e9]).unwrap());
                }
            });
        }
    });
    for mut optuna in optunas {
        assert!(optuna.wait().unwrap().success());
    }
    let trials = journal.trials(study, &Known::default()).unwrap();
    assert!(trials.iter().map(|trial| trial.number).eq(0..110));
    assert!(trials.iter().all(|trial| trial.state == State::Complete));
    assert_same(&dump(&journal), &optunas_dump(&python, &path), "both");
    assert!(lines(&path).iter().all(|line| line.starts_with("{\"op_code\":") && line.ends_with('\n')));
}
