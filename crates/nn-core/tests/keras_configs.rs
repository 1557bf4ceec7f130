//! Configurations by hand: what the versions of Keras write, and what is refused.

mod keras_described;
mod keras_fixtures;

use std::path::Path;

use keras_described::{add, error, functional, in_words, input, layer, read, relu, sequential, single};
use keras_fixtures::steps;
use nn_core::keras::config::{LayerKind, ModelConfig};
use nn_core::layers::ActivationFn;
use serde_json::{Value, json};

fn conv() -> Value {
    json!({"filters": 4, "kernel_size": [3, 3]})
}

#[test]
fn keras_2_functional() {
    let bn = json!({"axis": [3], "momentum": 0.99, "epsilon": 0.001, "center": true, "scale": true,
                    "gamma_initializer": {"class_name": "Ones", "config": {}}, "moving_mean_initializer": "zeros"});
    let dw = json!({"kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last",
                    "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": false,
                    "depth_multiplier": 1, "depthwise_regularizer": null});
    let leaky = json!({"alpha": 0.25});
    let relu6 = json!({"max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0});
    let model = functional(
        vec![
            input(),
            layer("BatchNormalization", "bn", bn, &["x"]),
            layer("DepthwiseConv2D", "dw", dw, &["bn"]),
            layer("ReLU", "r", relu6, &["dw"]),
            add("sum", ["bn", "r"]),
            layer("LeakyReLU", "leaky", leaky, &["sum"]),
        ],
        "leaky",
    );
    let config = read(&model).unwrap();
    assert_eq!(config.input_shape(), Some([Some(4), Some(4), Some(2)].as_slice()));
    let slope = LayerKind::Activation { activation: ActivationFn::LeakyRelu { slope: 0.25 } };
    assert_eq!(config.layer("leaky").unwrap().kind, slope);
    assert_eq!(config.layer("sum").unwrap().inputs, ["bn", "r"]);
    let chain = config.chain(Path::new("model.json")).unwrap();
    assert_eq!(steps(&chain), json!(["bn", ["sum", ["dw", "r"], []], "leaky"]));
}

#[test]
fn keras_2_sequential() {
    let conv =
        json!({"name": "c", "batch_input_shape": [null, null, null, 3], "filters": 4, "kernel_size": 3});
    let layers = json!([{"class_name": "Conv2D", "config": conv},
                        {"class_name": "Flatten", "config": {"name": "f"}}]);
    let bare_list = json!({"class_name": "Sequential", "config": layers});
    for model in [sequential(layers), bare_list] {
        let config = read(&model).unwrap();
        assert_eq!(config.input_shape(), Some([None, None, Some(3)].as_slice()));
        assert_eq!(steps(&config.chain(Path::new("m")).unwrap()), json!(["c", "f"]));
    }
    // Without any shape there is no input layer, and yet a chain.
    let config = read(&single("Flatten", json!({}))).unwrap();
    assert_eq!(config.input_shape(), None);
    assert_eq!(steps(&config.chain(Path::new("m")).unwrap()), json!(["one"]));
}

/// Of two ways of equal length the main one is the second of the `Add`, whatever the order of the layers.
#[test]
fn ways_of_equal_length() {
    for (first, second) in [("a", "b"), ("b", "a")] {
        let layers = vec![input(), relu("a", "x"), relu("b", "x"), add("sum", [first, second])];
        let chain = read(&functional(layers, "sum")).unwrap().chain(Path::new("m")).unwrap();
        assert_eq!(steps(&chain), json!([["sum", [second], [first]]]));
    }
}

#[test]
fn arguments_that_are_refused() {
    let with = |name: &str, value: Value| {
        let mut config = conv();
        config[name] = value;
        single("Conv2D", config)
    };
    let cases: Vec<(Value, &[&str])> = vec![
        (with("data_format", json!("channels_first")), &["data_format", "channels_first", "channels_last"]),
        (with("filters", json!(0)), &["filters = 0", "at least 1"]),
        (with("filters", json!(-1)), &["filters = -1: expected a whole number"]),
        (with("filters", json!("many")), &["filters = \"many\": expected a whole number"]),
        (with("filters", json!(4.5)), &["filters = 4.5: expected a whole number"]),
        (with("use_bias", json!("yes")), &["use_bias = \"yes\": expected true or false"]),
        (with("dtype", json!("int8_from_float32")), &["dtype = \"int8_from_float32\"", "one of float32"]),
        (
            with("dtype", json!({"class_name": "QuantizedDTypePolicy", "config": {"name": "float32"}})),
            &["dtype = an object of class \"QuantizedDTypePolicy\""],
        ),
        (with("kernel_size", json!([3, 0])), &["kernel_size = [3, 0]"]),
        (
            with("kernel_size", json!([3, 3, 3])),
            &["kernel_size = [3, 3, 3]: expected a whole number, or one for"],
        ),
        (with("kernel_size", json!({"a": 1})), &["kernel_size = an object: expected"]),
        (with("padding", json!("causal")), &["padding", "causal", "\"valid\" or \"same\""]),
        (with("activation", json!("swish")), &["activation", "swish", "relu6"]),
        (with("activation", json!({"class_name": "Custom"})), &["activation is a layer of class \"Custom\""]),
        (
            with(
                "activation",
                json!({"module": "keras.layers", "class_name": "LeakyReLU", "config": {"alpha": 0.1}}),
            ),
            &["activation is a layer of class \"LeakyReLU\""],
        ),
        (with("activation", json!(["relu"])), &["activation = [\"relu\"]: expected the name of a function"]),
        (with("groups", json!(3)), &["groups = 3", "divisor"]),
        (with("activty", json!("relu")), &["argument activty", "not supported"]),
        (single("Conv2D", json!({"filters": 4})), &["kernel_size is missing"]),
        (
            single("Conv2D", json!({"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2})),
            &["dilation_rate"],
        ),
        (single("Dense", json!({})), &["units is missing"]),
        (single("Dropout", json!({"rate": 1.0})), &["rate = 1.0", "0 <= rate < 1"]),
        (single("Dropout", json!({"rate": 0.5, "noise_shape": [1]})), &["noise_shape"]),
        (single("BatchNormalization", json!({"axis": [1, 2]})), &["axis = [1, 2]", "the number of one axis"]),
        (
            single("BatchNormalization", json!({"axis": "last"})),
            &["axis = \"last\"", "the number of one axis"],
        ),
        (single("BatchNormalization", json!({"epsilon": -1.0})), &["epsilon = -1.0"]),
        (single("BatchNormalization", json!({"renorm": true})), &["renorm = true"]),
        (single("ReLU", json!({"max_value": 5.0})), &["max_value = 5.0", "none or 6"]),
        (single("ReLU", json!({"threshold": 1.0})), &["threshold = 1.0"]),
        (single("LSTM", json!({})), &["class LSTM", "Conv2D, Dense"]),
        (single("InputLayer", json!({"batch_shape": [null, 0]})), &["batch_shape = [null, 0]"]),
        (
            single("InputLayer", json!({"batch_shape": vec![1; 60_000]})),
            &["batch_shape = [1, 1,", ".. 60000 in all"],
        ),
        (single("InputLayer", json!({})), &["batch_shape is missing"]),
        (single("Add", json!({})), &["Add with 0 inputs", "expected 2"]),
    ];
    for (model, words) in cases {
        let error = error(&model);
        assert!(error.contains("layer \"one\""), "{error}");
        assert!(words.iter().all(|word| error.contains(word)), "{error}: expected {words:?}");
    }
}

#[test]
fn connections_that_are_refused() {
    let shared = {
        let mut layer = relu("r", "x");
        layer["inbound_nodes"] = json!([[["x", 0, 0, {}]], [["r", 0, 0, {}]]]);
        functional(vec![input(), layer], "r")
    };
    let second_output = {
        let mut layer = relu("r", "x");
        layer["inbound_nodes"] = json!([[["x", 0, 1, {}]]]);
        functional(vec![input(), layer], "r")
    };
    let in_training = {
        let mut layer = relu("r", "x");
        layer["inbound_nodes"] = json!([[["x", 0, 0, {"training": true}]]]);
        functional(vec![input(), layer], "r")
    };
    let constant = {
        let mut layer = relu("r", "x");
        layer["inbound_nodes"] = json!([{"args": [1.5], "kwargs": {}}]);
        functional(vec![input(), layer], "r")
    };
    let mut two_outputs = functional(vec![input(), relu("r", "x"), relu("s", "x")], "r");
    two_outputs["config"]["output_layers"] = json!([["r", 0, 0], ["s", 0, 0]]);
    let mut two_inputs = functional(vec![input(), relu("r", "x")], "r");
    two_inputs["config"]["input_layers"] = json!([["x", 0, 0], ["y", 0, 0]]);
    let nested_model =
        functional(vec![input(), layer("Functional", "inner", json!({"layers": []}), &["x"])], "inner");
    let three_ways = vec![
        input(),
        relu("a", "x"),
        relu("b", "x"),
        relu("c", "x"),
        add("s", ["a", "b"]),
        add("t", ["s", "c"]),
    ];
    let crossed = vec![
        input(),
        relu("a", "x"),
        relu("b", "x"),
        add("s", ["a", "b"]),
        relu("c", "s"),
        add("t", ["c", "s"]),
        add("u", ["t", "a"]),
    ];
    let overlapping =
        vec![input(), relu("a", "x"), relu("b", "a"), add("s", ["x", "b"]), add("t", ["s", "a"])];
    let cycle = vec![input(), relu("y", "x"), add("s", ["y", "b"]), relu("b", "s"), relu("out", "b")];
    let ring = vec![input(), relu("out", "x"), relu("a", "b"), relu("b", "a")];
    let cases: Vec<(Value, &[&str])> = vec![
        (shared, &["\"r\"", "called 2 times", "shared"]),
        (second_output, &["\"r\"", "output 1"]),
        (in_training, &["\"r\"", "training = true"]),
        (constant, &["\"r\"", "1.5"]),
        (two_outputs, &["2 outputs"]),
        (two_inputs, &["2 inputs"]),
        (nested_model, &["\"inner\"", "class Functional"]),
        (functional(three_ways, "t"), &["\"x\"", "3 layers take its output"]),
        (functional(crossed, "u"), &["\"a\"", "different layers"]),
        (functional(overlapping, "t"), &["\"a\"", "different layers"]),
        (functional(cycle, "out"), &["\"s\"", "one layer"]),
        (functional(ring, "out"), &["only 2 of 4 layers"]),
        (functional(vec![input(), add("s", ["x", "x"])], "s"), &["\"s\"", "to itself"]),
        (functional(vec![input(), relu("r", "x"), relu("s", "r")], "r"), &["\"s\"", "model's output"]),
        (functional(vec![input(), relu("r", "x"), relu("s", "r")], "x"), &["model's output"]),
        (functional(vec![input(), relu("r", "x"), relu("r", "x")], "r"), &["\"r\"", "a name of its own"]),
        (functional(vec![input(), relu("r", "nowhere")], "r"), &["\"r\"", "\"nowhere\""]),
        (functional(vec![input(), relu("r", "x")], "nowhere"), &["\"nowhere\""]),
        (functional(vec![relu("x", "r"), relu("r", "x")], "r"), &["no InputLayer"]),
    ];
    for (model, words) in cases {
        let error = error(&model);
        assert!(words.iter().all(|word| error.contains(word)), "{error}: expected {words:?}");
    }
}

#[test]
fn residual_blocks_nested_too_deep() {
    let nested = |levels: usize| {
        let mut layers = vec![input()];
        let mut outer = "x".to_owned();
        for i in 0..levels {
            let name = format!("r{i}");
            layers.push(relu(&name, &outer));
            outer = name;
        }
        let mut inner = outer;
        for i in (0..levels).rev() {
            let entrance = if i == 0 { "x".into() } else { format!("r{}", i - 1) };
            let name = format!("s{i}");
            layers.push(add(&name, [&inner, &entrance]));
            inner = name;
        }
        functional(layers, &inner)
    };
    assert!(read(&nested(16)).unwrap().chain(Path::new("m")).is_ok());
    assert!(error(&nested(17)).contains("nested more than 16 deep"));
    assert!(error(&nested(4000)).contains("nested more than 16 deep"));
}

#[test]
fn texts_that_are_no_configurations() {
    let tfjs = json!({"format": "layers-model", "modelTopology": {}, "weightsManifest": []}).to_string();
    let own = json!({"name": "cnn1", "input_shape": [48, 48, 1], "layers": []}).to_string();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_model = format!(r#"{{"class_name": "Sequential", "config": {deep}}}"#);
    let long = format!("\"{}\"", "x".repeat(9 << 20));
    let many: Vec<Value> =
        (0..10_001).map(|i| json!({"class_name": "Flatten", "config": {"name": i.to_string()}})).collect();
    let many = sequential(json!(many)).to_string();
    let cases = [
        ("", "it is empty"),
        ("{\"class_name\": \"Sequential\", ", "ends in the middle"),
        ("{\"class_name\": \"Sequential\", \"config\": nul}", "line 1, column"),
        ("{\"class_name\": 1e999}", "a number that is out of range"),
        (&tfjs, "a model of TensorFlow.js"),
        (&own, "the description of a network of this program"),
        ("nul", "not a model's configuration"),
        ("[]", "not a model's configuration"),
        ("{}", "class_name"),
        (r#"{"class_name": "Sequential", "config": 1}"#, "config"),
        (r#"{"class_name": "Sequential", "config": {"name": "s", "layers": []}}"#, "no layers"),
        (
            r#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Flatten", "config": {}}]}}"#,
            "a name of its own",
        ),
        (r#"{"class_name": "Subclassed", "config": {}}"#, "\"Subclassed\" is not supported"),
        (
            r#"{"class_name": "Functional", "config": {"name": "m", "layers": [], "input_layers": 1, "output_layers": []}}"#,
            "list of layers",
        ),
        (&deep, "not a model's configuration"),
        (&deep_model, "nested more than 100 deep"),
        (&long, "limit"),
        (&many, "10001 layers"),
    ];
    for (json, words) in cases {
        let error = ModelConfig::from_json(json, Path::new("model.json")).unwrap_err().to_string();
        assert!(error.contains(words), "{error}: expected {words:?}");
        in_words(&error);
    }
}
