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
mod written;

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;

pub use chain::{Chain, Step};
pub use kind::LayerKind;
pub(super) use shapes::{check_axes, count_params};
pub(super) use written::parse as parse_json;

use super::{KerasError, file};
use crate::quoted::quoted;
use arguments::Arguments;
use written::{Object, Readable, Written, refuse_foreign, refuse_others, require, shown, take};

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
    /// The axis along which a layer works that works along one, the batch being 0; -1 for the last one. Only the last
    /// one can be built.
    pub axis: i64,
    /// Names of the layers whose outputs it takes.
    pub inputs: Vec<String>,
}

/// Longer texts are refused: the largest model of `keras.applications` has half a megabyte.
const LONGEST: usize = 8 << 20;
/// More layers than any model that one would describe in full.
const MOST_LAYERS: usize = 10_000;

impl ModelConfig {
    /// Reads the file of a configuration alone, as `model.to_json()` gives it.
    ///
    /// # Errors
    /// If the file cannot be read or is none, is too long or not UTF-8, and those of [`ModelConfig::from_json`].
    pub fn read(path: &Path) -> Result<Self, KerasError> {
        let bytes = file::bytes(path, LONGEST as u64)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let appearance = file::appearance(error.as_bytes());
            KerasError::format(path, format!("not the JSON of a model's configuration: {appearance}"))
        });
        Self::from_json(&text?, path)
    }

    /// Reads a configuration; `path` is the file it comes from, for messages.
    ///
    /// # Errors
    /// If the text is not the JSON of a sequential or functional model, or is too long, has too many values or is nested
    /// too deep; if a layer, an argument or a connection is unsupported or a class is not Keras's own. The message names
    /// the layer and the reason.
    pub fn from_json(json: &str, path: &Path) -> Result<Self, KerasError> {
        let error = |problem: String| KerasError::model(path, "", problem);
        let no_model = |problem: String| error(format!("not a model's configuration: {problem}"));
        let value = written::parse(json).map_err(no_model)?;
        if let Some(kind) = file::kind_of_json(&value) {
            return Err(no_model(kind.to_owned()));
        }
        let model = Written::read(value).map_err(no_model)?;
        if !matches!(model.class.as_str(), "Sequential" | "Functional" | "Model") {
            let class = quoted(&model.class);
            let problem =
                format!("class {class} is not supported, expected \"Sequential\" or \"Functional\"");
            return Err(error(problem));
        }
        model.check_class(&["keras_version"]).map_err(error)?;
        match model.class.as_str() {
            "Sequential" => Self::sequential(model.config, path),
            _ => Self::functional(model.config, path),
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
        let mut name = "sequential".to_owned();
        let written: Vec<Value> = match config {
            // Before 2.2.3 the configuration was the list of layers.
            Value::Array(layers) => layers,
            config => {
                let error = |problem: String| KerasError::model(path, "", format!("config: {problem}"));
                let mut config = members(config).map_err(error)?;
                if let Some(given) = take(&mut config, "name").map_err(error)? {
                    name = given;
                }
                let layers = require(&mut config, "layers").map_err(error)?;
                refuse_others(&config, &["trainable", "dtype", "autocast", "build_input_shape"])
                    .map_err(error)?;
                layers
            }
        };
        refuse_too_many(&written, &name, path)?;
        let mut layers: Vec<LayerConfig> = Vec::new();
        for (i, written) in written.into_iter().enumerate() {
            let (class, mut arguments, _) = layer(written, i, path)?;
            // A model without an input layer tells the shape at its first layer.
            if i == 0
                && class != "InputLayer"
                && let Some(kind) = LayerKind::input(&mut arguments)?
            {
                let name = format!("{}_input", arguments.layer());
                let class = "InputLayer".into();
                layers.push(LayerConfig { name, class, kind, axis: -1, inputs: Vec::new() });
            }
            let inputs = layers.last().map(|layer| layer.name.clone()).into_iter().collect();
            layers.push(LayerConfig::read(class, arguments, inputs)?);
        }
        let Some(output) = layers.last().map(|layer| layer.name.clone()) else {
            return Err(KerasError::model(path, name, "has no layers"));
        };
        Self { name, layers, output }.checked(path)
    }

    fn functional(config: Value, path: &Path) -> Result<Self, KerasError> {
        let error = |problem: String| KerasError::model(path, "", format!("config: {problem}"));
        let mut config = members(config).map_err(error)?;
        let name: String = require(&mut config, "name").map_err(error)?;
        let written: Vec<Value> = require(&mut config, "layers").map_err(error)?;
        let input: Value = require(&mut config, "input_layers").map_err(error)?;
        let output: Value = require(&mut config, "output_layers").map_err(error)?;
        refuse_others(&config, &["trainable", "dtype", "autocast"]).map_err(error)?;
        let single = |what: &str, value: &Value| {
            nodes::endpoints(value)
                .and_then(|names| match <[String; 1]>::try_from(names) {
                    Ok([name]) => Ok(name),
                    Err(names) => Err(format!("{} {what}s; one is supported", names.len())),
                })
                .map_err(|problem| KerasError::model(path, &name, problem))
        };
        let input = single("input", &input)?;
        let output = single("output", &output)?;
        refuse_too_many(&written, &name, path)?;
        let mut layers = Vec::new();
        for (i, written) in written.into_iter().enumerate() {
            let (class, arguments, nodes) = layer(written, i, path)?;
            let inputs = nodes::inputs(&nodes).map_err(|problem| arguments.error(problem))?;
            layers.push(LayerConfig::read(class, arguments, inputs)?);
        }
        let model = Self { name, layers, output }.checked(path)?;
        match model.layer(&input).map(|layer| &layer.kind) {
            Some(LayerKind::InputLayer { .. }) => Ok(model),
            Some(_) => Err(KerasError::layer(path, input, "is the model's input but no InputLayer")),
            None => {
                let problem = format!("its input {} is not among the layers", quoted(&input));
                Err(KerasError::model(path, model.name, problem))
            }
        }
    }

    /// Checks what holds for both kinds of models: names that are unique, connections that lead to layers.
    fn checked(self, path: &Path) -> Result<Self, KerasError> {
        let mut names = HashSet::new();
        for layer in &self.layers {
            if layer.name.is_empty() || !names.insert(layer.name.as_str()) {
                return Err(KerasError::layer(path, &layer.name, "every layer needs a name of its own"));
            }
        }
        for layer in &self.layers {
            if let Some(missing) = layer.inputs.iter().find(|input| !names.contains(input.as_str())) {
                let problem = format!("its input {} is no layer", quoted(missing));
                return Err(KerasError::layer(path, &layer.name, problem));
            }
        }
        if !names.contains(self.output.as_str()) {
            let problem = format!("its output {} is not among the layers", quoted(&self.output));
            return Err(KerasError::model(path, &self.name, problem));
        }
        Ok(self)
    }
}

/// The members of an object.
fn members(value: Value) -> Result<Object, String> {
    let found = shown(&value);
    Object::read(value).ok_or_else(|| format!("{found}: expected an object"))
}

fn refuse_too_many(layers: &[Value], model: &str, path: &Path) -> Result<(), KerasError> {
    let problem = || format!("{} layers; the limit is {MOST_LAYERS}", layers.len());
    if layers.len() > MOST_LAYERS { Err(KerasError::model(path, model, problem())) } else { Ok(()) }
}

/// The class, the arguments and the connections of the layer number `place` of a model.
fn layer(value: Value, place: usize, path: &Path) -> Result<(String, Arguments<'_>, Vec<Value>), KerasError> {
    let unnamed = |problem: String| KerasError::model(path, "", format!("layer number {place}: {problem}"));
    let mut written = Written::read(value).map_err(unnamed)?;
    let outer: Option<String> = take(&mut written.beside, "name").map_err(unnamed)?;
    let inner = written.config.get("name").and_then(Value::as_str);
    let name = inner.or(outer.as_deref()).unwrap_or_default().to_owned();
    let error = |problem: String| KerasError::layer(path, &name, problem);
    if let Some(outer) = outer.filter(|outer| *outer != name) {
        return Err(error(format!("beside its config it has another name, {}", quoted(&outer))));
    }
    written.check_class(&["inbound_nodes"]).map_err(error)?;
    refuse_foreign(&written.config).map_err(error)?;
    let nodes = take(&mut written.beside, "inbound_nodes").map_err(error)?.unwrap_or_default();
    let config = members(written.config).map_err(|problem| error(format!("config: {problem}")))?;
    let arguments = Arguments::new(path, &name, config);
    Ok((written.class, arguments, nodes))
}

impl LayerConfig {
    fn read(class: String, mut arguments: Arguments, inputs: Vec<String>) -> Result<Self, KerasError> {
        let (kind, axis) = LayerKind::read(&class, &mut arguments)?;
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
        Ok(Self { name: arguments.finish()?, class, kind, axis, inputs })
    }
}
