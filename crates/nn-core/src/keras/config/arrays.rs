use std::collections::HashMap;
use std::path::Path;

use super::{LayerConfig, LayerKind, ModelConfig};
use crate::keras::KerasError;
use crate::keras::weights::LayerWeights;
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
    /// Gives every array of a model the name of its argument and puts the layers in the model's order, those without
    /// arrays left out. `path` is for messages.
    ///
    /// Arrays are told by their order in a layer, which is the same in all versions of Keras; their names are not
    /// (`running_std` of old files holds a variance).
    ///
    /// # Errors
    /// If a layer's arrays are missing, too many, or of other shapes than its arguments tell, if a variance is
    /// negative, or if there are arrays for a layer that the model does not have.
    pub fn name_weights(
        &self,
        weights: Vec<LayerWeights>,
        path: &Path,
    ) -> Result<Vec<LayerWeights>, KerasError> {
        let mut stored = HashMap::new();
        for layer in weights {
            if let Some(twice) =
                stored.insert(layer.layer, layer.weights).filter(|weights| !weights.is_empty())
            {
                return Err(KerasError::model(
                    path,
                    &self.name,
                    format!("two layers hold the arrays {}", listed(&twice)),
                ));
            }
        }
        let mut named = Vec::new();
        for layer in &self.layers {
            let arrays = stored.remove(&layer.name).unwrap_or_default();
            let weights =
                layer.name_arrays(arrays).map_err(|problem| KerasError::layer(path, &layer.name, problem))?;
            if !weights.is_empty() {
                named.push(LayerWeights { layer: layer.name.clone(), weights });
            }
        }
        let mut unknown: Vec<_> = stored.into_iter().filter(|(_, arrays)| !arrays.is_empty()).collect();
        unknown.sort_by(|(a, _), (b, _)| a.cmp(b));
        match unknown.first() {
            None => Ok(named),
            Some((layer, arrays)) => {
                let problem =
                    format!("arrays {} of a layer that model {:?} does not have", listed(arrays), self.name);
                Err(KerasError::layer(path, layer, problem))
            }
        }
    }
}

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
                let shape = array.shape();
                return Err(format!(
                    "{name} ({stored_name:?}) has shape {shape:?}, expected [{}]",
                    axes.join(", ")
                ));
            }
            if let Some(value) = array.iter().find(|&&value| name == "moving_variance" && value < 0.0) {
                return Err(format!("{name} ({stored_name:?}) contains {value}"));
            }
            Ok((name.to_owned(), array))
        });
        named.collect()
    }
}

fn listed(arrays: &[(String, Tensor<f32>)]) -> String {
    let names: Vec<_> = arrays.iter().map(|(name, array)| format!("{name:?} {:?}", array.shape())).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}
