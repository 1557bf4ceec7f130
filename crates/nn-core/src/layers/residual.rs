use ndarray::ArrayD;
use nn_kernels::Real;
use nn_kernels::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use serde::{Deserialize, Serialize};

use super::LayerConfig;
use crate::context::Context;
use crate::error::LayerError;
use crate::layer::{Cache, Gradients, Layer, LayerInfo};
use crate::model::LayerOutline;
use crate::model::chain::{self, ForwardPass, Layers};
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// Configuration of a residual block (He et al., 2016): `y = main(x) + shortcut(x)`, where each branch is a chain of
/// layers and a shortcut without layers is `x` itself.
///
/// The block is Keras's `Add` together with the branches that it adds. In summaries and weight files the layers of the
/// branches appear under their own names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    #[serde(default)]
    pub(super) name: Option<String>,
    pub(super) main: Vec<LayerConfig>,
    #[serde(default)]
    pub(super) shortcut: Vec<LayerConfig>,
}

impl Residual {
    /// A block whose shortcut is its input.
    pub fn new(main: impl IntoIterator<Item = LayerConfig>) -> Self {
        Self { name: None, main: main.into_iter().collect(), shortcut: Vec::new() }
    }

    /// The layers of the shortcut, where the main branch changes the shape.
    pub fn shortcut(mut self, shortcut: impl IntoIterator<Item = LayerConfig>) -> Self {
        self.shortcut = shortcut.into_iter().collect();
        self
    }

    pub(super) fn outline(&self, mut info: LayerInfo) -> Result<LayerOutline, LayerError> {
        if self.main.is_empty() {
            return Err(LayerError::argument("main", "[]", "at least one layer"));
        }
        let of_branch = |branch| {
            in_chain(branch, &info.input_shape, |layer, input| layer.outline(input), |layer| &layer.info)
        };
        let (main, shortcut) = (of_branch(&self.main)?, of_branch(&self.shortcut)?);
        let end = |branch: &[LayerOutline]| match branch.last() {
            Some(layer) => layer.info.output_shape.clone(),
            None => info.input_shape.clone(),
        };
        if end(&main) != end(&shortcut) {
            return Err(LayerError::Branches { main: end(&main), shortcut: end(&shortcut) });
        }
        info.output_shape = end(&main);
        let parts: Vec<_> = main.into_iter().chain(shortcut).collect();
        info.macs = parts.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.info.macs));
        Ok(LayerOutline { info, params: Vec::new(), parts })
    }

    pub(super) fn build<R: Real>(&self, info: LayerInfo, seed: u64) -> Result<Box<dyn Layer<R>>, LayerError> {
        let LayerOutline { info, .. } = self.outline(info)?;
        let of_branch = |branch| {
            let build = |layer: &LayerConfig, input: &Shape| layer.build::<R>(input, seed);
            in_chain(branch, &info.input_shape, build, |layer| layer.info())
        };
        let (main, shortcut) = (of_branch(&self.main)?, of_branch(&self.shortcut)?);
        Ok(Box::new(ResidualLayer { info, main, shortcut }))
    }
}

/// What `make` makes of the layers of a branch on an input of shape `input`.
fn in_chain<T>(
    branch: &[LayerConfig],
    input: &Shape,
    make: impl Fn(&LayerConfig, &Shape) -> Result<T, LayerError>,
    info: impl Fn(&T) -> &LayerInfo,
) -> Result<Vec<T>, LayerError> {
    let mut layers: Vec<T> = Vec::with_capacity(branch.len());
    for config in branch {
        let input = layers.last().map_or(input, |layer| &info(layer).output_shape);
        let layer = make(config, input).map_err(|source| LayerError::Part {
            name: config.name().unwrap_or_default().into(),
            class_name: config.class_name(),
            input: input.clone(),
            source: Box::new(source),
        })?;
        layers.push(layer);
    }
    Ok(layers)
}

#[derive(Debug)]
struct ResidualLayer<R: Real> {
    info: LayerInfo,
    main: Vec<Box<dyn Layer<R>>>,
    shortcut: Vec<Box<dyn Layer<R>>>,
}

/// `y = a + b`
fn sum<R: Real>(a: &Tensor<R>, b: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
    let mut y = ctx.buffer(a.shape());
    let (a, b) = (a.elements(), b.elements());
    for_each_chunk(y.elements_mut(), ELEMENTS_PER_CHUNK, |i, y| {
        let start = i * ELEMENTS_PER_CHUNK;
        for ((y, &a), &b) in y.iter_mut().zip(&a[start..]).zip(&b[start..]) {
            *y = a + b;
        }
    });
    y
}

/// A tensor with the same elements and a buffer of its own.
fn copy<R: Real>(from: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
    let mut to = ctx.buffer(from.shape());
    let from = from.elements();
    for_each_chunk(to.elements_mut(), ELEMENTS_PER_CHUNK, |i, to| {
        to.copy_from_slice(&from[i * ELEMENTS_PER_CHUNK..][..to.len()]);
    });
    to
}

/// Backward through a branch: the gradient of its input, if that is wanted. `params` are the gradients of all its
/// parameters.
fn backward<R: Real>(
    branch: &Layers<R>,
    dy: Tensor<R>,
    caches: &[Cache<R>],
    params: &mut [Option<ArrayD<R>>],
    want_input: bool,
    ctx: &mut Context<R>,
) -> Option<Tensor<R>> {
    let first_trained = params.iter().position(Option::is_some).unwrap_or(params.len());
    let (mut dy, mut rest) = (Some(dy), params);
    for (layer, cache) in branch.iter().zip(caches).rev() {
        let (before, own) = rest.split_at_mut(rest.len() - layer.params().len());
        // A gradient is wanted by the block's input and by every parameter in front of this layer.
        let input = want_input || first_trained < before.len();
        if !input && own.iter().all(Option::is_none) {
            break;
        }
        let grad = dy.take()?;
        dy = chain::through(layer.as_ref(), grad, cache, &mut Gradients { input, params: own }, ctx);
        rest = before;
    }
    match dy {
        Some(dy) if !want_input => {
            ctx.recycle(dy);
            None
        }
        dy => dy,
    }
}

impl<R: Real> Layer<R> for ResidualLayer<R> {
    fn info(&self) -> &LayerInfo {
        &self.info
    }

    fn parts(&self) -> Vec<&dyn Layer<R>> {
        self.main.iter().chain(&self.shortcut).map(|layer| layer.as_ref() as &dyn Layer<R>).collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut dyn Layer<R>> {
        self.main
            .iter_mut()
            .chain(&mut self.shortcut)
            .map(|layer| layer.as_mut() as &mut dyn Layer<R>)
            .collect()
    }

    fn set_trainable(&mut self, trainable: bool) {
        self.parts_mut().into_iter().for_each(|part| part.set_trainable(trainable));
    }

    fn sliceable(&self) -> bool {
        self.parts().iter().all(|part| part.sliceable())
    }

    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let [main, shortcut] = [&self.main, &self.shortcut].map(|branch| chain::infer(branch, x, ctx));
        let y = sum(&main, &shortcut, ctx);
        ctx.recycle(main);
        ctx.recycle(shortcut);
        y
    }

    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>) {
        let [main, shortcut] = [&self.main, &self.shortcut].map(|branch| chain::forward(branch, x, 0, ctx));
        let y = sum(&main.output, &shortcut.output, ctx);
        let mut cache = Cache::new();
        for ForwardPass { output, caches } in [main, shortcut] {
            ctx.recycle(output);
            cache = cache.with_parts(caches);
        }
        (y, cache)
    }

    fn backward(
        &self,
        dy: Tensor<R>,
        cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>> {
        // dx = main'(dy) + shortcut'(dy): both branches get the whole dy, each a copy that it may overwrite
        let of_main = self.main.iter().map(|layer| layer.params().len()).sum();
        let (of_main, of_shortcut) = gradients.params.split_at_mut(of_main);
        let (main, shortcut) = cache.parts().split_at(self.main.len());
        let (input, copied) = (gradients.input, copy(&dy, ctx));
        let through_main = backward(&self.main, copied, main, of_main, input, ctx);
        let through_shortcut = backward(&self.shortcut, dy, shortcut, of_shortcut, input, ctx);
        let dx = sum(through_main.as_ref()?, through_shortcut.as_ref()?, ctx);
        through_main.into_iter().chain(through_shortcut).for_each(|part| ctx.recycle(part));
        Some(dx)
    }

    fn absorb(&mut self, cache: &Cache<R>) {
        for (part, cache) in self.parts_mut().into_iter().zip(cache.parts()) {
            part.absorb(cache);
        }
    }
}
