//! From a description and arrays to a network that computes.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use nn_kernels::Real;

use super::config::{Chain, LayerConfig as Described, LayerKind, ModelConfig, Step};
use super::weights::{LayerWeights, SavedModel};
use super::{KerasError, weights};
use crate::layer::Param;
use crate::layers::{
    Activation, AveragePooling2D, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, Flatten,
    GlobalAveragePooling2D, LayerConfig, MaxPooling2D, Rescaling, Residual, ZeroPadding2D,
};
use crate::model::{Network, Sequential};
use crate::quoted::{list, quoted};
use crate::tensor::{Elements, Tensor, tensor};

/// Reads a `.keras` archive, or a classic `.h5` file of a whole model, and builds its network with its weights.
///
/// `input` is the shape of a sample, for models that leave it open; otherwise it must agree.
///
/// # Errors
/// If the file cannot be read, has no configuration, or describes what this engine does not have; if `input` is missing
/// or does not fit; the message names the layer.
pub fn load_network<R: Real>(path: &Path, input: Option<&[usize]>) -> Result<Network<R>, KerasError> {
    weights::load_model(path)?.into_network(input, path)
}

impl SavedModel {
    /// [`load_network`] for a model that has been read; `path` is for messages.
    ///
    /// # Errors
    /// Those of [`load_network`], but for reading.
    pub fn into_network<R: Real>(
        self,
        input: Option<&[usize]>,
        path: &Path,
    ) -> Result<Network<R>, KerasError> {
        let Self { config, weights } = self;
        let config = config.ok_or_else(|| {
            KerasError::format(path, "holds weights without a configuration, which has to be given, too")
        })?;
        // A configuration may ask for far more memory than its file has bytes.
        let needed = config.count_params(input, path)?;
        let stored: usize = weights.iter().map(LayerWeights::count).sum();
        if needed > stored {
            let problem = format!("has {needed} parameters, but {stored} numbers are stored");
            return Err(KerasError::model(path, &config.name, problem));
        }
        let mut network = config.build(input, path)?;
        set_weights(&mut network, &config, weights, path)?;
        Ok(network)
    }
}

impl ModelConfig {
    /// The network that the configuration describes, with initial weights. `path` is for messages.
    ///
    /// # Errors
    /// Those of [`load_network`], but for the weights.
    pub fn build<R: Real>(&self, input: Option<&[usize]>, path: &Path) -> Result<Network<R>, KerasError> {
        let network = self.description(input, path)?;
        network.build(0).map_err(|error| KerasError::model(path, &self.name, error.to_string()))
    }

    /// The network as a description, which takes no memory for its parameters. `path` is for messages.
    ///
    /// # Errors
    /// If `input` is missing or does not fit, if a layer works along another axis than the last one, and those of
    /// [`ModelConfig::chain`].
    pub fn description(&self, input: Option<&[usize]>, path: &Path) -> Result<Sequential, KerasError> {
        let (shape, chain) = self.shape_and_chain(input, path)?;
        let layers = layers(&chain, path)?;
        Ok(layers.into_iter().fold(Sequential::new(&self.name, &shape), Sequential::add))
    }

    /// How many parameters the network will have, before it is built; saturating. Counts up to the first layer that
    /// cannot be built. `input` and `path` as for [`ModelConfig::build`].
    ///
    /// # Errors
    /// Those of [`ModelConfig::description`].
    pub fn count_params(&self, input: Option<&[usize]>, path: &Path) -> Result<usize, KerasError> {
        let (shape, chain) = self.shape_and_chain(input, path)?;
        Ok(super::config::count_params(&chain, &mut Some(shape)))
    }

    /// The shape of a sample and the layers in order, all of them along axes that can be built.
    fn shape_and_chain(
        &self,
        input: Option<&[usize]>,
        path: &Path,
    ) -> Result<(Vec<usize>, Chain), KerasError> {
        let shape = self.sample_shape(input, path)?;
        let chain = self.chain(path)?;
        super::config::check_axes(&chain, &mut shape.len(), path)?;
        Ok((shape, chain))
    }

    fn sample_shape(&self, given: Option<&[usize]>, path: &Path) -> Result<Vec<usize>, KerasError> {
        let error = |problem: String| KerasError::model(path, &self.name, problem);
        let Some(stored) = self.input_shape() else {
            let given = given.ok_or_else(|| error("does not tell the shape of its input: give it".into()))?;
            return Ok(given.to_vec());
        };
        let shown: Vec<_> = stored.iter().map(|n| n.map_or("any".to_owned(), |n| n.to_string())).collect();
        let shown = shown.join(" x ");
        match given {
            None => stored
                .iter()
                .copied()
                .collect::<Option<_>>()
                .ok_or_else(|| error(format!("takes inputs of {shown}: give the shape of a sample"))),
            Some(given) => {
                let fits = given.len() == stored.len()
                    && given
                        .iter()
                        .zip(stored)
                        .all(|(given, stored)| stored.is_none_or(|stored| stored == *given));
                let problem = || error(format!("takes inputs of {shown}, not {}", list(given)));
                if fits { Ok(given.to_vec()) } else { Err(problem()) }
            }
        }
    }
}

/// Puts saved weights into a network that [`ModelConfig::build`] made of the same configuration.
///
/// # Errors
/// If arrays are missing, too many or of other shapes; the network is unchanged then.
pub fn set_weights<R: Real>(
    network: &mut Network<R>,
    config: &ModelConfig,
    weights: Vec<LayerWeights>,
    path: &Path,
) -> Result<(), KerasError> {
    let named = config.name_weights(weights, path)?;
    let arrays: HashMap<(&str, &str), &Tensor<f32>> = named
        .iter()
        .flat_map(|layer| {
            layer.weights.iter().map(|(name, array)| ((layer.layer.as_str(), name.as_str()), array))
        })
        .collect();
    let described: HashMap<&str, &LayerKind> =
        config.layers.iter().map(|layer| (layer.name.as_str(), &layer.kind)).collect();
    let mut values: Vec<Tensor<R>> = Vec::new();
    for (name, param) in network.params() {
        let (layer, argument) = name.rsplit_once('/').unwrap_or((&name, ""));
        let (whole, wanted) = source(&described, layer, argument);
        let error = |problem: String| KerasError::layer(path, whole, problem);
        let array =
            arrays.get(&(whole, wanted)).ok_or_else(|| error(format!("the file has no {wanted} for it")))?;
        values.push(fit(array, param).map_err(error)?);
    }
    network.set_weights(&values);
    Ok(())
}

/// Puts saved weights into a network whose layers have the names of the file: one of `keras.applications`, say.
///
/// Within a layer the arrays come in Keras's order, which is that of the parameters here.
///
/// # Errors
/// If a layer or an array is missing, is too much or has another shape; the network is unchanged then.
pub fn set_weights_by_layer<R: Real>(
    network: &mut Network<R>,
    weights: &[LayerWeights],
    path: &Path,
) -> Result<(), KerasError> {
    let saved: HashMap<&str, &LayerWeights> =
        weights.iter().map(|layer| (layer.layer.as_str(), layer)).collect();
    let mut values: Vec<Tensor<R>> = Vec::new();
    let mut used = HashSet::new();
    let leaves = network.layers_and_parts().into_iter().filter(|layer| layer.parts().is_empty());
    for layer in leaves.filter(|layer| !layer.params().is_empty()) {
        let (name, params) = (layer.info().name.as_str(), layer.params());
        let error = |problem: String| KerasError::layer(path, name, problem);
        let arrays = match saved.get(name) {
            Some(saved) => &saved.weights,
            None => return Err(error("the file has no weights for it".into())),
        };
        used.insert(name);
        if arrays.len() != params.len() {
            return Err(error(format!("{} arrays in the file, expected {}", arrays.len(), params.len())));
        }
        for (param, (_, array)) in params.into_iter().zip(arrays) {
            values.push(fit(array, param).map_err(error)?);
        }
    }
    let left = weights.iter().find(|layer| !layer.weights.is_empty() && !used.contains(layer.layer.as_str()));
    if let Some(left) = left {
        let problem = format!("network {} has no such layer", quoted(network.name()));
        return Err(KerasError::layer(path, &left.layer, problem));
    }
    network.set_weights(&values);
    Ok(())
}

/// The statistic of a batch normalisation that has no negative values.
const VARIANCE: &str = "moving_variance";

/// An array of a file as the value of a parameter.
fn fit<R: Real>(array: &Tensor<f32>, param: &Param<R>) -> Result<Tensor<R>, String> {
    let (found, expected) = (array.shape(), param.value.shape());
    if found != expected {
        let (found, expected) = (list(found), list(expected));
        return Err(format!("its {} has shape {found}, expected {expected}", param.name));
    }
    // Means in the place of variances would go unnoticed otherwise, but for the numbers that come out.
    if let Some(value) = array.iter().find(|&&value| param.name == VARIANCE && value < 0.0) {
        return Err(format!("its {VARIANCE} contains {value:?}"));
    }
    Ok(tensor(found, array.elements().iter().map(|&x| R::of(x.into())).collect()))
}

/// What the depthwise half of a separable convolution is called beside the layer's own name.
const DEPTHWISE: &str = "_depthwise";

/// The layer of the configuration that has the array for a parameter of a layer of the network, and that array's name.
fn source<'a>(
    described: &HashMap<&str, &LayerKind>,
    layer: &'a str,
    argument: &'a str,
) -> (&'a str, &'a str) {
    match (described.get(layer), layer.strip_suffix(DEPTHWISE)) {
        (None, Some(whole)) => (whole, "depthwise_kernel"),
        (Some(LayerKind::SeparableConv2D { .. }), _) if argument == "kernel" => (layer, "pointwise_kernel"),
        // Within a depthwise convolution alone Keras 3 calls it so.
        (Some(_), _) if argument == "depthwise_kernel" => (layer, "kernel"),
        _ => (layer, argument),
    }
}

fn layers(chain: &Chain, path: &Path) -> Result<Vec<LayerConfig>, KerasError> {
    let mut all = Vec::new();
    for step in chain {
        match step {
            Step::Layer(described) => all.extend(layer(described, path)?),
            Step::Residual { name, main, shortcut } => {
                let block = Residual::new(layers(main, path)?).shortcut(layers(shortcut, path)?);
                all.push(block.name(name).into());
            }
        }
    }
    Ok(all)
}

/// The engine's layers for one of Keras's.
fn layer(described: &Described, path: &Path) -> Result<Vec<LayerConfig>, KerasError> {
    let name = described.name.as_str();
    let unsupported =
        |what: &str| KerasError::layer(path, name, format!("{what} is not supported by the engine"));
    let pair = |[height, width]: [usize; 2]| (height, width);
    let one: LayerConfig = match described.kind.clone() {
        LayerKind::Dense { units, activation, use_bias } => {
            Dense::new(units).activation(activation).use_bias(use_bias).name(name).into()
        }
        LayerKind::Conv2D {
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            groups,
            activation,
            use_bias,
        } => Conv2D::new(filters, pair(kernel_size))
            .strides(pair(strides))
            .padding(padding)
            .dilation_rate(pair(dilation_rate))
            .groups(groups)
            .activation(activation)
            .use_bias(use_bias)
            .name(name)
            .into(),
        LayerKind::DepthwiseConv2D {
            kernel_size,
            strides,
            padding,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
        } => DepthwiseConv2D::new(pair(kernel_size))
            .strides(pair(strides))
            .padding(padding)
            .dilation_rate(pair(dilation_rate))
            .depth_multiplier(depth_multiplier)
            .activation(activation)
            .use_bias(use_bias)
            .name(name)
            .into(),
        LayerKind::SeparableConv2D {
            filters,
            kernel_size,
            strides,
            padding,
            dilation_rate,
            depth_multiplier,
            activation,
            use_bias,
        } => {
            let depthwise = DepthwiseConv2D::new(pair(kernel_size))
                .strides(pair(strides))
                .padding(padding)
                .dilation_rate(pair(dilation_rate))
                .depth_multiplier(depth_multiplier)
                .use_bias(false)
                .name(&format!("{name}{DEPTHWISE}"));
            let pointwise = Conv2D::new(filters, 1).activation(activation).use_bias(use_bias).name(name);
            return Ok(vec![depthwise.into(), pointwise.into()]);
        }
        LayerKind::MaxPooling2D { pool_size, strides, padding } => {
            MaxPooling2D::new(pair(pool_size)).strides(pair(strides)).padding(padding).name(name).into()
        }
        LayerKind::AveragePooling2D { pool_size, strides, padding } => {
            AveragePooling2D::new(pair(pool_size)).strides(pair(strides)).padding(padding).name(name).into()
        }
        LayerKind::GlobalAveragePooling2D { keepdims } => {
            GlobalAveragePooling2D::new().keepdims(keepdims).name(name).into()
        }
        LayerKind::BatchNormalization { momentum, epsilon, center, scale } => BatchNormalization::new()
            .momentum(momentum)
            .epsilon(epsilon)
            .center(center)
            .scale(scale)
            .name(name)
            .into(),
        LayerKind::Activation { activation } => Activation::new(activation).name(name).into(),
        LayerKind::Dropout { rate } => Dropout::new(rate).name(name).into(),
        LayerKind::Flatten => Flatten::new().name(name).into(),
        LayerKind::ZeroPadding2D { padding: [[top, bottom], [left, right]] } => {
            ZeroPadding2D::new(((top, bottom), (left, right))).name(name).into()
        }
        LayerKind::Rescaling { scale, offset } => Rescaling::new(scale).offset(offset).name(name).into(),
        LayerKind::InputLayer { .. } | LayerKind::Add => return Err(unsupported(&described.class)),
    };
    Ok(vec![one])
}
