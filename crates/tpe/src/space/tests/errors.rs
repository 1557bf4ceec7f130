use super::*;

fn message(declarations: impl IntoIterator<Item = Declaration>) -> String {
    Space::new(declarations).unwrap_err().to_string()
}

#[test]
fn every_error_names_its_parameter() {
    let choice = || categorical("c", ["a", "b"]);
    let bounds = "bounds must be finite and the first below the second";
    let wide = "it must be above 0 and at most the range";
    let deviation = "both must be finite, the second above 0";
    for (declarations, expected) in [
        (vec![], "a space needs at least one parameter".to_owned()),
        (vec![choice(), float("c", 0.0, 1.0)], "parameter \"c\" is declared twice".into()),
        (vec![float("x", 1.0, 1.0)], format!("parameter \"x\" goes from 1 to 1: {bounds}")),
        (vec![float("x", 2.0, 1.0)], format!("parameter \"x\" goes from 2 to 1: {bounds}")),
        (vec![float("x", f64::NAN, 1.0)], format!("parameter \"x\" goes from NaN to 1: {bounds}")),
        (vec![float("x", 0.0, f64::INFINITY)], format!("parameter \"x\" goes from 0 to inf: {bounds}")),
        (vec![int("n", 3, 3)], format!("parameter \"n\" goes from 3 to 3: {bounds}")),
        (
            vec![float("x", 0.0, 1.0).log()],
            "parameter \"x\" has a logarithmic scale, so its lower bound 0 must be above 0".into(),
        ),
        (
            vec![int("n", -1, 1).log()],
            "parameter \"n\" has a logarithmic scale, so its lower bound -1 must be above 0".into(),
        ),
        // exp(-780) is 0.
        (
            vec![normal("g", -700.0, 20.0).log()],
            "parameter \"g\" has a logarithmic scale, so its lower bound 0 must be above 0".into(),
        ),
        (vec![float("x", 0.0, 1.0).step(1.5)], format!("parameter \"x\" has step 1.5: {wide}, 1")),
        (vec![float("x", 0.0, 1.0).step(f64::NAN)], format!("parameter \"x\" has step NaN: {wide}, 1")),
        (vec![int("n", 0, 4).step(0)], format!("parameter \"n\" has step 0: {wide}, 4")),
        (vec![int("n", 0, 4).step(-1)], format!("parameter \"n\" has step -1: {wide}, 4")),
        (vec![int("n", 0, 4).step(5)], format!("parameter \"n\" has step 5: {wide}, 4")),
        (vec![normal("g", 0.0, 1.0).step(9.0)], format!("parameter \"g\" has step 9: {wide}, 8")),
        (
            vec![float("x", 1.0, 2.0).log().step(0.5)],
            "parameter \"x\" has both a logarithmic scale and a step: choose one".into(),
        ),
        (
            vec![int("n", 1, 9).step(2).log()],
            "parameter \"n\" has both a logarithmic scale and a step: choose one".into(),
        ),
        (vec![normal("g", 0.0, 0.0)], format!("parameter \"g\" has mean 0 and deviation 0: {deviation}")),
        (
            vec![normal("g", f64::INFINITY, 1.0)],
            format!("parameter \"g\" has mean inf and deviation 1: {deviation}"),
        ),
        (vec![categorical::<&str>("c", [])], "parameter \"c\" has no choices".into()),
        (vec![ordinal("c", [1, 2, 1])], "parameter \"c\" has the choice 1 twice".into()),
        (vec![categorical("c", [f64::NAN, f64::NAN])], "parameter \"c\" has the choice NaN twice".into()),
        (vec![choice().log()], "parameter \"c\" cannot have \"log\", or not this one".into()),
        (vec![choice().step(1)], "parameter \"c\" cannot have \"step\", or not this one".into()),
        (vec![int("n", 0, 4).step(0.5)], "parameter \"n\" cannot have \"step\", or not this one".into()),
        (
            vec![float("x", 0.0, 1.0).step("s")],
            "parameter \"x\" cannot have \"step\", or not this one".into(),
        ),
        (
            vec![choice(), int("n", 0, 1).when("C", "a")],
            "parameter \"n\" depends on \"C\", which is not declared before it; did you mean \"c\"?".into(),
        ),
        (
            vec![boolean("n").when("n", true)],
            "parameter \"n\" depends on \"n\", which is not declared before it".into(),
        ),
        (
            vec![int("m", 0, 1), int("n", 0, 1).when("m", 1)],
            "parameter \"n\" depends on \"m\", which is no choice".into(),
        ),
        (
            vec![choice(), int("n", 0, 1).when("c", "z")],
            "parameter \"n\" exists when \"c\" is z, which is not among a, b".into(),
        ),
        (
            vec![choice(), int("n", 0, 1).when_any::<&str>("c", [])],
            "parameter \"n\" exists for no choice of \"c\"".into(),
        ),
        (
            vec![choice(), boolean("d"), int("n", 0, 1).when("c", "a").when("d", true)],
            "parameter \"n\" depends on \"c\" and on \"d\": it can have one parent".into(),
        ),
    ] {
        assert_eq!(message(declarations), expected);
    }
}

#[test]
fn numbers_of_different_types_are_different_choices() {
    let space =
        Space::new([categorical("c", [Value::Int(1), Value::Float(1.0), Value::Bool(true)])]).unwrap();
    assert_eq!(space.cardinality(), Some(3));
}
