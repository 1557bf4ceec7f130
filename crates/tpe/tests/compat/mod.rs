//! Studies in the words of `optuna_sql.py`, and the study that the real Optuna is shown.

use std::process::Command;

use serde_json::{Value as Json, json};
use tpe::storage::{AttrKind, Known, NewTrial, Storage};
use tpe::{Direction, Distribution, Param, State, Trial, Value};

/// Runs the script with the interpreter that has Optuna, or says that the test is skipped.
pub fn optuna(test: &str) -> Option<impl Fn(&[&str]) -> Json> {
    let Ok(python) = std::env::var("OPTUNA_PYTHON") else {
        println!("skipped: {test} (needs OPTUNA_PYTHON, a Python with optuna)");
        return None;
    };
    Some(move |arguments: &[&str]| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compat/optuna_sql.py");
        let output = Command::new(&python).args(["-W", "ignore", script]).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        if output.stdout.is_empty() { Json::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
    })
}

/// A study as the script describes it.
pub fn dump(storage: &dyn Storage, name: &str) -> Json {
    let study = storage.study(name).unwrap().unwrap();
    let directions: Vec<_> =
        study.directions.iter().map(|direction| format!("{direction:?}").to_uppercase()).collect();
    let trials = storage.trials(study.id, &Known::default()).unwrap();
    json!({
        "directions": directions,
        "user_attrs": study.user_attrs,
        "system_attrs": study.system_attrs,
        "trials": trials.iter().map(described).collect::<Vec<_>>(),
    })
}

fn described(trial: &Trial) -> Json {
    let params = trial.params.iter().map(|(name, param)| {
        let value = json!({
            "value": choice(&param.value()),
            "internal": bits(param.internal),
            "distribution": distribution(&param.distribution),
        });
        (name.clone(), value)
    });
    let intermediate = trial.intermediate.iter().map(|(step, value)| (step.to_string(), bits(*value)));
    json!({
        "number": trial.number,
        "state": format!("{:?}", trial.state).to_uppercase(),
        "values": trial.values.iter().copied().map(bits).collect::<Vec<_>>(),
        "params": params.collect::<serde_json::Map<_, _>>(),
        "intermediate": intermediate.collect::<serde_json::Map<_, _>>(),
        "user_attrs": trial.user_attrs,
        "system_attrs": trial.system_attrs,
        "started": trial.started.map(|at| at.as_microsecond()),
        "finished": trial.finished.map(|at| at.as_microsecond()),
    })
}

fn bits(number: f64) -> Json {
    if number.is_nan() { "nan".into() } else { format!("{:016x}", number.to_bits()).into() }
}

fn choice(value: &Value) -> Json {
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        // As far as 64 bits go, JSON's numbers are exact.
        Value::Int(value) => match i64::try_from(*value) {
            Ok(value) => json!(value),
            Err(_) => json!({ "int": value.to_string() }),
        },
        Value::Float(value) => json!({"float": bits(*value)}),
        Value::Str(value) => json!(value),
        Value::List(values) => values.iter().map(choice).collect(),
        Value::Map(values) => values.iter().map(|(key, value)| (key.clone(), choice(value))).collect(),
    }
}

fn distribution(of: &Distribution) -> Json {
    match of {
        Distribution::Float { low, high, log, step } => {
            json!({"float": [bits(*low), bits(*high)], "log": log, "step": step.map(bits)})
        }
        Distribution::Int { low, high, log, step } => {
            let [low, high, step] = [low, high, step].map(|number| choice(&Value::Int(*number)));
            json!({"int": [low, high], "log": log, "step": step})
        }
        Distribution::Categorical { choices } => {
            json!({"choices": choices.iter().map(choice).collect::<Vec<_>>()})
        }
    }
}

/// What Optuna's half of the conversation suggests, see `objective` in the script.
pub fn point(x: f64) -> Vec<(String, Param)> {
    let float = |low, high, log, step| Distribution::Float { low, high, log, step };
    let choices = vec![Value::None, true.into(), 7.into(), "größe".into(), 2.5.into()];
    [
        ("x", x, float(-5.0, 5.0, false, None)),
        ("n", 12.0, Distribution::Int { low: 1, high: 1000, log: true, step: 1 }),
        ("s", 0.30000000000000004, float(0.0, 1.0, false, Some(0.1))),
        ("lr", 1e-5, float(1e-7, 1.0, true, None)),
        ("c", 3.0, Distribution::Categorical { choices }),
    ]
    .map(|(name, internal, distribution)| (name.to_owned(), Param { internal, distribution }))
    .into()
}

/// Writes a study named "from us": every kind of parameter, state and number. Zeros have no sign, for SQLite.
pub fn write(storage: &dyn Storage) {
    let study = storage.create_study("from us", &[Direction::Maximize]).unwrap();
    storage.set_study_attr(study, AttrKind::User, "κλειδί", &json!({"a": [1, 2.5, null, "ü\n"]})).unwrap();
    storage.set_study_attr(study, AttrKind::System, "study:metric_names", &json!(["score"])).unwrap();
    let create = |new: NewTrial| match storage.create_trial(study, &new, Default::default()).unwrap() {
        tpe::storage::Admitted::Created { id, .. } => id,
        other => panic!("{other:?}"),
    };
    let odd = [0.0, 5e-324, f64::MAX, 0.1, f64::INFINITY, f64::NEG_INFINITY];
    for (value, i) in odd.into_iter().zip(0..) {
        let id = create(NewTrial { params: point(value.clamp(-5.0, 5.0)), ..NewTrial::new(State::Running) });
        for (value, step) in odd.into_iter().chain([f64::NAN]).zip(0..) {
            storage.report(id, step * 1_000_000, value).unwrap();
        }
        storage.set_trial_attr(id, AttrKind::User, "größe", &json!([i, "π", {"k": false}])).unwrap();
        storage.set_trial_attr(id, AttrKind::System, "ours:note", &json!(0.1)).unwrap();
        assert!(storage.finish(id, State::Complete, &[value]).unwrap());
    }
    let wide = Distribution::Int { low: i64::MIN.into(), high: u64::MAX.into(), log: false, step: 1 };
    let floats = [f64::INFINITY, f64::NAN, 0.5].map(Value::Float);
    let lists = [
        vec![16].into(),
        vec![Value::from(16), vec![Value::None, 0.5.into()].into()].into(),
        u64::MAX.into(),
    ];
    let lists = lists.into_iter().chain([Value::Map([("size".to_owned(), vec![1, 2].into())].into())]);
    let choices = Distribution::Categorical {
        choices: floats.into_iter().chain(["NaN".into()]).chain(lists).collect(),
    };
    let id = create(NewTrial::new(State::Running));
    let odd = [
        ("wide", 9.488460128634374e18, wide),
        ("odd", 1.0, choices.clone()),
        ("word", 3.0, choices.clone()),
        ("list", 5.0, choices.clone()),
        ("huge", 6.0, choices.clone()),
        ("map", 7.0, choices),
    ]
    .map(|(name, internal, distribution)| (name.to_owned(), Param { internal, distribution }));
    storage.set_params(id, &odd).unwrap();
    storage.report(id, 3, 0.5).unwrap();
    storage.finish(id, State::Pruned, &[0.5]).unwrap();
    let id = create(NewTrial::new(State::Running));
    storage.finish(id, State::Fail, &[]).unwrap();
    let mut waiting = NewTrial::new(State::Waiting);
    waiting.system_attrs.insert("fixed_params".into(), json!({"x": 0.25, "c": "größe"}));
    create(waiting);
    create(NewTrial { params: point(1.0), ..NewTrial::new(State::Running) });
}

/// The description without what differs from one writing to the next.
pub fn timeless(mut study: Json) -> Json {
    for trial in study["trials"].as_array_mut().unwrap() {
        for key in ["started", "finished"] {
            trial[key] = json!(!trial[key].is_null());
        }
    }
    study
}
