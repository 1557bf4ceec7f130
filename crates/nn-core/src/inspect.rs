//! Looking inside a network at work: every activation and every gradient of a chosen input.

use ndarray::{ArrayD, Axis};
use nn_kernels::{Real, elementwise};

use crate::context::Context;
use crate::layer::{Cache, Layer, Param, named_params};
use crate::loss::Loss;
use crate::model::{ForwardPass, Network};
use crate::tensor::{Elements, Tensor, tensor};
use crate::train::Targets;

/// A training pass, forward and backward, with everything that it computed.
#[derive(Debug, Clone)]
pub struct Trace<R: Real> {
    /// The batch that went in.
    pub input: Tensor<R>,
    /// Gradient of the loss with respect to the input.
    pub grad_input: Tensor<R>,
    /// Each layer, first to last.
    pub layers: Vec<LayerTrace<R>>,
    /// What the network predicts: probabilities if it ends in a softmax.
    pub prediction: Tensor<R>,
    /// The loss of the batch, without penalties.
    pub loss: f64,
}

/// What one layer did.
#[derive(Debug, Clone)]
pub struct LayerTrace<R: Real> {
    /// The layer's name.
    pub name: String,
    /// The layer's class.
    pub class_name: &'static str,
    /// Its output, after its activation.
    pub output: Tensor<R>,
    /// Gradient of the loss with respect to its output.
    pub grad_output: Tensor<R>,
    /// Its parameters: name, value and gradient of the loss. Where the layer has parts, the name begins with that of the
    /// part: `conv/kernel`. Running statistics have no gradient and are not among them.
    pub params: Vec<(String, Tensor<R>, Tensor<R>)>,
    /// What its forward pass kept for its backward pass.
    pub cache: Cache<R>,
}

impl<R: Real> Trace<R> {
    /// The layer of that name.
    pub fn layer(&self, name: &str) -> Option<&LayerTrace<R>> {
        self.layers.iter().find(|layer| layer.name == name)
    }
}

/// Runs a batch forward and backward as a training step would (dropout included, keyed by `seed`) and returns
/// everything. Changes nothing.
///
/// # Panics
/// If `x` or `targets` do not fit the network.
pub fn trace<R: Real>(
    network: &Network<R>,
    loss: &Loss,
    x: &Tensor<R>,
    targets: &Targets<R>,
    seed: u64,
) -> Trace<R> {
    let mut ctx = Context::new(seed);
    let mut outputs = Vec::new();
    let mut caches = Vec::new();
    let mut y = x.clone();
    for layer in network.layers() {
        let (output, cache) = layer.forward(&y, &mut ctx);
        y = output;
        outputs.push(y.clone());
        caches.push(cache);
    }
    let (loss, dy) = crate::train::loss_and_gradient(network, loss, &y, targets, None, &mut ctx);
    let mut prediction = y;
    if network.has_softmax() {
        elementwise::softmax(prediction.elements_mut(), network.channels());
    }
    let mut gradients = every_gradient(network);
    let mut grad_outputs = vec![None; outputs.len()];
    let grad_input = network.backward(dy, caches.clone(), &mut gradients, true, &mut ctx, |i, dy| {
        // A copy: the layer may overwrite its own.
        grad_outputs[i] = Some(dy.to_owned().into_shared());
    });
    let layers = network.layers().iter().zip(outputs).zip(grad_outputs).zip(caches).zip(gradients);
    let layers = layers.map(|((((layer, output), grad_output), cache), gradients)| LayerTrace {
        name: layer.info().name.clone(),
        class_name: layer.info().class_name,
        grad_output: grad_output.expect("a backward pass reaches every layer"),
        params: params(layer.as_ref(), gradients),
        output,
        cache,
    });
    Trace {
        input: x.clone(),
        grad_input: grad_input.expect("asked for"),
        layers: layers.collect(),
        prediction,
        loss,
    }
}

/// The gradient of one output, summed over the samples, with respect to the input: a tensor of the input's shape.
///
/// It is that of the function that predicts: dropout does nothing, batch normalisation uses its running statistics, and a
/// softmax at the network's end counts. `output` is the place in the flat output of a sample, row-major.
///
/// # Panics
/// If `x` does not fit the network, or it has no such output.
pub fn input_gradient<R: Real>(network: &Network<R>, x: &Tensor<R>, output: usize) -> Tensor<R> {
    /// Samples at a time: all activations of a slice are kept.
    const SAMPLES: usize = 16;
    let outputs = network.output_shape().elements();
    assert!(output < outputs, "output {output} of {outputs}");
    let mut ctx = Context::inference();
    let mut none = network.no_gradients();
    let mut all = Vec::with_capacity(x.len());
    for x in x.axis_chunks_iter(Axis(0), SAMPLES) {
        let x = x.as_standard_layout().into_owned().into_shared();
        let ForwardPass { output: y, caches } = network.forward(&x, &mut ctx);
        let mut dy = ctx.zeros(y.shape());
        for sample in dy.elements_mut().chunks_exact_mut(outputs) {
            sample[output] = R::one();
        }
        if network.has_softmax() {
            let mut p = y;
            elementwise::softmax(p.elements_mut(), network.channels());
            elementwise::softmax_backward(p.elements(), dy.elements_mut(), network.channels());
        }
        let dx = network.backward(dy, caches, &mut none, true, &mut ctx, |_, _| ());
        all.extend_from_slice(dx.expect("asked for").elements());
    }
    tensor(x.shape(), all)
}

/// The parameters of a layer that have a gradient, with their names in the layer.
fn params<R: Real>(
    layer: &dyn Layer<R>,
    gradients: Vec<Option<ArrayD<R>>>,
) -> Vec<(String, Tensor<R>, Tensor<R>)> {
    let has_parts = !layer.parts().is_empty();
    let named = named_params(layer).into_iter().zip(gradients).filter_map(|((name, param), gradient)| {
        let name = if has_parts { name } else { param.name.into() };
        Some((name, param.value.clone(), gradient?.into_shared()))
    });
    named.collect()
}

/// The loss of a batch in a training pass (dropout included, keyed by `seed`), without penalties.
///
/// # Panics
/// If `x` or `targets` do not fit the network.
pub fn training_loss<R: Real>(
    network: &Network<R>,
    loss: &Loss,
    x: &Tensor<R>,
    targets: &Targets<R>,
    seed: u64,
) -> f64 {
    let mut ctx = Context::new(seed);
    let output = network.forward(x, &mut ctx).output;
    crate::train::loss_and_gradient(network, loss, &output, targets, None, &mut ctx).0
}

/// Zeroed gradients for all parameters that have one, frozen ones too.
fn every_gradient<R: Real>(network: &Network<R>) -> Vec<Vec<Option<ArrayD<R>>>> {
    let zeros = |param: &Param<R>| (!param.statistic).then(|| ArrayD::zeros(param.value.raw_dim()));
    network.layers().iter().map(|layer| layer.params().into_iter().map(zeros).collect()).collect()
}

/// Names the first place where a NaN or an infinity shows: a parameter, the input, or a layer's output.
pub fn first_non_finite<R: Real>(network: &Network<R>, x: Option<&Tensor<R>>) -> String {
    let bad = |tensor: &Tensor<R>| tensor.iter().any(|value| !value.is_finite());
    if let Some((name, _)) = network.params().find(|(_, param)| bad(&param.value)) {
        return format!("parameter {name:?}");
    }
    let Some(x) = x else { return "the evaluation".into() };
    if bad(x) {
        return "the input".into();
    }
    let mut ctx = Context::new(0);
    let mut y = x.clone();
    for layer in network.layers() {
        y = layer.infer(&y, &mut ctx);
        if bad(&y) {
            return format!("the output of layer {:?} ({})", layer.info().name, layer.info().class_name);
        }
    }
    "the loss".into()
}
