use super::*;

const DOCUMENT: &str = r#"
[momentum]
low = 0.0
high = 0.99
when = { optimizer = "sgd" }

[conv_kernel_size]
choices = [1, 3, 5]

[dropout]
low = 0
high = 0.35

[learning_rate]
low = 1e-5
high = 1e-1
log = true

[units]
low = 32
high = 512
step = 32

[scale]
type = "float"
low = 0
high = 1

[depth]
choices = ["small", "medium", {}]
ordered = true
when = { optimizer = ["sgd", "rms"] }

[optimizer]
choices = ["adam", "sgd", "rms"]

[warmup]
type = "bool"

[gain]
mu = 0
sigma = 1.5
step = 0.5
"#;

#[test]
fn a_document_declares_what_it_says() {
    let expected = Space::new([
        categorical("optimizer", ["adam", "sgd", "rms"]),
        float("momentum", 0.0, 0.99).when("optimizer", "sgd"),
        categorical("conv_kernel_size", [1, 3, 5]),
        float("dropout", 0.0, 0.35),
        float("learning_rate", 1e-5, 1e-1).log(),
        int("units", 32, 512).step(32),
        float("scale", 0.0, 1.0),
        ordinal("depth", ["small".into(), "medium".into(), Value::None])
            .when_any("optimizer", ["sgd", "rms"]),
        boolean("warmup"),
        normal("gain", 0.0, 1.5).step(0.5),
    ])
    .unwrap();
    let space = Space::from_toml(DOCUMENT).unwrap();
    assert_eq!(space, expected);
    let beginning = "[optimizer]\nchoices = [\"adam\", \"sgd\", \"rms\"]\n\n[momentum]\nlow = 0.0\nhigh = 0.99\n\
                     when = { optimizer = \"sgd\" }\n\n[conv_kernel_size]\nchoices = [1, 3, 5]\n\n[dropout]\n";
    assert!(space.to_toml().starts_with(beginning), "{}", space.to_toml());
    let json = space.to_json();
    assert!(json.starts_with(
        "{\n  \"optimizer\": {\"choices\": [\"adam\", \"sgd\", \"rms\"]},\n  \"momentum\": {\"low\": 0.0,"
    ));
    assert!(json.contains(
        "[\"small\", \"medium\", null], \"ordered\": true, \"when\": {\"optimizer\": [\"sgd\", \"rms\"]}"
    ));
    assert_eq!(Space::from_json(&json).unwrap(), expected);
}

proptest! {
    #[test]
    fn both_languages_give_the_same_space_again(space in space(domain(), 8)) {
        let (toml, json) = (space.to_toml(), space.to_json());
        prop_assert_eq!(&Space::from_toml(&toml).unwrap(), &space, "{}", toml);
        prop_assert_eq!(&Space::from_json(&json).unwrap(), &space, "{}", json);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-c\\[\\]{}=:,\"0-9.\n ]{0,60}") {
        let _ = (Space::from_toml(&text), Space::from_json(&text));
    }

    #[test]
    fn the_order_of_tables_does_not_matter(space in space(small(), 6), seed in any::<u64>()) {
        let toml = space.to_toml();
        let mut tables: Vec<&str> = toml.split("\n\n").collect();
        let count = tables.len();
        tables.rotate_left(seed as usize % count);
        if seed & 1 == 1 {
            tables.reverse();
        }
        let again = Space::from_toml(&tables.join("\n\n")).unwrap();
        prop_assert_eq!(again.cardinality(), space.cardinality());
        let names = |space: &Space, node: &Node| {
            (node.domain.clone(), node.condition.clone().map(|(parent, mask)| (space.nodes[parent].name.clone(), mask)))
        };
        for node in space.nodes() {
            let other = &again.nodes()[again.index(node.name()).unwrap()];
            prop_assert_eq!(names(&space, node), names(&again, other));
        }
    }
}

#[test]
fn not_a_number_is_a_choice_in_both_languages() {
    let space = Space::new([categorical("c", [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0])]).unwrap();
    assert_eq!(space.to_toml(), "[c]\nchoices = [nan, inf, -inf, -0.0]\n");
    assert_eq!(space.to_json(), "{\n  \"c\": {\"choices\": [NaN, Infinity, -Infinity, -0.0]}\n}\n");
    assert_eq!(Space::from_toml(&space.to_toml()).unwrap().to_toml(), space.to_toml());
    assert_eq!(Space::from_json(&space.to_json()).unwrap().to_toml(), space.to_toml());
}

#[test]
fn errors_say_where_and_what_instead() {
    let parent = "must be a parent with choices of it: { parent = choice }";
    for (text, expected) in [
        ("", "a space needs at least one parameter".to_owned()),
        ("a = 1", "parameter \"a\" is 1, it must be a table such as { low = 0.0, high = 1.0 }".into()),
        (
            "[a]\nlow = 0\nhihg = 1",
            "parameter \"a\" has the key \"hihg\", which a whole number does not have; did you mean \"high\"?".into(),
        ),
        (
            "[a]\nchoices = [1]\norder = true",
            "parameter \"a\" has the key \"order\", which a choice does not have; did you mean \"ordered\"?".into(),
        ),
        ("[a]\nlow = 0.5", "parameter \"a\" has no \"high\", which a real number needs".into()),
        ("[a]\ntype = \"choice\"", "parameter \"a\" has no \"choices\", which a choice needs".into()),
        ("[a]\nmu = 0", "parameter \"a\" has no \"sigma\", which a normal number needs".into()),
        (
            "[a]\nchoises = [1]",
            "parameter \"a\" has neither \"choices\", \"low\" and \"high\", \"mu\" and \"sigma\" nor \"type\"; \
             did you mean \"choices\"?"
                .into(),
        ),
        (
            "[a]\ntype = \"flaot\"",
            "parameter \"a\" has the type \"flaot\", which is none of float, int, bool, choice, normal; \
             did you mean \"float\"?"
                .into(),
        ),
        ("[a]\ntype = 3", "parameter \"a\" has 3 as \"type\", which must be a text".into()),
        (
            "[a]\nlow = \"0\"\nhigh = 1",
            "parameter \"a\" has the text \"0\" as \"low\", which must be a whole number".into(),
        ),
        (
            "[a]\ntype = \"int\"\nlow = 0.0\nhigh = 1",
            "parameter \"a\" has 0.0 as \"low\", which must be a whole number".into(),
        ),
        ("[a]\nlow = 0.0\nhigh = [1]", "parameter \"a\" has a list as \"high\", which must be a number".into()),
        (
            "[a]\nlow = 1\nhigh = 2\nlog = 1",
            "parameter \"a\" has 1 as \"log\", which must be true or false".into(),
        ),
        ("[a]\nchoices = 3", "parameter \"a\" has 3 as \"choices\", which must be a list".into()),
        (
            "[a]\nchoices = [[16], [16, 32]]\n[b]\ntype = \"bool\"\nwhen = { a = [16] }",
            "parameter \"b\" exists when \"a\" is 16, which is not among [16], [16, 32]".into(),
        ),
        (
            "[a]\nchoices = [{ b = 1 }, { b = 1 }]",
            "parameter \"a\" has the choice {b: 1} twice".into(),
        ),
        ("[a]\ntype = \"bool\"\nwhen = 3", format!("parameter \"a\" has 3 as \"when\", which {parent}")),
        ("[a]\ntype = \"bool\"\nwhen = {}", format!("parameter \"a\" has a table as \"when\", which {parent}")),
        (
            "[a]\ntype = \"bool\"\nwhen = { b = 1, c = 2 }",
            "parameter \"a\" depends on \"b\" and on \"c\": it can have one parent".into(),
        ),
        (
            "[a]\ntype = \"bool\"\nwhen = { beta = 1 }\n[bet]\ntype = \"bool\"",
            "parameter \"a\" depends on \"beta\", which is not declared before it; did you mean \"bet\"?".into(),
        ),
        (
            "[x]\ntype = \"bool\"\nwhen = { a = true }\n[a]\ntype = \"bool\"\nwhen = { b = true }\n\
             [b]\ntype = \"bool\"\nwhen = { a = true }",
            "parameters depend on each other: a -> b -> a".into(),
        ),
        (
            "[a]\ntype = \"bool\"\nwhen = { a = true }",
            "parameters depend on each other: a -> a".into(),
        ),
        (
            "[a]\nwhen = { b = 2 }\ntype = \"bool\"\n[b]\nchoices = [1]",
            "parameter \"a\" exists when \"b\" is 2, which is not among 1".into(),
        ),
        (
            "[a]\nlow = 2\nhigh = 1",
            "parameter \"a\" goes from 2 to 1: bounds must be finite and the first below the second".into(),
        ),
    ] {
        assert_eq!(Space::from_toml(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn what_is_no_document_is_told_with_its_place() {
    let toml = Space::from_toml("[a]\ntype = \"bool\"\n[a]\ntype = \"bool\"").unwrap_err();
    let text = toml.to_string();
    assert!(matches!(toml, SpaceError::Text { format: "TOML", .. }));
    assert!(
        text.starts_with("TOML: ") && text.contains("line 3") && text.contains("duplicate key"),
        "{text}"
    );
    for (text, expected) in [
        ("[1]", "JSON: it is a list, it must be an object with a table for each parameter"),
        ("{\"a\": {\"low\": 1 \"high\": 2}}", "JSON: it is no JSON: expected `,` or `}` at character 17"),
        (
            "{\"a\": {\"low\": 0, \"high\": 18446744073709551615}}",
            "parameter \"a\" has 18446744073709551615 as \"high\", which must be from -2^63 to 2^63 - 1",
        ),
        ("{\"a\": {\"type\": \"bool\"}, \"a\": {\"type\": \"bool\"}}", "parameter \"a\" is declared twice"),
        ("{\"a\": {\"low\": 0, \"high\": 2, \"low\": 1}}", "parameter \"a\" has the key \"low\" twice"),
    ] {
        assert_eq!(Space::from_json(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_chain_whose_last_parent_comes_last_is_put_in_order() {
    let table = |i: usize| format!("[p{i}]\ntype = \"bool\"\nwhen = {{ p{} = true }}\n", i + 1);
    let tables: String = (0..300).map(table).chain(["[p300]\ntype = \"bool\"".into()]).collect();
    let space = Space::from_toml(&tables).unwrap();
    assert_eq!(space.nodes()[0].name(), "p300");
    assert_eq!(space.nodes()[300].name(), "p0");
}

#[test]
fn lists_and_tables_are_choices_in_both_languages() {
    let sizes: [Value; 3] =
        [vec![16].into(), vec![16, 32].into(), vec![Value::None, vec![0.5].into()].into()];
    let settings = [("a", Value::from(1)), ("b", vec!["x", "y"].into())];
    let map = Value::Map(settings.map(|(key, value)| (key.to_owned(), value)).into());
    let space = Space::new([
        categorical("sizes", sizes.clone().into_iter().chain([map])),
        boolean("one").when_any("sizes", sizes[1..2].iter().cloned()),
        boolean("two").when_any("sizes", sizes[..2].iter().cloned()),
    ])
    .unwrap();
    let (toml, json) = (space.to_toml(), space.to_json());
    assert!(
        toml.starts_with("[sizes]\nchoices = [[16], [16, 32], [{}, [0.5]], { a = 1, b = [\"x\", \"y\"] }]\n"),
        "{toml}"
    );
    assert!(toml.contains("when = { sizes = [[16, 32]] }"), "{toml}");
    assert_eq!(Space::from_toml(&toml).unwrap(), space);
    assert_eq!(Space::from_json(&json).unwrap(), space);
}

#[test]
fn whole_numbers_stay_whole() {
    let space = Space::from_json(r#"{"a": {"low": -0, "high": 9223372036854775807}}"#).unwrap();
    assert_eq!(space, Space::new([int("a", 0, i64::MAX)]).unwrap());
    assert_eq!(Space::from_toml("[a]\nlow = -0\nhigh = 9223372036854775807").unwrap(), space);
    let huge = "9".repeat(400);
    let error =
        Space::from_json(&format!(r#"{{"a": {{"low": 0, "high": {huge}}}}}"#)).unwrap_err().to_string();
    assert!(error.contains("128 bits") && error.len() < 200, "{error}");
}
