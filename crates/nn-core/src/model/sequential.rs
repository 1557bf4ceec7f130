use std::collections::HashSet;

use nn_kernels::{Isa, Real};
use serde::{Deserialize, Serialize};

use super::layer_names::LayerNames;
use super::{Memory, Network, Outline};
use crate::error::{BuildError, ConfigError, LayerError};
use crate::layers::LayerConfig;
use crate::number::shown;
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
#[serde(from = "Written")]
pub struct Sequential {
    name: String,
    input_shape: Vec<usize>,
    layers: Vec<LayerConfig>,
    #[serde(skip)]
    names: LayerNames,
}

/// The fields of the JSON, where layers may be without names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename = "Sequential")]
struct Written {
    name: String,
    input_shape: Vec<usize>,
    layers: Vec<LayerConfig>,
}

impl From<Written> for Sequential {
    fn from(Written { name, input_shape, layers }: Written) -> Self {
        Self::new(&name, &input_shape).with_layers(layers)
    }
}

impl Sequential {
    /// A network without layers, for samples of shape `input_shape`.
    pub fn new(name: &str, input_shape: &[usize]) -> Self {
        let (name, input_shape) = (name.into(), input_shape.into());
        Self { name, input_shape, layers: Vec::new(), names: LayerNames::default() }
    }

    /// The same name and input with other layers.
    pub(super) fn with_layers(self, layers: impl IntoIterator<Item = LayerConfig>) -> Self {
        let empty = Self { layers: Vec::new(), names: LayerNames::default(), ..self };
        layers.into_iter().fold(empty, Self::add)
    }

    /// Appends a layer. If it, or a part of it, has no name it gets one as in Keras: `conv2d`, `conv2d_1`, ...
    #[allow(clippy::should_implement_trait)] // Keras's word; nobody takes it for a sum.
    pub fn add(mut self, layer: impl Into<LayerConfig>) -> Self {
        let mut layer = layer.into();
        self.names.complete(&mut layer);
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
        // Some editors begin a file with a mark.
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        serde_json::from_str(json).map_err(|error| ConfigError::Json(error.into()))
    }

    /// What the network will be: infers every shape and checks every argument, and takes no memory for parameters.
    ///
    /// # Errors
    /// [`BuildError`] names the layer, its input shape and what is wrong.
    pub fn outline(&self) -> Result<Outline, BuildError> {
        /// More axes than any layer knows.
        const MOST_AXES: usize = 16;
        /// Longer names help nobody, in bytes.
        const LONGEST_NAME: usize = 200;
        let network_error = |problem: &str| BuildError::Network {
            name: self.name.chars().take(40).collect(),
            problem: problem.into(),
        };
        if self.name.len() > LONGEST_NAME || self.name.chars().any(char::is_control) {
            return Err(network_error("its name is longer than 200 bytes or contains a control character"));
        }
        if self.input_shape.len() > MOST_AXES {
            let axes = self.input_shape.len();
            return Err(network_error(&format!(
                "an input of {axes} axes is impossible: at most {MOST_AXES}"
            )));
        }
        if self.layers.is_empty() {
            return Err(network_error("there are no layers"));
        }
        let input_shape = Shape::new(self.input_shape.clone());
        let empty = self.input_shape.is_empty() || self.input_shape.contains(&0);
        if empty || input_shape.check_addressable("the input").is_err() {
            let problem =
                format!("an input of shape {} is impossible", shown(format!("{:?}", self.input_shape)));
            return Err(network_error(&problem));
        }
        let mut layers = Vec::with_capacity(self.layers.len());
        let mut shape = input_shape.clone();
        let mut names = HashSet::new();
        for (i, config) in self.layers.iter().enumerate() {
            for name in config.names() {
                check_name(i + 1, name, &mut names)?;
            }
            let layer = match config.outline(&shape) {
                Ok(layer) => layer,
                Err(source) => {
                    // A layer before it that is far too large is the reason, if there is one.
                    let before = Outline { name: self.name.clone(), input_shape, layers };
                    before.fits::<f32>(1, 1, Memory::default())?;
                    return Err(wrong_layer(i, config, &shape, source));
                }
            };
            shape = layer.info.output_shape.clone();
            layers.push(layer);
        }
        Ok(Outline { name: self.name.clone(), input_shape, layers })
    }

    /// Builds the network: infers every shape, checks every argument, draws every parameter from `seed`.
    ///
    /// A softmax at the very end becomes the network's own, so that a cross-entropy can be differentiated
    /// through it in one step; see [`Network`].
    ///
    /// A network that would not fit into [`Memory::default`] is refused before it takes any.
    ///
    /// # Errors
    /// [`BuildError`] names the layer, its input shape and what is wrong.
    pub fn build<R: Real>(&self, seed: u64) -> Result<Network<R>, BuildError> {
        self.build_within(seed, Memory::default())
    }

    /// [`Sequential::build`] with a limit of your own on what the network may take.
    ///
    /// # Errors
    /// As for [`Sequential::build`].
    pub fn build_within<R: Real>(&self, seed: u64, memory: Memory) -> Result<Network<R>, BuildError> {
        Isa::in_force()?;
        let outline = self.outline()?;
        outline.fits::<R>(1, 1, memory)?;
        let mut configs = self.layers.clone();
        let softmax = configs.last_mut().is_some_and(LayerConfig::take_softmax);
        let mut layers = Vec::with_capacity(configs.len());
        for (i, (config, outline)) in configs.iter().zip(&outline.layers).enumerate() {
            let input = &outline.info.input_shape;
            let layer = config.build::<R>(input, seed);
            layers.push(layer.map_err(|source| wrong_layer(i, config, input, source))?);
        }
        Ok(Network::assemble(self.name.clone(), layers, softmax, Some(self.clone()), memory))
    }
}

fn wrong_layer(place: usize, config: &LayerConfig, input: &Shape, source: LayerError) -> BuildError {
    BuildError::Layer {
        index: place + 1,
        name: config.name().unwrap_or_default().into(),
        class_name: config.class_name(),
        input: input.clone(),
        source: Box::new(source),
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
