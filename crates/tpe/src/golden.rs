//! Reading the golden numbers of `tests/golden`.

use serde_json::Value as Json;

use crate::history::{History, Observation, Outcome};
use crate::json;
use crate::space::{Declaration, Space, categorical, float, int, normal, ordinal};

/// The content of a golden file.
pub fn read(text: &str) -> Json {
    json::parse(text).unwrap()
}

/// A number, not necessarily finite.
pub fn number(json: &Json) -> f64 {
    json::as_f64(json).unwrap_or_else(|| panic!("{json} is not a number"))
}

/// A list of numbers.
pub fn numbers(json: &Json) -> Vec<f64> {
    list(json).iter().map(number).collect()
}

/// A list of lists of numbers.
pub fn rows(json: &Json) -> Vec<Vec<f64>> {
    list(json).iter().map(numbers).collect()
}

/// A list.
pub fn list(json: &Json) -> &[Json] {
    json.as_array().unwrap_or_else(|| panic!("{json} is not a list"))
}

/// A list of names.
pub fn names(json: &Json) -> Vec<&str> {
    list(json).iter().map(|name| name.as_str().unwrap()).collect()
}

/// A parameter.
pub fn declaration(json: &Json) -> Declaration {
    let name = json["name"].as_str().unwrap();
    let whole = |key: &str| json[key].as_i64().unwrap();
    let mut declaration = match json["kind"].as_str().unwrap() {
        "float" => float(name, number(&json["low"]), number(&json["high"])),
        "int" => int(name, whole("low"), whole("high")),
        "categorical" => categorical(name, names(&json["choices"])),
        "ordinal" => ordinal(name, names(&json["choices"])),
        "normal" => normal(name, number(&json["mu"]), number(&json["sigma"])),
        kind => panic!("unknown kind {kind}"),
    };
    if json["log"].as_bool() == Some(true) {
        declaration = declaration.log();
    }
    match &json["step"] {
        Json::Null => {}
        step if step.is_i64() => declaration = declaration.step(step.as_i64().unwrap()),
        step => declaration = declaration.step(number(step)),
    }
    match json["when"].as_array().map(Vec::as_slice) {
        Some([parent, choice]) => declaration.when(parent.as_str().unwrap(), choice.as_str().unwrap()),
        _ => declaration,
    }
}

/// A space of parameters.
pub fn space(json: &Json) -> Space {
    Space::new(list(json).iter().map(declaration)).unwrap()
}

/// Trials.
pub fn history(json: &Json) -> History {
    list(json).iter().map(observation).collect()
}

fn observation(json: &Json) -> Observation {
    let last = json.get("last").and_then(Json::as_array);
    let outcome = match json["state"].as_str().unwrap() {
        "complete" => Outcome::Complete { loss: number(&json["loss"]) },
        "pruned" => Outcome::Pruned { last: last.map(|last| (last[0].as_i64().unwrap(), number(&last[1]))) },
        "pending" => Outcome::Pending,
        "failed" => Outcome::Failed,
        state => panic!("unknown state {state}"),
    };
    let number = json["number"].as_u64().unwrap();
    Observation {
        number,
        outcome,
        violation: self::number(&json["violation"]),
        point: numbers(&json["point"]),
    }
}

/// Whether two lists are equal up to `tolerance`, absolute below 1 and relative above.
#[track_caller]
pub fn assert_close(ours: &[f64], theirs: &[f64], tolerance: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (i, (&a, &b)) in ours.iter().zip(theirs).enumerate() {
        let near = a == b || (a - b).abs() <= tolerance * b.abs().max(1.0);
        assert!(near, "{what}: number {i} is {a:?}, should be {b:?}");
    }
}
