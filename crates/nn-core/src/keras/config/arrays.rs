use std::collections::HashMap;
use std::path::Path;

use super::{LayerConfig, LayerKind, ModelConfig};
use crate::keras::KerasError;
use crate::keras::weights::LayerWeights;
use crate::model::snake_case;
use crate::quoted::{list, quoted};
use crate::tensor::Tensor;

/// A size that the configuration does not tell: the number of channels that come in.
const ANY: Option<usize> = None;

impl LayerKind {
    /// The arrays of such a layer in Keras's order: names, and as much of each shape as the arguments tell.
    pub fn arrays(&self) -> Vec<(&'static str, Vec<Option<usize>>)> {
        let window = |[height, width]: [usize; 2], rest: [Option<usize>; 2]| {
            vec![Some(height), Some(width), rest[0], rest[1]]
        };
        let mut arrays = Vec::new();
        match *self {
            Self::Dense { units, use_bias, .. } => {
                arrays.push(("kernel", vec![ANY, Some(units)]));
                arrays.extend(use_bias.then(|| ("bias", vec![Some(units)])));
            }
            Self::Conv2D { filters, kernel_size, use_bias, .. } => {
                arrays.push(("kernel", window(kernel_size, [ANY, Some(filters)])));
                arrays.extend(use_bias.then(|| ("bias", vec![Some(filters)])));
            }
            Self::DepthwiseConv2D { kernel_size, depth_multiplier, use_bias, .. } => {
                arrays.push(("kernel", window(kernel_size, [ANY, Some(depth_multiplier)])));
                arrays.extend(use_bias.then(|| ("bias", vec![ANY])));
            }
            Self::SeparableConv2D { filters, kernel_size, depth_multiplier, use_bias, .. } => {
                arrays.push(("depthwise_kernel", window(kernel_size, [ANY, Some(depth_multiplier)])));
                arrays.push(("pointwise_kernel", window([1, 1], [ANY, Some(filters)])));
                arrays.extend(use_bias.then(|| ("bias", vec![Some(filters)])));
            }
            Self::BatchNormalization { center, scale, .. } => {
                arrays.extend(scale.then(|| ("gamma", vec![ANY])));
                arrays.extend(center.then(|| ("beta", vec![ANY])));
                arrays.extend([("moving_mean", vec![ANY]), ("moving_variance", vec![ANY])]);
            }
            _ => {}
        }
        arrays
    }
}

impl ModelConfig {
    /// Finds the layers that the arrays of a file belong to, gives every array the name of its argument and puts the
    /// layers in the model's order, those without arrays left out. `path` is for messages.
    ///
    /// Layers are found as Keras finds them, which is never by name, for names differ from session to session
    /// (`conv2d`, `conv2d_2`). In files of Keras 3, weights and archives, a layer's place tells: its class and its number
    /// among the layers of that class. Older files have an order: their first layer with arrays is the model's first one.
    /// Within a layer the order tells, too, which is the same in all versions; names do not (`running_std` of old files
    /// holds a variance).
    ///
    /// # Errors
    /// If a layer's arrays are missing, too many, or of other shapes than its arguments tell, if a variance is
    /// negative, or if there are arrays for a layer that the model does not have.
    pub fn name_weights(
        &self,
        weights: Vec<LayerWeights>,
        path: &Path,
    ) -> Result<Vec<LayerWeights>, KerasError> {
        let weights: Vec<_> = weights.into_iter().filter(|layer| !layer.weights.is_empty()).collect();
        let pairs = if weights.iter().any(|layer| layer.place.is_some()) {
            self.by_place(weights, path)?
        } else {
            self.by_order(weights, path)?
        };
        let named = pairs.into_iter().map(|(layer, stored)| {
            let weights = layer.name_arrays(stored.weights).map_err(|problem| {
                let elsewhere = match stored.layer == layer.name {
                    true => String::new(),
                    false => format!("layer {} of the file is not its: ", quoted(&stored.layer)),
                };
                KerasError::layer(path, &layer.name, elsewhere + &problem)
            })?;
            Ok(LayerWeights { layer: layer.name.clone(), place: stored.place, weights })
        });
        named.collect()
    }

    fn by_place(&self, weights: Vec<LayerWeights>, path: &Path) -> Result<Vec<Pair<'_>>, KerasError> {
        let mut stored = HashMap::new();
        for layer in weights {
            let place = layer.place.clone().unwrap_or_default();
            if let Some(twice) = stored.insert(place, layer) {
                let problem = format!("two layers of the file have the place {}", quoted(&twice.layer));
                return Err(KerasError::model(path, &self.name, problem));
            }
        }
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut pairs = Vec::new();
        for layer in &self.layers {
            let number = numbers.entry(&layer.class).or_default();
            let class = snake_case(&layer.class);
            let place = if *number == 0 { class } else { format!("{class}_{number}") };
            *number += 1;
            match stored.remove(&place) {
                Some(weights) => pairs.push((layer, weights)),
                None if layer.kind.arrays().is_empty() => {}
                None => {
                    let problem = format!("the file has no arrays for it, at the place {place}");
                    return Err(KerasError::layer(path, &layer.name, problem));
                }
            }
        }
        match stored.values().min_by_key(|layer| &layer.place) {
            None => Ok(pairs),
            Some(LayerWeights { layer, place, weights }) => {
                let place = quoted(place.as_deref().unwrap_or_default());
                let (arrays, model) = (listed(weights), quoted(&self.name));
                let problem =
                    format!("model {model} has no layer for the arrays {arrays} at the place {place}");
                Err(KerasError::layer(path, layer, problem))
            }
        }
    }

    fn by_order(&self, weights: Vec<LayerWeights>, path: &Path) -> Result<Vec<Pair<'_>>, KerasError> {
        let layers: Vec<_> = self.layers.iter().filter(|layer| !layer.kind.arrays().is_empty()).collect();
        if layers.len() != weights.len() {
            let names = |names: Vec<&str>| if names.is_empty() { "none".into() } else { list(&names) };
            let problem = format!(
                "it has {} layers with arrays, {}, and the file {}, {}",
                layers.len(),
                names(layers.iter().map(|layer| layer.name.as_str()).collect()),
                weights.len(),
                names(weights.iter().map(|layer| layer.layer.as_str()).collect()),
            );
            return Err(KerasError::model(path, &self.name, problem));
        }
        Ok(layers.into_iter().zip(weights).collect())
    }
}

/// A layer of the model and what the file has for it.
type Pair<'a> = (&'a LayerConfig, LayerWeights);

type NamedArrays = Vec<(String, Tensor<f32>)>;

impl LayerConfig {
    fn name_arrays(&self, stored: NamedArrays) -> Result<NamedArrays, String> {
        let expected = self.kind.arrays();
        if stored.len() != expected.len() {
            let names: Vec<_> = expected.iter().map(|(name, _)| *name).collect();
            let names = if names.is_empty() { "none".into() } else { names.join(", ") };
            return Err(format!("{} has the arrays {}, expected {names}", self.class, listed(&stored)));
        }
        let named = expected.into_iter().zip(stored).map(|((name, shape), (stored_name, array))| {
            let fits =
                |(&axis, &expected): (&usize, &Option<usize>)| expected.is_none_or(|size| size == axis);
            if array.ndim() != shape.len() || !array.shape().iter().zip(&shape).all(fits) {
                let axes: Vec<_> =
                    shape.iter().map(|axis| axis.map_or("any".into(), |n| n.to_string())).collect();
                let (found, expected, stored) = (list(array.shape()), list(&axes), quoted(&stored_name));
                return Err(format!("{name} ({stored}) has shape {found}, expected {expected}"));
            }
            if let Some(value) = array.iter().find(|&&value| name == "moving_variance" && value < 0.0) {
                return Err(format!("{name} ({}) contains {value:?}", quoted(&stored_name)));
            }
            Ok((name.to_owned(), array))
        });
        named.collect()
    }
}

fn listed(arrays: &[(String, Tensor<f32>)]) -> String {
    let described =
        |(name, array): &(String, Tensor<f32>)| format!("{} {}", quoted(name), list(array.shape()));
    let names: Vec<_> = arrays.iter().take(8).map(described).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
