//! Parts of networks as networks of their own, with the same weights.

use std::collections::{HashMap, HashSet};
use std::fmt;

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
        let layers = until(self.layers(), layer).ok_or_else(|| {
            let names: Vec<String> = self.layers().iter().flat_map(LayerConfig::names).collect();
            UnknownLayer::new(layer, self.name(), &names)
        })?;
        Ok(self.clone().with_layers(layers))
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
        let mut cut = self.config()?.until(layer)?.build_within(0, self.memory())?;
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
            let config = Sequential::new(self.name(), input_shape).with_layers(layers.to_vec());
            let mut part = config.build_within(0, self.memory())?;
            part.copy_weights(self);
            part.set_trainable_where(|_, name| !frozen.contains(name));
            built.push(part);
        }
        let (second, first) = (built.pop(), built.pop());
        Ok((first.expect("two parts"), second.expect("two parts")))
    }

    /// Takes over the values of all parameters that `other` has under the same names and in the same shapes; says which
    /// these are, and what was left as it was.
    pub fn copy_weights(&mut self, other: &Self) -> CopiedWeights {
        let mut values: HashMap<String, &Tensor<R>> =
            other.params().map(|(name, param)| (name, &param.value)).collect();
        let own: Vec<String> = self.params().map(|(name, _)| name).collect();
        let mut done = CopiedWeights::default();
        for (name, param) in own.into_iter().zip(self.params_mut()) {
            match values.remove(&name) {
                Some(value) if value.shape() == param.value.shape() => {
                    param.value = value.clone();
                    done.copied.push(name);
                }
                Some(value) => {
                    let [own, theirs] = [&param.value, value].map(|value| value.shape().to_vec());
                    done.other_shapes.push((name, own, theirs));
                }
                None => done.missing.push(name),
            }
        }
        let left = other.params().map(|(name, _)| name).filter(|name| values.contains_key(name));
        done.unused = left.collect();
        done
    }
}

/// What [`Network::copy_weights`] copied, and what it left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopiedWeights {
    /// The parameters that have the other network's values now.
    pub copied: Vec<String>,
    /// The parameters that the other network does not have; they are what they were.
    pub missing: Vec<String>,
    /// The parameters that have another shape there, with the own shape and the other one; they are what they were.
    pub other_shapes: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// The other network's parameters that this one does not have.
    pub unused: Vec<String>,
}

impl CopiedWeights {
    /// Whether every parameter was copied, and every one of the other network used.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.other_shapes.is_empty() && self.unused.is_empty()
    }
}

impl fmt::Display for CopiedWeights {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        /// How many names are told of each kind.
        const TOLD: usize = 3;
        write!(f, "{} parameters copied", self.copied.len())?;
        let shapes = self.other_shapes.iter();
        let shapes = shapes.map(|(name, own, theirs)| format!("{name} {own:?} (there {theirs:?})")).collect();
        for (what, names) in
            [("missing there", &self.missing), ("of another shape", &shapes), ("not used", &self.unused)]
        {
            if !names.is_empty() {
                let more = if names.len() > TOLD { ", .." } else { "" };
                write!(f, "; {} {what}: {}{more}", names.len(), names[..names.len().min(TOLD)].join(", "))?;
            }
        }
        Ok(())
    }
}
