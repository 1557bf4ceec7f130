//! The contract that every layer fulfils.
//!
//! ```text
//! infer   (&self, x)            -> y             evaluation
//! forward (&self, x)            -> (y, Cache)    training: y, and what backward will need
//! backward(&self, dy, Cache)    -> dx            adds to the gradient of each parameter
//! absorb  (&mut self, Cache)                     once per step: the only change of state
//! ```
//!
//! The form of the contract, and why:
//!
//! * **`forward` and `backward` take `&self`.** Nothing can change between them behind the caller's back, the
//!   same layer may work on several slices of a batch on several threads, and a gradient checker can call
//!   them as often as it likes. The one thing that training changes in a layer besides its parameters,
//!   running statistics, has a method of its own: [`Layer::absorb`].
//! * **The cache is a value.** What a backward pass needs is named, shaped and visible ([`Cache`]), so it can
//!   be shown to people, measured, and handed back for reuse; a backward pass without its forward pass, or a
//!   second one on the same cache by accident, is not expressible or harmless.
//! * **Gradients accumulate** (`+=`) into arrays that the caller owns ([`Gradients`]). Contributions of
//!   several slices, penalties and shared uses simply add up; a parameter that is not trained has no array,
//!   and the layer skips the work.
//! * **`backward` is required.** A layer that cannot be differentiated in some configuration must be refused
//!   when it is built.
//! * **Everything that varies is in the [`Context`]**: random numbers, keyed by step and layer, and recycled
//!   buffers.
//! * **A layer may be made of layers** ([`Layer::parts`]): a residual block is one layer of a chain, and its parts
//!   keep their names in summaries and weight files.
//! * **What a layer allows, it says.** Two methods let a network save memory traffic, both with a default
//!   that is right for every layer: [`Layer::sliceable`] and [`Layer::defer_activation`].

use std::fmt::Debug;

use ndarray::ArrayD;
use nn_kernels::{Pointwise, Real};

use crate::context::Context;
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// One building block of a network: a differentiable function of its input and its parameters.
///
/// In all methods the first axis of a tensor is the batch, and tensors are contiguous. The shapes of one
/// sample are in [`Layer::info`].
pub trait Layer<R: Real>: Debug + Send + Sync {
    /// Name, class, shapes and cost.
    fn info(&self) -> &LayerInfo;

    /// The layers that this one is made of, such as those of the branches of a residual block; none by default.
    fn parts(&self) -> Vec<&dyn Layer<R>> {
        Vec::new()
    }

    /// The layers that this one is made of, for writing; the same order.
    fn parts_mut(&mut self) -> Vec<&mut dyn Layer<R>> {
        Vec::new()
    }

    /// The parameters, in the order in which [`Gradients`] holds their gradients; by default those of the parts.
    fn params(&self) -> Vec<&Param<R>> {
        self.parts().into_iter().flat_map(|part| part.params()).collect()
    }

    /// The parameters, for writing; the same order.
    fn params_mut(&mut self) -> Vec<&mut Param<R>> {
        self.parts_mut().into_iter().flat_map(|part| part.params_mut()).collect()
    }

    /// Freezes the layer's parameters, or lets training change them again.
    ///
    /// A layer whose computation depends on it has a version of its own; one with parts hands it on to them.
    fn set_trainable(&mut self, trainable: bool) {
        for param in self.params_mut() {
            param.trainable = trainable && !param.statistic;
        }
    }

    /// Whether a pass may give this layer the batch slice by slice, several slices at the same time on
    /// several threads; false by default.
    ///
    /// The first layers of a network that say yes are run on slices small enough for a core's cache. A layer
    /// may say yes if each sample of `y` and `dx` depends on the same sample of the inputs alone, its random
    /// numbers included (see [`Context::first_sample`]), and it has nothing to [absorb](Layer::absorb). It
    /// should say yes if its parameters are few beside its activations: they are read once for each slice.
    fn sliceable(&self) -> bool {
        false
    }

    /// Whether each element of the output is one of the elements of the input, as in max pooling; false by
    /// default.
    fn selects(&self) -> bool {
        false
    }

    /// Leaves the derivative of this layer's activation `f` to the layer behind it, which
    /// [selects](Layer::selects): removes the output `y = f(z)` from `cache` and returns `f`.
    /// [`Layer::backward`] on this cache is then given the gradient of `z`.
    ///
    /// What is selected has the same `f'(z)` on either side of the selection, and what is not gets no
    /// gradient. So `y` need not be kept where it is large, only where it was selected from.
    ///
    /// `None` (the default) if there is nothing to leave.
    fn defer_activation(&self, _cache: &mut Cache<R>) -> Option<Pointwise> {
        None
    }

    /// Parameters in the form in which a pass reads them, if that is another than the form they have. `None` by
    /// default.
    ///
    /// A pass in slices asks for it once and shows it to the layer in every slice, as [`Context::prepared`].
    fn prepare(&self, _pass: Pass, _ctx: &mut Context<R>) -> Option<Tensor<R>> {
        None
    }

    /// The output as used for prediction.
    fn infer(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R>;

    /// The output as used in training, and what [`Layer::backward`] needs; with [`Mode::Inference`](crate::Mode) in `ctx` that of
    /// [`Layer::infer`].
    ///
    /// Must give the same result for the same input, parameters and position of `ctx`.
    fn forward(&self, x: &Tensor<R>, ctx: &mut Context<R>) -> (Tensor<R>, Cache<R>);

    /// The gradient with respect to the input, `dx`, from that of the output, `dy`. Adds the gradient with
    /// respect to each trained parameter to `gradients`.
    ///
    /// `dy` is the layer's own: it may be overwritten, and may be handed back to `ctx` when done. If
    /// `gradients.input` is false the caller has no use for `dx`, and the layer may return `None`.
    fn backward(
        &self,
        dy: Tensor<R>,
        cache: &Cache<R>,
        gradients: &mut Gradients<R>,
        ctx: &mut Context<R>,
    ) -> Option<Tensor<R>>;

    /// Takes running statistics from a training pass. Called once per step, for the whole batch.
    fn absorb(&mut self, _cache: &Cache<R>) {}
}

/// The two halves of a training step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// From the input to the output.
    Forward,
    /// From the gradient of the output to that of the input.
    Backward,
}

/// What is known of a layer once it is built.
#[derive(Debug, Clone)]
pub struct LayerInfo {
    /// The layer's name, unique in its network.
    pub name: String,
    /// The layer's class in Keras's words, such as `Conv2D`.
    pub class_name: &'static str,
    /// Shape of one input sample.
    pub input_shape: Shape,
    /// Shape of one output sample.
    pub output_shape: Shape,
    /// Multiply-adds of one forward pass over one sample; products with padding count.
    pub macs: u64,
}

/// A parameter of a layer.
#[derive(Debug, Clone)]
pub struct Param<R: Real> {
    /// Its name in the layer, such as `kernel`.
    pub name: &'static str,
    /// Its value.
    pub value: Tensor<R>,
    /// Whether training changes it by its gradient.
    pub trainable: bool,
    /// Whether the layer itself keeps it up to date, as a running mean: it has no gradient and is never trained.
    pub statistic: bool,
    /// The penalty on it, if any.
    pub regularizer: Option<Regularizer>,
}

impl<R: Real> Param<R> {
    /// A parameter that is trained, without a penalty.
    pub fn new(name: &'static str, value: Tensor<R>) -> Self {
        Self { name, value, trainable: true, statistic: false, regularizer: None }
    }

    /// A value that the layer itself keeps up to date, such as a running mean.
    pub fn statistic(name: &'static str, value: Tensor<R>) -> Self {
        Self { trainable: false, statistic: true, ..Self::new(name, value) }
    }
}

/// A layer behind all of its parts, and theirs: the order of a summary.
pub fn with_parts<R: Real>(layer: &dyn Layer<R>) -> Vec<&dyn Layer<R>> {
    layer.parts().into_iter().flat_map(with_parts).chain([layer]).collect()
}

/// The parameters of a layer, each with its full name `layer/parameter`, where `layer` is the part that has it.
pub fn named_params<R: Real>(layer: &dyn Layer<R>) -> Vec<(String, &Param<R>)> {
    let leaves = with_parts(layer).into_iter().filter(|layer| layer.parts().is_empty());
    let named = leaves.flat_map(|leaf| {
        let name = &leaf.info().name;
        leaf.params().into_iter().map(move |param| (format!("{name}/{}", param.name), param))
    });
    named.collect()
}

/// Where a backward pass puts its results.
#[derive(Debug)]
pub struct Gradients<'a, R: Real> {
    /// Whether the caller wants the gradient of the input.
    pub input: bool,
    /// For each of [`Layer::params`] the array to add its gradient to; `None` if it is not trained.
    pub params: &'a mut [Option<ArrayD<R>>],
}

impl<R: Real> Gradients<'_, R> {
    /// The flat gradient of the `index`-th parameter, to be added to; `None` if it is not trained.
    pub fn param(&mut self, index: usize) -> Option<&mut [R]> {
        self.params[index].as_mut().map(|grad| grad.as_slice_mut().expect("gradients are contiguous"))
    }
}

/// What a forward pass keeps for its backward pass: named tensors, named arrays of indices, and the caches of the
/// layer's parts.
#[derive(Debug, Clone, Default)]
pub struct Cache<R: Real> {
    tensors: Vec<(&'static str, Tensor<R>)>,
    indices: Vec<(&'static str, ArrayD<u16>)>,
    parts: Vec<Cache<R>>,
    /// The activation of the layer before, and where it is to be differentiated: this layer's output.
    deferred: Option<(Pointwise, Tensor<R>)>,
}

impl<R: Real> Cache<R> {
    /// An empty cache.
    pub fn new() -> Self {
        Self { tensors: Vec::new(), indices: Vec::new(), parts: Vec::new(), deferred: None }
    }

    /// Adds a tensor. A clone of an input or output costs nothing, see [`Tensor`].
    pub fn with(mut self, name: &'static str, tensor: Tensor<R>) -> Self {
        self.tensors.push((name, tensor));
        self
    }

    /// Adds an array of indices.
    pub fn with_indices(mut self, name: &'static str, indices: ArrayD<u16>) -> Self {
        self.indices.push((name, indices));
        self
    }

    /// Adds the caches of the layer's [parts](Layer::parts), in their order.
    pub fn with_parts(mut self, caches: impl IntoIterator<Item = Cache<R>>) -> Self {
        self.parts.extend(caches);
        self
    }

    /// The tensor of that name.
    ///
    /// # Panics
    /// If the cache comes from another layer.
    #[track_caller]
    pub fn tensor(&self, name: &str) -> &Tensor<R> {
        find(&self.tensors, name)
    }

    /// Removes the tensor of that name, if it is there.
    pub fn take(&mut self, name: &str) -> Option<Tensor<R>> {
        let place = self.tensors.iter().position(|(entry, _)| *entry == name)?;
        Some(self.tensors.remove(place).1)
    }

    /// Whether there is a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.iter().any(|(entry, _)| *entry == name)
    }

    /// The indices of that name.
    ///
    /// # Panics
    /// If the cache comes from another layer.
    #[track_caller]
    pub fn indices(&self, name: &str) -> &ArrayD<u16> {
        find(&self.indices, name)
    }

    /// The caches of the layer's parts.
    pub fn parts(&self) -> &[Cache<R>] {
        &self.parts
    }

    /// All tensors with their names.
    pub fn tensors(&self) -> &[(&'static str, Tensor<R>)] {
        &self.tensors
    }

    /// Takes over the activation of the layer before, see [`Layer::defer_activation`]; `y` is this layer's
    /// output.
    pub(crate) fn inherit_activation(&mut self, activation: Pointwise, y: Tensor<R>) {
        self.deferred = Some((activation, y));
    }

    /// The activation of the layer before that was taken over, and this layer's output.
    pub(crate) fn inherited_activation(&self) -> Option<(Pointwise, &Tensor<R>)> {
        self.deferred.as_ref().map(|(activation, y)| (*activation, y))
    }

    /// Hands every tensor to `tensor` and every array of indices to `indices`, those of the parts too.
    pub(crate) fn dissolve(self, tensor: &mut dyn FnMut(Tensor<R>), indices: &mut dyn FnMut(ArrayD<u16>)) {
        self.tensors.into_iter().for_each(|(_, held)| tensor(held));
        self.deferred.into_iter().for_each(|(_, y)| tensor(y));
        self.indices.into_iter().for_each(|(_, held)| indices(held));
        self.parts.into_iter().for_each(|part| part.dissolve(tensor, indices));
    }
}

#[track_caller]
fn find<'a, T>(entries: &'a [(&'static str, T)], name: &str) -> &'a T {
    match entries.iter().find(|(entry, _)| *entry == name) {
        Some((_, value)) => value,
        None => panic!("no {name:?} in the cache: it belongs to another layer"),
    }
}
