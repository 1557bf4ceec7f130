//! Which layers of a network training changes, for transfer learning.
//!
//! A frozen parameter has no gradient and no update, the backward pass ends at the first layer that is not frozen, and
//! a frozen batch normalisation uses its running statistics. Layers are counted as in the summary: the parts of a
//! residual block one by one, and then the block itself.

use nn_kernels::Real;

use super::Network;
use crate::error::UnknownLayer;
use crate::layer::{Layer, with_parts};

impl<R: Real> Network<R> {
    /// Every layer, the parts of residual blocks included, in the order of the summary.
    pub fn layers_and_parts(&self) -> Vec<&dyn Layer<R>> {
        self.layers().iter().flat_map(|layer| with_parts(layer.as_ref())).collect()
    }

    /// Freezes all layers (`false`), or lets training change all of them.
    pub fn set_trainable(&mut self, trainable: bool) {
        self.set_trainable_where(|_, _| trainable);
    }

    /// Freezes the layers in front of the named one; that one and those behind it train.
    ///
    /// # Errors
    /// If there is no layer of that name; nothing is changed then.
    pub fn freeze_until(&mut self, layer: &str) -> Result<(), UnknownLayer> {
        let names: Vec<String> =
            self.layers_and_parts().iter().map(|each| each.info().name.clone()).collect();
        let Some(first) = names.iter().position(|name| name == layer) else {
            return Err(UnknownLayer::new(layer, self.name(), &names));
        };
        self.set_trainable_where(|place, _| place >= first);
        Ok(())
    }

    /// Lets the last `layers` layers train and freezes those in front of them.
    pub fn unfreeze_last(&mut self, layers: usize) {
        let count = self.layers_and_parts().len();
        self.set_trainable_where(|place, _| place + layers >= count);
    }

    /// Sets for each layer, given its place and its name, whether it trains.
    pub fn set_trainable_where(&mut self, trainable: impl Fn(usize, &str) -> bool) {
        let mut place = 0;
        for layer in self.layers_mut() {
            set(layer.as_mut(), &mut place, &trainable);
        }
        self.slice_anew();
    }
}

/// Asks for the parts of a layer first. What it answers for a layer with parts has no effect: they have been asked for.
fn set<R: Real>(layer: &mut dyn Layer<R>, place: &mut usize, trainable: &impl Fn(usize, &str) -> bool) {
    let mut parts = layer.parts_mut();
    let has_parts = !parts.is_empty();
    for part in &mut parts {
        set(*part, place, trainable);
    }
    if !has_parts {
        let answer = trainable(*place, &layer.info().name);
        layer.set_trainable(answer);
    }
    *place += 1;
}
