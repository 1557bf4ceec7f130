//! Numbers come back as they were, the odd ones too.

use serde_json::json;
use tpe::storage::{AttrKind, NewTrial, Storage};
use tpe::{Distribution, Param, State, Value};

use super::{Case, Trait, choice, create, running, study};

pub const CASES: &[Case] = &[
    ("results", results),
    ("intermediate_results", intermediate_results),
    ("parameters", parameters),
    ("choices", choices),
    ("steps", steps),
    ("nan_as_a_result", nan_as_a_result),
];

const ODD: [f64; 12] = [
    -0.0,
    0.0,
    5e-324,
    -2.225073858507201e-308,
    f64::MIN_POSITIVE,
    f64::MAX,
    f64::MIN,
    0.1,
    1.0000000000000002,
    9007199254740993.0,
    1e22,
    -123456.78901234567,
];

const INFINITE: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

/// Whether a number is the same, down to the sign of zero where the storage keeps it.
#[track_caller]
fn assert_same(found: f64, expected: f64, traits: &[Trait]) {
    let zero = found == 0.0 && expected == 0.0 && !traits.contains(&Trait::SignedZero);
    let nan = found.is_nan() && expected.is_nan();
    assert!(zero || nan || found.to_bits() == expected.to_bits(), "{found:?} instead of {expected:?}");
}

fn results(storage: &dyn Storage, traits: &[Trait]) {
    let study = study(storage);
    let expected: Vec<_> = ODD.into_iter().chain(INFINITE).collect();
    let told = running(storage, study);
    storage.finish(told, State::Complete, &expected).unwrap();
    let new = NewTrial { values: expected.clone(), ..NewTrial::new(State::Complete) };
    for id in [told, create(storage, study, &new)] {
        let found = storage.trial(id).unwrap().values;
        assert_eq!(found.len(), expected.len());
        found.iter().zip(&expected).for_each(|(a, b)| assert_same(*a, *b, traits));
    }
}

fn intermediate_results(storage: &dyn Storage, traits: &[Trait]) {
    let study = study(storage);
    let expected: Vec<_> = ODD.into_iter().chain(INFINITE).chain([f64::NAN]).zip(0..).collect();
    let id = running(storage, study);
    for (value, step) in &expected {
        storage.report(id, *step, 1.0).unwrap();
        storage.report(id, *step, *value).unwrap();
    }
    let new = NewTrial {
        intermediate: expected.iter().map(|(value, step)| (*step, *value)).collect(),
        ..NewTrial::new(State::Running)
    };
    for id in [id, create(storage, study, &new)] {
        let found = storage.trial(id).unwrap().intermediate;
        assert_eq!(found.len(), expected.len());
        expected.iter().for_each(|(value, step)| assert_same(found[step], *value, traits));
        storage.report(id, 0, f64::NAN).unwrap();
        storage.report(id, 0, 2.5).unwrap();
        assert_eq!(storage.trial(id).unwrap().intermediate[&0], 2.5);
    }
}

fn parameters(storage: &dyn Storage, traits: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    let distribution = Distribution::Float { low: f64::MIN, high: f64::MAX, log: false, step: None };
    let params: Vec<_> = ODD
        .iter()
        .map(|&internal| (format!("{internal:?}"), Param { internal, distribution: distribution.clone() }))
        .collect();
    storage.set_params(id, &params).unwrap();
    let found = storage.trial(id).unwrap().params;
    assert_eq!(found.len(), params.len());
    for (name, param) in params {
        assert_same(found[&name].internal, param.internal, traits);
        assert_eq!(found[&name].distribution, distribution);
    }
}

fn choices(storage: &dyn Storage, _: &[Trait]) {
    let study = study(storage);
    let mut choices: Vec<Value> =
        ODD.into_iter().chain(INFINITE).chain([f64::NAN]).map(Value::Float).collect();
    choices.extend([
        i64::MAX.into(),
        i64::MIN.into(),
        u64::MAX.into(),
        Value::Int(1 << 64),
        Value::Int(i128::MIN),
    ]);
    choices.extend(["NaN".into(), "Infinity".into(), "".into(), vec![vec![1.5], vec![]].into()]);
    choices.push(Value::Map([("a".to_owned(), vec![Value::None, true.into()].into())].into()));
    let id = running(storage, study);
    storage.set_params(id, &[choice("c", 14.0, &choices)]).unwrap();
    storage.set_params(running(storage, study), &[choice("c", 0.0, &choices)]).unwrap();
    let trial = storage.trial(id).unwrap();
    let Distribution::Categorical { choices: found } = &trial.params["c"].distribution else { panic!() };
    assert_eq!(found.len(), choices.len());
    for (found, expected) in found.iter().zip(&choices) {
        match (found, expected) {
            (Value::Float(a), Value::Float(b)) => assert_same(*a, *b, &[Trait::SignedZero]),
            _ => assert_eq!(found, expected),
        }
    }
    assert!(matches!(trial.param("c"), Some(Value::Float(x)) if x.is_nan()));
    // Numbers in attributes are JSON's.
    storage
        .set_trial_attr(id, AttrKind::User, "n", &json!([i64::MIN, u64::MAX, -0.0, 5e-324, 1e22]))
        .unwrap();
    let found = &storage.trial(id).unwrap().user_attrs["n"];
    assert_eq!((found[0].as_i64(), found[1].as_u64()), (Some(i64::MIN), Some(u64::MAX)));
    assert_eq!(found[2].as_f64().map(f64::to_bits), Some((-0.0f64).to_bits()));
    assert_eq!((found[3].as_f64(), found[4].as_f64()), (Some(5e-324), Some(1e22)));
}

fn steps(storage: &dyn Storage, traits: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    let narrow = [0, -1, i64::from(i32::MIN), i64::from(i32::MAX)];
    for (step, value) in narrow.iter().zip([1.0, 2.0, 3.0, 4.0]) {
        storage.report(id, *step, value).unwrap();
    }
    for step in [i64::MIN, i64::from(i32::MAX) + 1, i64::MAX] {
        let result = storage.report(id, step, 0.5);
        match traits.contains(&Trait::WideSteps) {
            true => result.unwrap(),
            false => assert!(result.unwrap_err().to_string().contains(&step.to_string())),
        }
    }
    let trial = storage.trial(id).unwrap();
    let wide = if traits.contains(&Trait::WideSteps) { 3 } else { 0 };
    assert_eq!(trial.intermediate.len(), narrow.len() + wide);
    assert_eq!(trial.intermediate[&narrow[3]], 4.0);
    assert!(trial.intermediate.keys().is_sorted());
}

fn nan_as_a_result(storage: &dyn Storage, traits: &[Trait]) {
    let study = study(storage);
    let id = running(storage, study);
    let result = storage.finish(id, State::Complete, &[f64::NAN]);
    let trial = storage.trial(id).unwrap();
    if traits.contains(&Trait::NanResults) {
        assert!(result.unwrap() && trial.values[0].is_nan());
    } else {
        assert!(result.unwrap_err().to_string().contains("NaN"));
        assert_eq!((trial.state, trial.values), (State::Running, vec![]));
    }
}
