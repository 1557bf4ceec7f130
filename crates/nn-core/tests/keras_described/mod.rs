//! Configurations by hand, as the versions of Keras write them, and what their errors look like.

// Each test file uses a part.
#![allow(dead_code)]

use std::path::Path;

use nn_core::keras::config::ModelConfig;
use serde_json::{Value, json};

pub fn read(model: &Value) -> Result<ModelConfig, String> {
    ModelConfig::from_json(&model.to_string(), Path::new("model.json")).map_err(|e| e.to_string())
}

/// The error of a configuration or of its chain.
pub fn error(model: &Value) -> String {
    let config = read(model);
    let error = config
        .and_then(|config| config.chain(Path::new("model.json")).map_err(|e| e.to_string()))
        .unwrap_err();
    in_words(&error);
    error
}

/// Every message names the file and is short, on one line and free of what a parser or a debugger says.
#[track_caller]
pub fn in_words(error: &str) {
    assert!(error.starts_with("model.json: ") && error.len() < 700, "{error}");
    assert!(!error.contains(char::is_control), "{error:?}");
    for raw in
        ["invalid type", "missing field", "unknown field", "Object {", "Array [", "Some(", "Number(", "None"]
    {
        assert!(!error.contains(raw), "{error}: has {raw:?}");
    }
}

/// A layer with inputs, as Keras 2 writes it.
pub fn layer(class: &str, name: &str, config: Value, inputs: &[&str]) -> Value {
    let mut config = config;
    config["name"] = json!(name);
    let inputs: Vec<Value> = inputs.iter().map(|input| json!([input, 0, 0, {}])).collect();
    let nodes = if inputs.is_empty() { json!([]) } else { json!([inputs]) };
    json!({"class_name": class, "name": name, "config": config, "inbound_nodes": nodes})
}

pub fn input() -> Value {
    layer(
        "InputLayer",
        "x",
        json!({"batch_input_shape": [null, 4, 4, 2], "sparse": false, "ragged": false}),
        &[],
    )
}

pub fn functional(layers: Vec<Value>, output: &str) -> Value {
    let config = json!({
        "name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [[output, 0, 0]],
    });
    json!({"class_name": "Functional", "config": config, "keras_version": "2.11.0", "backend": "tensorflow"})
}

pub fn relu(name: &str, input: &str) -> Value {
    layer("ReLU", name, json!({}), &[input])
}

pub fn add(name: &str, inputs: [&str; 2]) -> Value {
    layer("Add", name, json!({"trainable": true, "dtype": "float32"}), &inputs)
}

pub fn sequential(layers: Value) -> Value {
    json!({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
}

pub fn single(class: &str, config: Value) -> Value {
    let mut config = config;
    config["name"] = json!("one");
    sequential(json!([{"class_name": class, "config": config}]))
}

/// A layer of that class behind an input, as Keras 3 writes it, with other members beside its configuration.
pub fn keras_3(class: &str, beside: Value, config: Value) -> Value {
    let mut layer =
        json!({"module": "keras.layers", "class_name": class, "config": config, "registered_name": null});
    layer["config"]["name"] = json!("one");
    for (name, value) in beside.as_object().unwrap() {
        layer[name] = value.clone();
    }
    sequential(json!([layer]))
}
