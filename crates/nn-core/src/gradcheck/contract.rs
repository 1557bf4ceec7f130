//! The promises of a [`Layer`] on which a training step relies, besides that of the right derivative. Each is tried, and
//! each breach is told by the method's name.

use std::collections::HashSet;

use ndarray::{ArrayD, Axis, Slice, concatenate};
use nn_kernels::Pointwise;

use super::agreement::{Outcome, difference};
use crate::context::Context;
use crate::layer::{Cache, Gradients, Layer, Param, Pass, named_params};
use crate::model::prepare;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor, tensor};

/// What a layer does that it should not, in words; nothing if it keeps every promise at this input.
///
/// The layer's parameters are changed meanwhile, and afterwards what they were.
pub(super) fn violations(layer: &mut dyn Layer<f64>, x: &Tensor<f64>, seed: u64) -> Vec<String> {
    // Of one sample nothing can be cut, and its place in the batch is 0.
    let x = if x.shape()[0] == 1 { stacked(&[x, x]) } else { x.clone() };
    let mut found = of_parameters(layer);
    if !found.is_empty() {
        return found;
    }
    found = Check::of(layer, x.clone(), seed).map_or_else(|problem| vec![problem], |check| check.all(layer));
    let learns = |layer: &dyn Layer<f64>| {
        layer.params().iter().filter(|param| !param.statistic).all(|param| param.trainable)
            && layer.params().iter().any(|param| param.trainable)
    };
    if found.is_empty() && learns(layer) {
        layer.set_trainable(false);
        if layer.params().iter().any(|param| param.trainable) {
            found.push("set_trainable: a frozen layer has parameters that are trained".into());
        } else {
            let frozen = Check::of(layer, x, seed);
            let frozen = frozen.map_or_else(|problem| vec![problem], |check| check.all(layer));
            found.extend(frozen.into_iter().map(|problem| format!("frozen, {problem}")));
        }
        layer.set_trainable(true);
        if !learns(layer) {
            found.push("set_trainable: a layer that was frozen does not train again".into());
        }
    }
    found
}

/// Samples of several batches, one behind the other.
pub(super) fn stacked(batches: &[&Tensor<f64>]) -> Tensor<f64> {
    let views: Vec<_> = batches.iter().map(|batch| batch.view()).collect();
    concatenate(Axis(0), &views).expect("samples of one shape").into_shared()
}

/// Whether the ways to the parameters lead to the same ones, in the same order.
fn of_parameters(layer: &mut dyn Layer<f64>) -> Vec<String> {
    let described = |param: &Param<f64>| (param.name, param.value.shape().to_vec());
    let read: Vec<_> = layer.params().into_iter().map(described).collect();
    let written: Vec<_> = layer.params_mut().into_iter().map(|param| described(param)).collect();
    let mut found = Vec::new();
    if read != written {
        found.push("params_mut: gives other parameters than params, or another order".into());
    }
    if named_params(layer).len() != read.len() {
        found.push("params: are not those of the parts".into());
    }
    let names: HashSet<_> = named_params(layer).into_iter().map(|(name, _)| name).collect();
    if names.len() != read.len() {
        found.push("params: two have the same name".into());
    }
    if layer.params().iter().any(|param| param.statistic && param.trainable) {
        found.push("params: a statistic is marked as trained".into());
    }
    found
}

/// A layer's plain pass over a batch, with which all others are compared.
struct Check {
    x: Tensor<f64>,
    /// The gradient of the output: random weights.
    dy: Tensor<f64>,
    plain: Outcome,
    predicted: Tensor<f64>,
    seed: u64,
}

impl Check {
    /// # Errors
    /// If the pass itself is not what others could be compared with.
    fn of(layer: &dyn Layer<f64>, x: Tensor<f64>, seed: u64) -> Result<Self, String> {
        let shape = layer.info().output_shape.batch(x.shape()[0]);
        let mut weights = vec![0.0; shape.iter().product()];
        Stream::new(seed, Purpose::GradientCheck, 0, 0).of("fold").fill_normal(&mut weights, 1.0);
        let dy = tensor(&shape, weights);
        let mut ctx = Context::new(seed);
        let predicted = layer.infer(&x, &mut ctx);
        let (y, cache) = layer.forward(&x, &mut ctx);
        for (method, y) in [("infer", &predicted), ("forward", &y)] {
            if y.shape() != shape {
                return Err(format!("{method}: gives shape {:?}, info promises {shape:?}", y.shape()));
            }
        }
        let mut plain = backward(layer, y, &dy, &cache, true, &mut ctx);
        match &plain.dx {
            None => return Err("backward: gives no gradient of the input though it is wanted".into()),
            Some(dx) if dx.shape() != x.shape() => {
                let (got, expected) = (dx.shape(), x.shape());
                return Err(format!(
                    "backward: the gradient of the input has shape {got:?}, expected {expected:?}"
                ));
            }
            Some(_) => {}
        }
        plain.name(layer);
        let check = Self { x, dy, plain, predicted, seed };
        match check.run(layer, &mut Context::new(seed)).bits_differ(&check.plain) {
            Some(what) => Err(format!("forward and backward: do not give the same result twice, {what}")),
            None => Ok(check),
        }
    }

    fn all(&self, layer: &mut dyn Layer<f64>) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(self.adds(layer));
        found.extend(self.passes_are_independent(layer));
        found.extend(self.buffers(layer));
        found.extend(self.what_is_wanted(layer));
        found.extend(self.inference(layer));
        found.extend(self.prepared(layer));
        found.extend(self.stale(layer));
        found.extend(self.selects(layer));
        found.extend(self.defers(layer));
        found.extend(self.slices(layer));
        found.extend(self.passes_change_nothing(layer));
        found.extend(self.absorbs(layer));
        found
    }

    fn run(&self, layer: &dyn Layer<f64>, ctx: &mut Context<f64>) -> Outcome {
        let (y, cache) = layer.forward(&self.x, ctx);
        backward(layer, y, &self.dy, &cache, true, ctx)
    }

    /// Gradients are added to what is there, also if a cache serves twice.
    fn adds(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let mut ctx = Context::new(self.seed);
        let (_, cache) = layer.forward(&self.x, &mut ctx);
        let mut params = trained_gradients(layer);
        for _ in 0..2 {
            let mut wanted = Gradients { input: true, params: &mut params };
            let dx = layer.backward(own(&self.dy), &cache, &mut wanted, &mut ctx)?;
            if let Some(what) = difference("dx", dx.elements(), self.plain.dx()) {
                return Some(format!("backward: a second pass on the same cache differs, {what}"));
            }
        }
        params.iter_mut().flatten().for_each(|grad| *grad /= 2.0);
        let twice = Outcome { params, ..self.plain.clone() };
        let name = twice.which_differs(&self.plain)?;
        Some(format!("backward: {name} is not added to what is there"))
    }

    /// A pass between the two halves of another one, at another step and with fewer samples, changes neither.
    fn passes_are_independent(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let fewer = 0..self.x.shape()[0] - 1;
        let (mut ctx, mut other) = (Context::new(self.seed), Context::new(self.seed));
        other.set_step(0, 1);
        let (y, cache) = layer.forward(&self.x, &mut ctx);
        let (between, its_cache) = layer.forward(&rows(&self.x, fewer.clone()), &mut other);
        let outcome = backward(layer, y, &self.dy, &cache, true, &mut ctx);
        backward(layer, between, &rows(&self.dy, fewer), &its_cache, true, &mut other);
        let what = outcome.differs(&self.plain)?;
        Some(format!("forward and backward: two passes share state, {what}"))
    }

    /// A buffer holds whatever the step before left in it.
    fn buffers(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let what = self.run(layer, &mut Context::soiled(self.seed)).differs(&self.plain)?;
        Some(format!("Context::buffer: its contents are used before they are written, {what}"))
    }

    /// What nobody wants is left out, and the rest is the same without it.
    fn what_is_wanted(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let mut ctx = Context::new(self.seed);
        let (y, cache) = layer.forward(&self.x, &mut ctx);
        let without_dx = backward(layer, y.clone(), &self.dy, &cache, false, &mut ctx);
        if let Some(what) = (Outcome { dx: self.plain.dx.clone(), ..without_dx }).differs(&self.plain) {
            return Some(format!("backward: where dx is not wanted, {what}"));
        }
        let mut none = vec![None; self.plain.params.len()];
        let mut wanted = Gradients { input: true, params: &mut none };
        let dx = layer.backward(own(&self.dy), &cache, &mut wanted, &mut ctx);
        let alone = Outcome { dx, ..self.plain.clone() };
        Some(format!("backward: where no parameter is trained, {}", alone.differs(&self.plain)?))
    }

    /// In inference `forward` computes what `infer` does.
    fn inference(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let (y, _) = layer.forward(&self.x, &mut Context::inference());
        let what = difference("y", y.elements(), self.predicted.elements())?;
        Some(format!("forward: with Mode::Inference it does not compute what infer does, {what}"))
    }

    /// What `prepare` makes stands for the parameters.
    fn prepared(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let mut ctx = Context::new(self.seed);
        let made = prepare([layer], Pass::Forward, &mut ctx);
        let for_backward = prepare([layer], Pass::Backward, &mut ctx);
        if made.is_empty() && for_backward.is_empty() {
            return None;
        }
        let plain = self.run(layer, &mut Context::new(self.seed));
        ctx.set_prepared(&made);
        let predicted = layer.infer(&self.x, &mut ctx);
        let expected = layer.infer(&self.x, &mut Context::new(self.seed));
        if let Some(what) = difference("y", predicted.elements(), expected.elements()) {
            return Some(format!("prepare: with what it made, infer differs, {what}"));
        }
        let (y, cache) = layer.forward(&self.x, &mut ctx);
        ctx.set_prepared(&for_backward);
        let outcome = backward(layer, y, &self.dy, &cache, true, &mut ctx);
        Some(format!("prepare: with what it made, {}", outcome.differs(&plain)?))
    }

    /// What `prepare` made belongs to the parameters of one step.
    fn stale(&self, layer: &mut dyn Layer<f64>) -> Option<String> {
        if self.prepared(layer).is_some() {
            return None;
        }
        let values = values(layer);
        for param in layer.params_mut() {
            param.value.elements_mut().iter_mut().for_each(|value| *value = 1.5 * *value + 0.25);
        }
        let found = self.prepared(layer);
        put_back(layer, values);
        Some(format!("prepare: is stale once the parameters have changed; {}", found?))
    }

    /// The outputs of a layer that selects are inputs, and their gradients go to where they come from.
    fn selects(&self, layer: &dyn Layer<f64>) -> Option<String> {
        if !layer.selects() {
            return None;
        }
        // Zeros of both signs are one number.
        let bits = |value: &f64| (value + 0.0).to_bits();
        let inputs: HashSet<u64> = self.x.elements().iter().map(bits).collect();
        if let Some(place) = self.plain.y.elements().iter().position(|y| !inputs.contains(&bits(y))) {
            let y = self.plain.y.elements()[place];
            return Some(format!("selects: element {place} of the output, {y}, is no element of the input"));
        }
        // With a factor g(x) for each element, in front of the selection and behind it.
        let factor = Pointwise::Tanh;
        let mut before = self.plain.dx.clone()?;
        factor.backward(self.x.elements(), before.elements_mut());
        let mut dy = own(&self.dy);
        factor.backward(self.plain.y.elements(), dy.elements_mut());
        let mut ctx = Context::new(self.seed);
        let (_, cache) = layer.forward(&self.x, &mut ctx);
        let mut params = trained_gradients(layer);
        let mut wanted = Gradients { input: true, params: &mut params };
        let behind = layer.backward(dy, &cache, &mut wanted, &mut ctx)?;
        let what = difference("dx", behind.elements(), before.elements())?;
        Some(format!("selects: a gradient goes elsewhere than to the element that was selected, {what}"))
    }

    /// An activation that is left to the next layer is left wholly.
    fn defers(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let mut ctx = Context::new(self.seed);
        let (y, mut cache) = layer.forward(&self.x, &mut ctx);
        let activation = layer.defer_activation(&mut cache)?;
        let mut dz = own(&self.dy);
        activation.backward(y.elements(), dz.elements_mut());
        let outcome = backward(layer, y, &dz, &cache, true, &mut ctx);
        let what = outcome.differs(&self.plain)?;
        Some(format!("defer_activation: without the activation, {what}"))
    }

    /// Slices of the batch give what the batch gives.
    fn slices(&self, layer: &dyn Layer<f64>) -> Option<String> {
        if !layer.sliceable() {
            return None;
        }
        let samples = self.x.shape()[0];
        for per_slice in [1, samples - 1] {
            let mut outcome = Outcome { params: trained_gradients(layer), ..Outcome::default() };
            let (mut y, mut dx, mut predicted) = (Vec::new(), Vec::new(), Vec::new());
            for first in (0..samples).step_by(per_slice) {
                let slice = first..samples.min(first + per_slice);
                let mut ctx = Context::new(self.seed);
                ctx.set_first_sample(first);
                let (x, dy) = (rows(&self.x, slice.clone()), rows(&self.dy, slice));
                predicted.push(layer.infer(&x, &mut ctx));
                let (part, cache) = layer.forward(&x, &mut ctx);
                let mut wanted = Gradients { input: true, params: &mut outcome.params };
                dx.push(layer.backward(own(&dy), &cache, &mut wanted, &mut ctx)?);
                y.push(part);
            }
            let [y, dx, predicted] =
                [y, dx, predicted].map(|parts| stacked(&parts.iter().collect::<Vec<_>>()));
            (outcome.y, outcome.dx) = (y, Some(dx));
            let found = outcome.differs(&self.plain);
            let of_infer = || difference("what infer gives", predicted.elements(), self.predicted.elements());
            if let Some(what) = found.or_else(of_infer) {
                return Some(format!("sliceable: in slices of {per_slice} of {samples} samples, {what}"));
            }
        }
        None
    }

    /// Only `absorb` changes a layer.
    fn passes_change_nothing(&self, layer: &dyn Layer<f64>) -> Option<String> {
        let now = layer.infer(&self.x, &mut Context::new(self.seed));
        let what = difference("y", now.elements(), self.predicted.elements())?;
        Some(format!("infer: differs after passes that should change nothing, {what}"))
    }

    /// `absorb` takes what is in its cache, once, into statistics.
    fn absorbs(&self, layer: &mut dyn Layer<f64>) -> Option<String> {
        let before = values(layer);
        let absorbed = |layer: &mut dyn Layer<f64>, passes_between: usize| {
            let (_, cache) = layer.forward(&self.x, &mut Context::new(self.seed));
            for _ in 0..passes_between {
                let fewer = rows(&self.x, 0..self.x.shape()[0] - 1);
                layer.forward(&fewer, &mut Context::new(self.seed));
            }
            layer.absorb(&cache);
            let after = values(layer);
            put_back(layer, before.clone());
            after
        };
        let (once, again) = (absorbed(layer, 0), absorbed(layer, 2));
        let changed = |after: &[Tensor<f64>], i: usize| {
            difference("it", after[i].elements(), before[i].elements()).is_some()
        };
        for (i, param) in layer.params().into_iter().enumerate() {
            if changed(&once, i) && !param.statistic {
                return Some(format!("absorb: changes {:?}, which is no statistic", param.name));
            }
            if changed(&once, i) && layer.sliceable() {
                let name = param.name;
                return Some(format!("sliceable: absorb changes {name:?}, but is not called for slices"));
            }
            if let Some(what) = difference(param.name, again[i].elements(), once[i].elements()) {
                return Some(format!("absorb: depends on other passes than that of its cache, {what}"));
            }
        }
        None
    }
}

/// A pass backward behind a pass forward whose output was `y`.
fn backward(
    layer: &dyn Layer<f64>,
    y: Tensor<f64>,
    dy: &Tensor<f64>,
    cache: &Cache<f64>,
    input: bool,
    ctx: &mut Context<f64>,
) -> Outcome {
    let mut params = trained_gradients(layer);
    let dx = layer.backward(own(dy), cache, &mut Gradients { input, params: &mut params }, ctx);
    Outcome { y, dx, params, names: Vec::new() }
}

/// A tensor with a buffer of its own, which a layer may overwrite.
fn own(tensor: &Tensor<f64>) -> Tensor<f64> {
    tensor.to_owned().into_shared()
}

/// Some samples of a batch, with a buffer of their own.
fn rows(batch: &Tensor<f64>, samples: std::ops::Range<usize>) -> Tensor<f64> {
    batch.slice_axis(Axis(0), Slice::from(samples)).to_owned().into_shared()
}

/// Zeroed gradients for the parameters that are trained.
fn trained_gradients(layer: &dyn Layer<f64>) -> Vec<Option<ArrayD<f64>>> {
    let zeros = |param: &Param<f64>| param.trainable.then(|| ArrayD::zeros(param.value.raw_dim()));
    layer.params().into_iter().map(zeros).collect()
}

fn values(layer: &dyn Layer<f64>) -> Vec<Tensor<f64>> {
    layer.params().into_iter().map(|param| param.value.clone()).collect()
}

fn put_back(layer: &mut dyn Layer<f64>, values: Vec<Tensor<f64>>) {
    layer.params_mut().into_iter().zip(values).for_each(|(param, value)| param.value = value);
}
