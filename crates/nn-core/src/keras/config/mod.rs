//! A model's configuration as Keras writes it (`model.to_json()`, `config.json` of an archive), as typed data.
//!
//! Sequential and functional models of Keras 3 and of Keras 2 (`tf.keras`), with one input and one output,
//! `channels_last`. How weights were initialised, regularised, constrained, their types and whether they were
//! trainable is not part of the description; every other argument is read or refused by name.

mod arguments;
mod arrays;
mod chain;
mod kind;
mod nodes;
mod shapes;

use std::collections::HashSet;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

pub use chain::{Chain, Step};
pub use kind::LayerKind;
pub(super) use shapes::count_params;

use super::{KerasError, file};
use arguments::Arguments;

/// A model: its layers and how they are connected.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The model's name.
    pub name: String,
    /// The layers, in the order of the file; inputs come before what uses them or after, as the file has it.
    pub layers: Vec<LayerConfig>,
    /// The layer whose output is the model's.
    pub output: String,
}

/// A layer of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerConfig {
    /// The layer's name, unique in the model.
    pub name: String,
    /// Keras's class, such as `Conv2D`.
    pub class: String,
    /// What the layer does, with its arguments.
    pub kind: LayerKind,
    /// Names of the layers whose outputs it takes.
    pub inputs: Vec<String>,
}

/// Longer texts are refused: the largest model of `keras.applications` has half a megabyte.
const LONGEST: usize = 8 << 20;
/// More layers than any model that one would describe in full.
const MOST_LAYERS: usize = 10_000;

#[derive(Deserialize)]
struct WrittenModel {
    class_name: String,
    config: Value,
}

#[derive(Deserialize)]
struct WrittenLayer {
    class_name: String,
    config: Map<String, Value>,
    name: Option<String>,
    #[serde(default)]
    inbound_nodes: Vec<Value>,
}

impl ModelConfig {
    /// Reads the file of a configuration alone, as `model.to_json()` gives it.
    ///
    /// # Errors
    /// If the file cannot be read or is none, is too long or not UTF-8, and those of [`ModelConfig::from_json`].
    pub fn read(path: &Path) -> Result<Self, KerasError> {
        let text = String::from_utf8(file::bytes(path, LONGEST as u64)?);
        Self::from_json(&text.map_err(|e| KerasError::format(path, format!("not UTF-8: {e}")))?, path)
    }

    /// Reads a configuration; `path` is the file it comes from, for messages.
    ///
    /// # Errors
    /// If the text is not the JSON of a sequential or functional model, or a layer, an argument or a connection is
    /// unsupported; the message names the layer and the reason.
    pub fn from_json(json: &str, path: &Path) -> Result<Self, KerasError> {
        let error = |problem: String| KerasError::model(path, "", problem);
        if json.len() > LONGEST {
            return Err(error(format!("a configuration of {} bytes; the limit is {LONGEST}", json.len())));
        }
        let model: WrittenModel =
            serde_json::from_str(json).map_err(|e| error(format!("not a model's configuration: {e}")))?;
        match model.class_name.as_str() {
            "Sequential" => Self::sequential(model.config, path),
            "Functional" | "Model" => Self::functional(model.config, path),
            other => {
                let problem =
                    format!("class {other:?} is not supported, expected \"Sequential\" or \"Functional\"");
                Err(error(problem))
            }
        }
    }

    /// The layer of that name.
    pub fn layer(&self, name: &str) -> Option<&LayerConfig> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The shape of a sample, where the file tells one; `None` for an axis of any length.
    pub fn input_shape(&self) -> Option<&[Option<usize>]> {
        self.layers.iter().find_map(|layer| match &layer.kind {
            LayerKind::InputLayer { shape } => Some(shape.as_slice()),
            _ => None,
        })
    }

    fn sequential(config: Value, path: &Path) -> Result<Self, KerasError> {
        #[derive(Deserialize)]
        struct Config {
            name: Option<String>,
            layers: Vec<WrittenLayer>,
        }
        // Before 2.2.3 the configuration was the list of layers.
        let config = match config {
            Value::Array(_) => serde_json::from_value(config).map(|layers| Config { name: None, layers }),
            config => serde_json::from_value(config),
        };
        let config = config.map_err(|e| KerasError::model(path, "", format!("config: {e}")))?;
        let name = config.name.unwrap_or_else(|| "sequential".into());
        let mut layers: Vec<LayerConfig> = Vec::new();
        for (i, written) in config.layers.into_iter().enumerate() {
            let mut arguments = written.arguments(path);
            // A model without an input layer tells the shape at its first layer.
            if i == 0
                && written.class_name != "InputLayer"
                && let Some(kind) = LayerKind::input(&mut arguments)?
            {
                let name = format!("{}_input", arguments.layer());
                layers.push(LayerConfig { name, class: "InputLayer".into(), kind, inputs: Vec::new() });
            }
            let inputs = layers.last().map(|layer| layer.name.clone()).into_iter().collect();
            layers.push(LayerConfig::read(&written.class_name, arguments, inputs)?);
        }
        let Some(output) = layers.last().map(|layer| layer.name.clone()) else {
            return Err(KerasError::model(path, name, "has no layers"));
        };
        Self { name, layers, output }.checked(path)
    }

    fn functional(config: Value, path: &Path) -> Result<Self, KerasError> {
        #[derive(Deserialize)]
        struct Config {
            name: String,
            layers: Vec<WrittenLayer>,
            input_layers: Value,
            output_layers: Value,
        }
        let config: Config = serde_json::from_value(config)
            .map_err(|e| KerasError::model(path, "", format!("config: {e}")))?;
        let name = config.name;
        let single = |what: &str, value: &Value| {
            nodes::endpoints(value)
                .and_then(|names| match <[String; 1]>::try_from(names) {
                    Ok([name]) => Ok(name),
                    Err(names) => Err(format!("{} {what}s; one is supported", names.len())),
                })
                .map_err(|problem| KerasError::model(path, &name, problem))
        };
        let input = single("input", &config.input_layers)?;
        let output = single("output", &config.output_layers)?;
        let mut layers = Vec::new();
        for written in config.layers {
            let arguments = written.arguments(path);
            let inputs = nodes::inputs(&written.inbound_nodes).map_err(|problem| arguments.error(problem))?;
            layers.push(LayerConfig::read(&written.class_name, arguments, inputs)?);
        }
        let model = Self { name, layers, output }.checked(path)?;
        match model.layer(&input).map(|layer| &layer.kind) {
            Some(LayerKind::InputLayer { .. }) => Ok(model),
            Some(_) => Err(KerasError::layer(path, input, "is the model's input but no InputLayer")),
            None => Err(KerasError::model(
                path,
                model.name,
                format!("its input {input:?} is not among the layers"),
            )),
        }
    }

    /// Checks what holds for both kinds of models: names that are unique, connections that lead to layers.
    fn checked(self, path: &Path) -> Result<Self, KerasError> {
        if self.layers.len() > MOST_LAYERS {
            let problem = format!("{} layers; the limit is {MOST_LAYERS}", self.layers.len());
            return Err(KerasError::model(path, self.name, problem));
        }
        let mut names = HashSet::new();
        for layer in &self.layers {
            if layer.name.is_empty() || !names.insert(layer.name.as_str()) {
                return Err(KerasError::layer(path, &layer.name, "every layer needs a name of its own"));
            }
        }
        for layer in &self.layers {
            if let Some(missing) = layer.inputs.iter().find(|input| !names.contains(input.as_str())) {
                return Err(KerasError::layer(
                    path,
                    &layer.name,
                    format!("its input {missing:?} is no layer"),
                ));
            }
        }
        if !names.contains(self.output.as_str()) {
            let problem = format!("its output {:?} is not among the layers", self.output);
            return Err(KerasError::model(path, &self.name, problem));
        }
        Ok(self)
    }
}

impl WrittenLayer {
    fn arguments<'a>(&self, path: &'a Path) -> Arguments<'a> {
        let name = self.config.get("name").and_then(Value::as_str).or(self.name.as_deref());
        Arguments::new(path, name.unwrap_or_default(), self.config.clone())
    }
}

impl LayerConfig {
    fn read(class: &str, mut arguments: Arguments, inputs: Vec<String>) -> Result<Self, KerasError> {
        let kind = LayerKind::read(class, &mut arguments)?;
        let expected = match kind {
            LayerKind::InputLayer { .. } => 0,
            LayerKind::Add => 2,
            _ => 1,
        };
        // The first layer of a sequential model of unknown shape has none.
        if inputs.len() > expected || (inputs.len() < 2 && expected == 2) {
            let problem =
                format!("{class} with {} inputs is not supported, expected {expected}", inputs.len());
            return Err(arguments.error(problem));
        }
        Ok(Self { name: arguments.finish()?, class: class.into(), kind, inputs })
    }
}
