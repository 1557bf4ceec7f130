use std::convert::Infallible;
use std::ops::Range;

use ndarray::ArrayD;
use nn_kernels::{Real, elementwise};

use super::chain::{self, ForwardPass, Layers};
use super::slices::Slicing;
use super::{Memory, Sequential};
use crate::context::Context;
use crate::error::{ConfigError, TrainError};
use crate::inspect;
use crate::layer::{Cache, Layer, Param, named_params};
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};
use crate::train::{Dataset, EVALUATION_BATCH};

/// A network that computes: layers with their parameters, in a chain, and a softmax at the end if it has one.
///
/// The softmax belongs to the network and not to the last layer: cross-entropy is differentiated through it
/// in one step, from the *logits* that the last layer gives. [`Network::forward`] and [`Network::backward`]
/// work on logits; [`Network::infer`] and [`Network::predict`] give probabilities.
#[derive(Debug)]
pub struct Network<R: Real> {
    name: String,
    layers: Vec<Box<dyn Layer<R>>>,
    softmax: bool,
    config: Option<Sequential>,
    slicing: Slicing,
    memory: Memory,
}

/// What a training step's pass forward leaves behind.
#[derive(Debug)]
pub(crate) struct SlicedPass<R: Real> {
    /// The last layer's output: logits if the network ends in a softmax.
    pub output: Tensor<R>,
    /// The caches of the layers in the front, slice by slice.
    front: Vec<Vec<Cache<R>>>,
    /// The caches of the other layers.
    rest: Vec<Cache<R>>,
}

impl<R: Real> Network<R> {
    /// A network of layers built elsewhere, your own included.
    ///
    /// # Panics
    /// If there are no layers, or a layer's input shape is not the output shape of the one before.
    pub fn from_layers(name: &str, layers: Vec<Box<dyn Layer<R>>>, softmax: bool) -> Self {
        assert!(!layers.is_empty(), "a network needs at least one layer");
        for pair in layers.windows(2) {
            let (a, b) = (pair[0].info(), pair[1].info());
            assert_eq!(a.output_shape, b.input_shape, "{} feeds {}", a.name, b.name);
        }
        Self::assemble(name.into(), layers, softmax, None, Memory::default())
    }

    pub(super) fn assemble(
        name: String,
        layers: Vec<Box<dyn Layer<R>>>,
        softmax: bool,
        config: Option<Sequential>,
        memory: Memory,
    ) -> Self {
        let slicing = Slicing::of(&layers);
        Self { name, layers, softmax, config, slicing, memory }
    }

    /// The network's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Box<dyn Layer<R>>] {
        &self.layers
    }

    pub(crate) fn layers_mut(&mut self) -> &mut [Box<dyn Layer<R>>] {
        &mut self.layers
    }

    /// Looks again at which layers may run on slices of a batch.
    pub(crate) fn slice_anew(&mut self) {
        self.slicing = Slicing::of(&self.layers);
    }

    /// Runs every layer that may be run on slices on slices of `samples`, until [`Network::slice_anew`].
    pub(crate) fn slice_by(&mut self, samples: usize) {
        self.slicing = Slicing::every(&self.layers, samples);
    }

    /// Whether the network ends in a softmax.
    pub fn has_softmax(&self) -> bool {
        self.softmax
    }

    /// The configuration from which the network was built.
    ///
    /// # Errors
    /// If it was put together from layers, which have none.
    pub fn config(&self) -> Result<&Sequential, ConfigError> {
        self.config.as_ref().ok_or_else(|| ConfigError::NoConfig(self.layers[0].info().name.clone()))
    }

    /// The most that the network may take, in training too.
    pub(crate) fn memory(&self) -> Memory {
        self.memory
    }

    /// Shape of one input sample.
    pub fn input_shape(&self) -> &Shape {
        &self.layers[0].info().input_shape
    }

    /// Shape of one output sample.
    pub fn output_shape(&self) -> &Shape {
        &self.layers[self.layers.len() - 1].info().output_shape
    }

    /// All parameters, each with its full name `layer/parameter`, in order; `layer` may be a part of a residual block.
    pub fn params(&self) -> impl Iterator<Item = (String, &Param<R>)> {
        self.layers.iter().flat_map(|layer| named_params(layer.as_ref()))
    }

    /// All parameters for writing, in the order of [`Network::params`].
    pub fn params_mut(&mut self) -> impl Iterator<Item = &mut Param<R>> {
        self.layers.iter_mut().flat_map(|layer| layer.params_mut())
    }

    /// Number of parameters.
    pub fn count_params(&self) -> usize {
        self.params().map(|(_, param)| param.value.len()).sum()
    }

    /// The values of all parameters. Costs nothing: the buffers are shared until training writes to them.
    pub fn weights(&self) -> Vec<Tensor<R>> {
        self.params().map(|(_, param)| param.value.clone()).collect()
    }

    /// Puts back values that [`Network::weights`] gave.
    ///
    /// # Panics
    /// If number or shapes differ.
    pub fn set_weights(&mut self, weights: &[Tensor<R>]) {
        let params: Vec<_> = self.params_mut().collect();
        assert_eq!(params.len(), weights.len(), "number of parameters");
        for (param, value) in params.into_iter().zip(weights) {
            assert_eq!(param.value.shape(), value.shape(), "shape of {}", param.name);
            param.value = value.clone();
        }
    }

    /// Zeroed gradients for all trained parameters, layer by layer.
    pub fn zero_gradients(&self) -> Vec<Vec<Option<ArrayD<R>>>> {
        let zeros = |param: &Param<R>| param.trainable.then(|| ArrayD::zeros(param.value.raw_dim()));
        self.layers.iter().map(|layer| layer.params().into_iter().map(zeros).collect()).collect()
    }

    /// Gradients of no parameter at all, for a pass that asks for the gradient of the input alone.
    pub(crate) fn no_gradients(&self) -> Vec<Vec<Option<ArrayD<R>>>> {
        self.layers.iter().map(|layer| vec![None; layer.params().len()]).collect()
    }

    /// The prediction for a batch: probabilities if the network ends in a softmax.
    pub fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let mut y = self.infer_logits(x, ctx);
        if self.softmax {
            let channels = self.channels();
            elementwise::softmax(y.elements_mut(), channels);
        }
        y
    }

    /// The last layer's output for a batch, as used for prediction but without the network's softmax.
    pub fn infer_logits(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        let (front, rest) = self.split(x);
        if front.is_empty() {
            return chain::infer(rest, x, ctx);
        }
        let between = self.slicing.infer(front, x, ctx);
        let y = chain::infer(rest, &between, ctx);
        ctx.recycle(between);
        y
    }

    /// The prediction for any number of samples, computed in batches; whatever comes out, also NaN.
    pub fn predict(&self, x: &Tensor<R>) -> Tensor<R> {
        let len = self.input_shape().elements();
        let x = x.as_standard_layout();
        let samples = x.as_slice().expect("standard layout is contiguous");
        let fill = |range: Range<usize>, batch: &mut [R]| {
            batch.copy_from_slice(&samples[range.start * len..range.end * len]);
        };
        let Ok(y) = self.predict_batches(x.shape()[0], fill, |_, _| Ok::<_, Infallible>(()));
        y
    }

    /// The prediction for every sample of a data set, computed in batches.
    ///
    /// # Errors
    /// If an output is NaN or infinite; the message names the first layer that gives such a value.
    pub fn predict_dataset(&self, data: &dyn Dataset<R>) -> Result<Tensor<R>, TrainError> {
        let fill = |range: Range<usize>, batch: &mut [R]| {
            data.batch(0, &range.collect::<Vec<_>>(), batch);
        };
        self.predict_batches(data.len(), fill, |x, y| self.check_outputs(x, y))
    }

    /// # Errors
    /// If an output is NaN or infinite. `y` is what the network gives for `x`, with its softmax or without.
    pub(crate) fn check_outputs(&self, x: &Tensor<R>, y: &Tensor<R>) -> Result<(), TrainError> {
        if y.elements().iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(TrainError::Outputs {
            network: self.name.clone(),
            place: inspect::first_non_finite(self, Some(x)),
        })
    }

    /// Predicts `samples` samples; `fill` writes those of a range, and `check` sees what went in and what came out.
    fn predict_batches<E>(
        &self,
        samples: usize,
        fill: impl Fn(Range<usize>, &mut [R]),
        check: impl Fn(&Tensor<R>, &Tensor<R>) -> Result<(), E>,
    ) -> Result<Tensor<R>, E> {
        let mut ctx = Context::new(0);
        let mut all = Vec::with_capacity(samples * self.output_shape().elements());
        for start in (0..samples).step_by(EVALUATION_BATCH) {
            let range = start..samples.min(start + EVALUATION_BATCH);
            let mut x = ctx.buffer(&self.input_shape().batch(range.len()));
            fill(range, x.elements_mut());
            let y = self.infer(&x, &mut ctx);
            check(&x, &y)?;
            all.extend_from_slice(y.elements());
            ctx.recycle(x);
            ctx.recycle(y);
        }
        Ok(crate::tensor(&self.output_shape().batch(samples), all))
    }

    /// A training pass forward, up to the logits.
    pub fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> ForwardPass<R> {
        chain::forward(&self.layers, x, 0, ctx)
    }

    /// A training pass backward from `dy`, the gradient of [`ForwardPass::output`]: adds to `gradients` (of
    /// the form of [`Network::zero_gradients`]) and returns the gradient of the input if `want_input`.
    ///
    /// `tap` sees the gradient of each layer's output, last layer first; where [`Network::forward`] left a
    /// layer's activation to the next one, the gradient before the activation.
    pub fn backward(
        &self,
        dy: Tensor<R>,
        caches: Vec<Cache<R>>,
        gradients: &mut [Vec<Option<ArrayD<R>>>],
        want_input: bool,
        ctx: &mut Context<R>,
        tap: impl FnMut(usize, &Tensor<R>),
    ) -> Option<Tensor<R>> {
        chain::backward(&self.layers, dy, caches, gradients, want_input, ctx, tap)
    }

    /// [`Network::forward`] with the front in slices; keeps what [`Network::backward_sliced`] needs.
    pub(crate) fn forward_sliced(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> SlicedPass<R> {
        let (front, rest) = self.split(x);
        let (of_front, of_rest) = (chain::first_trainable(front), chain::first_trainable(rest));
        if front.is_empty() {
            let ForwardPass { output, caches } = chain::forward(rest, x, of_rest, ctx);
            return SlicedPass { output, front: Vec::new(), rest: caches };
        }
        let front_learns = of_front < front.len();
        let (between, front) = self.slicing.forward(front, x, of_front, ctx);
        let of_rest = if front_learns { 0 } else { of_rest };
        let ForwardPass { output, caches } = chain::forward(rest, &between, of_rest, ctx);
        ctx.recycle(between);
        SlicedPass { output, front, rest: caches }
    }

    /// [`Network::backward`] after [`Network::forward_sliced`]: adds to `gradients`.
    pub(crate) fn backward_sliced(
        &self,
        dy: Tensor<R>,
        pass: SlicedPass<R>,
        gradients: &mut [Vec<Option<ArrayD<R>>>],
        ctx: &mut Context<R>,
    ) {
        ctx.recycle(pass.output);
        let (front, rest) = self.layers.split_at(self.layers.len() - pass.rest.len());
        let (of_front, of_rest) = gradients.split_at_mut(front.len());
        let front_learns = chain::first_trained(of_front) < front.len();
        let dy = chain::backward(rest, dy, pass.rest, of_rest, front_learns, ctx, |_, _| ());
        if let Some(dy) = dy.filter(|_| front_learns) {
            self.slicing.backward(front, &dy, pass.front, of_front, ctx);
            ctx.recycle(dy);
        }
    }

    /// The layers that a batch goes through in slices, and the others.
    fn split(&self, x: &Tensor<R>) -> (&Layers<R>, &Layers<R>) {
        self.layers.split_at(self.slicing.front(x.shape()[0]))
    }

    /// Hands each layer its cache so that it may update running statistics; once per training step. Layers in
    /// the front have none.
    pub(crate) fn absorb(&mut self, pass: &SlicedPass<R>) {
        let front = self.layers.len() - pass.rest.len();
        for (layer, cache) in self.layers[front..].iter_mut().zip(&pass.rest) {
            layer.absorb(cache);
        }
    }

    /// Penalties of all regularised parameters that are trained.
    pub fn penalty(&self) -> f64 {
        self.params()
            .filter(|(_, param)| param.trainable)
            .filter_map(|(_, param)| Some(param.regularizer?.penalty(param.value.elements())))
            .sum()
    }

    /// Adds the penalties' gradients to `gradients`.
    pub fn add_penalty_gradients(&self, gradients: &mut [Vec<Option<ArrayD<R>>>]) {
        for (layer, gradients) in self.layers.iter().zip(gradients) {
            for (param, grad) in layer.params().into_iter().zip(gradients) {
                if let (Some(regularizer), Some(grad)) = (param.regularizer, grad) {
                    let grad = grad.as_slice_mut().expect("gradients are contiguous");
                    regularizer.add_gradient(param.value.elements(), grad);
                }
            }
        }
    }

    /// Size of the last axis of the output, which softmax runs over.
    pub(crate) fn channels(&self) -> usize {
        self.output_shape().last().copied().unwrap_or(1)
    }
}
