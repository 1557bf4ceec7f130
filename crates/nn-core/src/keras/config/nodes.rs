//! Connections as the versions of Keras write them. A tensor is `[layer, node, tensor]`: the output number `tensor` of
//! the call number `node` of a layer. Only first calls and single outputs are supported.

use serde_json::{Map, Value};

use super::written::shown;
use crate::quoted::{quoted, shortened};

/// The layers that the calls of a layer take their inputs from.
pub(super) fn inputs(calls: &[Value]) -> Result<Vec<String>, String> {
    match calls {
        [] => Ok(Vec::new()),
        [call] => call_inputs(call),
        _ => Err(format!("is called {} times; shared layers are not supported", calls.len())),
    }
}

/// The layers of `input_layers` or `output_layers`: a list of tensors or a single one.
pub(super) fn endpoints(value: &Value) -> Result<Vec<String>, String> {
    let Value::Array(list) = value else {
        return Err(format!("{}: expected a list of layers", shown(value)));
    };
    match list.first() {
        Some(Value::String(_)) => Ok(vec![tensor(list)?]),
        _ => list.iter().map(|one| tensor(one.as_array().map_or(&[], Vec::as_slice))).collect(),
    }
}

fn call_inputs(call: &Value) -> Result<Vec<String>, String> {
    match call {
        // Keras 3: {"args": [..], "kwargs": {..}}
        Value::Object(call) => {
            if let Some(Value::Object(options)) = call.get("kwargs") {
                check_options(options)?;
            }
            let arguments = call.get("args").and_then(Value::as_array).into_iter().flatten();
            let tensors = arguments.flat_map(|argument| match argument {
                Value::Array(list) => list.as_slice(),
                one => std::slice::from_ref(one),
            });
            tensors.map(keras_tensor).collect()
        }
        // Keras 2: [[layer, node, tensor, options], ..]
        Value::Array(list) => match list.first() {
            Some(Value::String(_)) => Ok(vec![listed_tensor(list)?]),
            _ => list.iter().map(|one| listed_tensor(one.as_array().map_or(&[], Vec::as_slice))).collect(),
        },
        other => Err(format!("inbound_nodes: {} is not a call", shown(other))),
    }
}

fn keras_tensor(value: &Value) -> Result<String, String> {
    let history = value.pointer("/config/keras_history").and_then(Value::as_array);
    match (value.get("class_name").and_then(Value::as_str), history) {
        (Some("__keras_tensor__"), Some(history)) => tensor(history),
        _ => Err(format!("is called with {}, expected the output of a layer", shown(value))),
    }
}

fn listed_tensor(list: &[Value]) -> Result<String, String> {
    if let Some(Value::Object(options)) = list.get(3) {
        check_options(options)?;
    }
    tensor(list)
}

fn tensor(history: &[Value]) -> Result<String, String> {
    match history {
        [Value::String(layer), node, output, ..] if *node == 0 && *output == 0 => Ok(layer.clone()),
        [Value::String(layer), node, output, ..] => Err(format!(
            "takes output {} of call {} of {}; only the first ones are supported",
            shown(output),
            shown(node),
            quoted(layer)
        )),
        other => Err(format!("{}: expected [layer, node, tensor]", shown(&Value::from(other)))),
    }
}

/// Options of a call that change nothing when a trained model is applied.
fn check_options(options: &Map<String, Value>) -> Result<(), String> {
    let harmless = |(name, value): &(&String, &Value)| {
        value.is_null() || (name.as_str() == "training" && **value == Value::Bool(false))
    };
    match options.iter().find(|option| !harmless(option)) {
        None => Ok(()),
        Some((name, value)) => {
            let (name, value) = (shortened(name, 80), shown(value));
            Err(format!("is called with {name} = {value}, which is not supported"))
        }
    }
}
