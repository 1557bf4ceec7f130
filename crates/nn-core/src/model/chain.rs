//! Passes through consecutive layers, on a whole batch or on a slice of one.

use ndarray::ArrayD;
use nn_kernels::Real;

use crate::context::Context;
use crate::layer::{Cache, Gradients, Layer};
use crate::tensor::{Elements, Tensor};

/// What a training pass forward leaves behind.
#[derive(Debug)]
pub struct ForwardPass<R: Real> {
    /// The last layer's output: logits if the network ends in a softmax.
    pub output: Tensor<R>,
    /// Each layer's cache.
    pub caches: Vec<Cache<R>>,
}

/// Consecutive layers.
pub(crate) type Layers<R> = [Box<dyn Layer<R>>];

/// The gradients of their parameters, layer by layer; `None` for a parameter that is not trained.
pub(super) type LayerGradients<R> = [Vec<Option<ArrayD<R>>>];

/// The first layer that gets a gradient; the number of layers if none does.
pub(super) fn first_trained<R>(gradients: &LayerGradients<R>) -> usize {
    gradients.iter().position(|layer| layer.iter().any(Option::is_some)).unwrap_or(gradients.len())
}

/// The first layer with a parameter that is not frozen; the number of layers if there is none.
pub(super) fn first_trainable<R: Real>(layers: &Layers<R>) -> usize {
    let mut learns = layers.iter().map(|layer| layer.params().iter().any(|param| param.trainable));
    learns.position(|learns| learns).unwrap_or(layers.len())
}

pub(crate) fn infer<R: Real>(layers: &Layers<R>, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
    let mut y = x.clone();
    for layer in layers {
        let next = layer.infer(&y, ctx);
        ctx.recycle(std::mem::replace(&mut y, next));
    }
    y
}

/// In front of a layer that selects, the activation is left to that layer: see [`Layer::defer_activation`].
///
/// Below the layer `lowest` there is no backward pass: of these layers only the caches are kept that may be
/// [absorbed](Layer::absorb), and the others are empty.
pub(crate) fn forward<R: Real>(
    layers: &Layers<R>,
    x: &Tensor<R>,
    lowest: usize,
    ctx: &mut Context<R>,
) -> ForwardPass<R> {
    let mut output = x.clone();
    let mut caches: Vec<Cache<R>> = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let (next, mut cache) = layer.forward(&output, ctx);
        if layer.selects()
            && let Some(before) = caches.last_mut()
            && let Some(activation) = layers[i - 1].defer_activation(before)
        {
            cache.inherit_activation(activation, next.clone());
        }
        ctx.recycle(std::mem::replace(&mut output, next));
        if i < lowest && layer.sliceable() {
            ctx.recycle_cache(std::mem::take(&mut cache));
        }
        caches.push(cache);
    }
    ForwardPass { output, caches }
}

/// Backward from `dy`, the gradient of the last layer's output: adds to `gradients` and returns the gradient
/// of the input if `want_input`. `tap` sees the gradient of each layer's output, last layer first; of a layer
/// whose activation was left to the next one, that of `z` instead.
pub(super) fn backward<R: Real>(
    layers: &Layers<R>,
    dy: Tensor<R>,
    caches: Vec<Cache<R>>,
    gradients: &mut LayerGradients<R>,
    want_input: bool,
    ctx: &mut Context<R>,
    mut tap: impl FnMut(usize, &Tensor<R>),
) -> Option<Tensor<R>> {
    // Below the first layer with something to train nobody needs a gradient, unless the input's is wanted.
    let lowest = if want_input { 0 } else { first_trained(gradients) };
    let mut dy = Some(dy);
    for (i, cache) in caches.into_iter().enumerate().rev() {
        if i >= lowest
            && let Some(grad) = dy.take()
        {
            tap(i, &grad);
            let mut wanted = Gradients { input: want_input || i > lowest, params: &mut gradients[i] };
            dy = through(layers[i].as_ref(), grad, &cache, &mut wanted, ctx);
        }
        ctx.recycle_cache(cache);
    }
    dy
}

/// Backward through one layer, and through the activation that was left to it.
pub(crate) fn through<R: Real>(
    layer: &dyn Layer<R>,
    mut dy: Tensor<R>,
    cache: &Cache<R>,
    gradients: &mut Gradients<R>,
    ctx: &mut Context<R>,
) -> Option<Tensor<R>> {
    if let Some((activation, y)) = cache.inherited_activation() {
        activation.backward(y.elements(), dy.elements_mut());
    }
    layer.backward(dy, cache, gradients, ctx).filter(|_| gradients.input)
}
