use std::collections::HashSet;

use nn_kernels::Real;
use serde::{Deserialize, Serialize};

use super::Network;
use crate::error::{BuildError, ConfigError};
use crate::layers::LayerConfig;
use crate::shape::Shape;

/// The configuration of a network: a chain of layers.
///
/// ```
/// use nn_core::layers::{ActivationFn, Conv2D, Dense, Flatten, MaxPooling2D};
/// use nn_core::model::Sequential;
///
/// let network = Sequential::new("tiny", &[8, 8, 1])
///     .add(Conv2D::new(4, 3).activation(ActivationFn::Relu))
///     .add(MaxPooling2D::new(2))
///     .add(Flatten::new())
///     .add(Dense::new(7).activation(ActivationFn::Softmax))
///     .build::<f32>(42)?;
/// assert_eq!(network.count_params(), 4 * (9 + 1) + 7 * (36 + 1));
/// # Ok::<(), nn_core::error::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    pub(super) name: String,
    pub(super) input_shape: Vec<usize>,
    pub(super) layers: Vec<LayerConfig>,
}

impl Sequential {
    /// A network without layers, for samples of shape `input_shape`.
    pub fn new(name: &str, input_shape: &[usize]) -> Self {
        Self { name: name.into(), input_shape: input_shape.into(), layers: Vec::new() }
    }

    /// Appends a layer. If it, or a part of it, has no name it gets one as in Keras: `conv2d`, `conv2d_1`, ...
    #[allow(clippy::should_implement_trait)] // Keras's word; nobody takes it for a sum.
    pub fn add(mut self, layer: impl Into<LayerConfig>) -> Self {
        let mut layer = layer.into();
        let mut taken: HashSet<String> = self.layers.iter().flat_map(LayerConfig::names).collect();
        taken.extend(layer.names());
        give_names(&mut layer, &mut taken);
        self.layers.push(layer);
        self
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same layers under another name.
    pub fn named(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The layers.
    pub fn layers(&self) -> &[LayerConfig] {
        &self.layers
    }

    /// The configuration as readable JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a configuration is plain data")
    }

    /// Reads a configuration that [`Sequential::to_json`] wrote.
    ///
    /// # Errors
    /// If the text is not JSON, a word is unknown or a value has the wrong type; the message says where.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        let parsed: Self = serde_json::from_str(json)?;
        let named = Self { layers: Vec::new(), ..parsed.clone() };
        Ok(parsed.layers.into_iter().fold(named, Self::add))
    }

    /// Builds the network: infers every shape, checks every argument, draws every parameter from `seed`.
    ///
    /// A softmax at the very end becomes the network's own, so that a cross-entropy can be differentiated
    /// through it in one step; see [`Network`].
    ///
    /// # Errors
    /// [`BuildError`] names the layer, its input shape and what is wrong.
    pub fn build<R: Real>(&self, seed: u64) -> Result<Network<R>, BuildError> {
        let network_error =
            |problem: &str| BuildError::Network { name: self.name.clone(), problem: problem.into() };
        if self.layers.is_empty() {
            return Err(network_error("there are no layers"));
        }
        let elements = self.input_shape.iter().try_fold(8usize, |n, &axis| n.checked_mul(axis));
        if self.input_shape.is_empty() || elements.is_none_or(|n| n == 0 || n > isize::MAX as usize) {
            let problem = format!("an input of shape {:?} is impossible", self.input_shape);
            return Err(network_error(&problem));
        }
        let mut configs = self.layers.clone();
        let softmax = configs.last_mut().is_some_and(LayerConfig::take_softmax);
        let mut shape = Shape::new(self.input_shape.clone());
        let mut layers = Vec::new();
        let mut names = HashSet::new();
        for (i, config) in configs.iter().enumerate() {
            for name in config.names() {
                check_name(i + 1, name, &mut names)?;
            }
            let layer = config.build::<R>(&shape, seed).map_err(|source| BuildError::Layer {
                index: i + 1,
                name: config.name().unwrap_or_default().into(),
                class_name: config.class_name(),
                input: shape.clone(),
                source: Box::new(source),
            })?;
            shape = layer.info().output_shape.clone();
            layers.push(layer);
        }
        Ok(Network::assemble(self.name.clone(), layers, softmax, Some(self.clone())))
    }
}

/// Names become keys of weight files and columns of tables.
fn check_name(index: usize, name: String, taken: &mut HashSet<String>) -> Result<(), BuildError> {
    const LONGEST: usize = 100;
    let problem = if name.is_empty() {
        "is empty"
    } else if name.len() > LONGEST {
        "is longer than 100 bytes"
    } else if name.contains('/') || name.chars().any(char::is_control) {
        "contains a slash or a control character"
    } else if !taken.insert(name.clone()) {
        "is taken by another layer"
    } else {
        return Ok(());
    };
    let shortened = name.chars().take(40).collect();
    Err(BuildError::Name { index, name: shortened, problem })
}

/// Gives numbered names to the parts of a layer that have none, and then to the layer.
fn give_names(layer: &mut LayerConfig, taken: &mut HashSet<String>) {
    layer.parts_mut().into_iter().for_each(|part| give_names(part, taken));
    if layer.name().is_none() {
        let name = numbered_name(layer.class_name(), taken);
        taken.insert(name.clone());
        layer.set_name(name);
    }
}

/// `Conv2D` gives `conv2d`, then `conv2d_1`, and so on, as in Keras.
fn numbered_name(class_name: &str, taken: &HashSet<String>) -> String {
    let base = snake_case(class_name);
    if !taken.contains(&base) {
        return base;
    }
    let numbers = 1..;
    let mut numbered = numbers.map(|n: usize| format!("{base}_{n}"));
    numbered.find(|name| !taken.contains(name)).expect("there are enough numbers")
}

/// `MaxPooling2D` gives `max_pooling2d`, `ReLU` gives `re_lu`, as in Keras.
pub(crate) fn snake_case(class_name: &str) -> String {
    let mut base = String::new();
    for (i, c) in class_name.char_indices() {
        let after_lowercase = class_name[..i].ends_with(|previous: char| previous.is_lowercase());
        if c.is_uppercase() && after_lowercase {
            base.push('_');
        }
        base.extend(c.to_lowercase());
    }
    base
}
