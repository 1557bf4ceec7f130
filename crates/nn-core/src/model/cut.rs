//! Parts of networks as networks of their own, with the same weights.

use std::collections::{HashMap, HashSet};

use nn_kernels::Real;

use super::{Network, Sequential};
use crate::error::{CutError, UnknownLayer};
use crate::layers::LayerConfig;
use crate::tensor::Tensor;

impl Sequential {
    /// The network that ends with the named layer, which may be inside a branch of a residual block: the layers that its
    /// output depends on.
    ///
    /// # Errors
    /// If there is no layer of that name.
    pub fn until(&self, layer: &str) -> Result<Self, UnknownLayer> {
        let layers = until(&self.layers, layer).ok_or_else(|| {
            let names: Vec<String> = self.layers.iter().flat_map(LayerConfig::names).collect();
            UnknownLayer::new(layer, self.name(), &names)
        })?;
        Ok(Self { layers, ..self.clone() })
    }
}

fn until(layers: &[LayerConfig], name: &str) -> Option<Vec<LayerConfig>> {
    layers.iter().enumerate().find_map(|(i, layer)| {
        if layer.name() == Some(name) {
            return Some(layers[..=i].to_vec());
        }
        let inside = layer.branches().into_iter().find_map(|branch| until(branch, name))?;
        Some([&layers[..i], &inside].concat())
    })
}

impl<R: Real> Network<R> {
    /// The network that ends with the named layer, with the same weights; see [`Sequential::until`]. All its layers train.
    ///
    /// # Errors
    /// If there is no layer of that name, or this network was put together from layers.
    pub fn until(&self, layer: &str) -> Result<Self, CutError> {
        let mut cut = self.config()?.until(layer)?.build(0)?;
        cut.copy_weights(self);
        Ok(cut)
    }

    /// The first `at` layers and the others as two networks with the same weights; what is frozen here is frozen there.
    ///
    /// One after the other they compute what this network computes, bit for bit.
    ///
    /// # Errors
    /// If one of the two has no layers, or this network was put together from layers.
    pub fn split_at(&self, at: usize) -> Result<(Self, Self), CutError> {
        let config = self.config()?;
        let layers = config.layers();
        let at = at.min(layers.len());
        let frozen: HashSet<&str> = self
            .layers_and_parts()
            .into_iter()
            .filter(|layer| layer.params().iter().all(|param| !param.trainable))
            .map(|layer| layer.info().name.as_str())
            .collect();
        let between = self.layers().get(at).map_or(self.output_shape(), |layer| &layer.info().input_shape);
        let input_shapes = [self.input_shape(), between];
        let parts = [&layers[..at], &layers[at..]];
        let mut built = Vec::with_capacity(2);
        for (layers, input_shape) in parts.into_iter().zip(input_shapes) {
            let empty = Sequential::new(self.name(), input_shape);
            let mut part = Sequential { layers: layers.to_vec(), ..empty }.build(0)?;
            part.copy_weights(self);
            part.set_trainable_where(|_, name| !frozen.contains(name));
            built.push(part);
        }
        let (second, first) = (built.pop(), built.pop());
        Ok((first.expect("two parts"), second.expect("two parts")))
    }

    /// Takes over the values of all parameters that `other` has under the same names and in the same shapes.
    pub fn copy_weights(&mut self, other: &Self) {
        let values: HashMap<String, &Tensor<R>> =
            other.params().map(|(name, param)| (name, &param.value)).collect();
        let own: Vec<String> = self.params().map(|(name, _)| name).collect();
        for (name, param) in own.into_iter().zip(self.params_mut()) {
            if let Some(value) = values.get(&name).filter(|value| value.shape() == param.value.shape()) {
                param.value = (*value).clone();
            }
        }
    }
}
