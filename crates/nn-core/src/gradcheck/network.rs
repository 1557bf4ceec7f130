use super::agreement::difference;
use super::difference::{Difference, central};
use super::report::{Entry, Report, TensorReport};
use super::{Options, contract};
use crate::context::Context;
use crate::inspect::{self, Trace};
use crate::layer::Param;
use crate::loss::Loss;
use crate::model::Network;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor, tensor};
use crate::train::{Targets, pass_of_training};

/// Directions that are compared for each tensor.
const DIRECTIONS: u64 = 2;

/// Checks the gradient of a network's whole loss, penalties included, at a batch: for the input, for each
/// parameter and for all parameters together, along random directions of length 1.
///
/// A direction is a weak test of one element and a strong one of a formula: an error in any part of a
/// gradient shows in almost every direction. Options: `sample` is not used.
///
/// Each layer's other promises are tried at what it is given in the network, as [`check_layer`](super::check_layer)
/// does, and a step of training, in slices of the batch, must give what the plain pass gives. All parameters are
/// afterwards what they were.
///
/// # Panics
/// If `x` or `targets` do not fit the network.
pub fn check_network(
    network: &mut Network<f64>,
    loss: &Loss,
    x: &Tensor<f64>,
    targets: &Targets<f64>,
    options: &Options,
) -> Report {
    let violations = violations(network, loss, x, targets, options);
    let trace = inspect::trace(network, loss, x, targets, options.seed);
    let params: Vec<(String, Vec<usize>)> =
        learned(network).map(|(name, param)| (name, param.value.shape().to_vec())).collect();
    // Where they are among all parameters.
    let places: Vec<usize> = network
        .params()
        .enumerate()
        .filter(|(_, (_, param))| !param.statistic)
        .map(|(place, _)| place)
        .collect();
    let gradients = penalised(network, &trace);
    let total_loss = |network: &Network<f64>, x: &Tensor<f64>| {
        let total = inspect::training_loss(network, loss, x, targets, options.seed) + network.penalty();
        (total, total.abs())
    };

    let mut tensors = Vec::new();
    let input = compare("input", x.shape(), options, |direction| {
        let analytic = dot(&trace.grad_input, &direction[0]);
        let numeric = central(|h| total_loss(network, &moved(x, &direction[0], h)), options.epsilon);
        (analytic, numeric)
    });
    tensors.push(input);
    let weights = network.weights();
    let mut along = |name: &str, shape: &[usize], selected: &[usize]| {
        let shapes: Vec<&[usize]> = selected.iter().map(|&i| &params[i].1[..]).collect();
        compare_many(name, shape, &shapes, options, |direction| {
            let analytic = selected.iter().zip(direction).map(|(&i, v)| dot(&gradients[i], v)).sum();
            let numeric = central(
                |h| {
                    let mut shifted = weights.clone();
                    for (&i, v) in selected.iter().zip(direction) {
                        shifted[places[i]] = moved(&weights[places[i]], v, h);
                    }
                    network.set_weights(&shifted);
                    total_loss(network, x)
                },
                options.epsilon,
            );
            network.set_weights(&weights);
            (analytic, numeric)
        })
    };
    for (i, (name, shape)) in params.iter().enumerate() {
        tensors.push(along(name, shape, &[i]));
    }
    let all: Vec<usize> = (0..params.len()).collect();
    let count = params.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
    tensors.push(along("all parameters", &[count], &all));
    let subject = format!("network {:?}", network.name());
    Report { subject, tolerance: options.tolerance, tensors, violations }
}

/// What layers do that they should not, and where the pass that trains does not give what the plain one does.
fn violations(
    network: &mut Network<f64>,
    loss: &Loss,
    x: &Tensor<f64>,
    targets: &Targets<f64>,
    options: &Options,
) -> Vec<String> {
    // A batch of one cannot be cut.
    let one = x.shape()[0] == 1;
    let x = if one { contract::stacked(&[x, x]) } else { x.clone() };
    let targets = if one { targets.select(&[0, 0]) } else { targets.clone() };
    let trace = inspect::trace(network, loss, &x, &targets, options.seed);
    let mut found = Vec::new();
    for (i, layer) in network.layers_mut().iter_mut().enumerate() {
        let input = i.checked_sub(1).map_or(&x, |before| &trace.layers[before].output);
        let name = format!("{} ({})", layer.info().name, layer.info().class_name);
        let problems = contract::violations(layer.as_mut(), input, options.seed);
        found.extend(problems.into_iter().map(|problem| format!("{name}, {problem}")));
    }
    let samples = x.shape()[0];
    for per_slice in [1, samples - 1] {
        network.slice_by(per_slice);
        if let Some(what) = step_differs(network, loss, &x, &targets, &trace, options.seed) {
            found.push(format!("a step of training, in slices of {per_slice} of {samples} samples: {what}"));
            break;
        }
    }
    network.slice_anew();
    found
}

/// Where a step of training does not give the loss, the gradients and the running statistics of the plain pass.
fn step_differs(
    network: &mut Network<f64>,
    loss: &Loss,
    x: &Tensor<f64>,
    targets: &Targets<f64>,
    plain: &Trace<f64>,
    seed: u64,
) -> Option<String> {
    let before = network.weights();
    for (layer, trace) in network.layers_mut().iter_mut().zip(&plain.layers) {
        layer.absorb(&trace.cache);
    }
    let absorbed = network.weights();
    network.set_weights(&before);
    let mut gradients = network.zero_gradients();
    let mut ctx = Context::soiled(seed);
    let result = pass_of_training(network, loss, x, targets, None, &mut gradients, &mut ctx);
    let after = network.weights();
    network.set_weights(&before);
    if !plain.loss.is_finite() {
        // There is no pass backward, and the differences tell of it.
        return None;
    }
    if let Some(what) = difference("the loss", &[result.loss - result.penalty], &[plain.loss]) {
        return Some(what);
    }
    let mut expected = penalised(network, plain).into_iter();
    for (i, ((name, param), own)) in network.params().zip(gradients.iter().flatten()).enumerate() {
        let what = format!("what was absorbed into {name:?}");
        let taken_up = difference(&what, after[i].elements(), absorbed[i].elements());
        let expected = if param.statistic { None } else { expected.next() };
        let own = own.as_ref().and_then(|own| own.as_slice());
        let of_gradient = own.zip(expected).and_then(|(own, expected)| {
            difference(&format!("the gradient of {name:?}"), own, expected.elements())
        });
        if let Some(what) = of_gradient.or(taken_up) {
            return Some(what);
        }
    }
    None
}

/// The gradients of the parameters that have one, penalties included.
fn penalised(network: &Network<f64>, trace: &Trace<f64>) -> Vec<Tensor<f64>> {
    let of_layers = trace.layers.iter().flat_map(|layer| &layer.params);
    let with_penalty = learned(network).zip(of_layers).map(|((_, param), (_, _, gradient))| {
        let mut gradient = gradient.clone();
        if let Some(regularizer) = param.regularizer.filter(|_| param.trainable) {
            regularizer.add_gradient(param.value.elements(), gradient.elements_mut());
        }
        gradient
    });
    with_penalty.collect()
}

/// The parameters that have a gradient.
fn learned(network: &Network<f64>) -> impl Iterator<Item = (String, &Param<f64>)> {
    network.params().filter(|(_, param)| !param.statistic)
}

fn compare(
    name: &str,
    shape: &[usize],
    options: &Options,
    derivatives: impl FnMut(&[Tensor<f64>]) -> (f64, Difference),
) -> TensorReport {
    compare_many(name, shape, &[shape], options, derivatives)
}

/// Compares (analytic, numeric) `derivatives` along random directions over tensors of the given shapes.
fn compare_many(
    name: &str,
    shape: &[usize],
    shapes: &[&[usize]],
    options: &Options,
    mut derivatives: impl FnMut(&[Tensor<f64>]) -> (f64, Difference),
) -> TensorReport {
    let (mut entries, mut kinks, mut unresolved) = (Vec::new(), 0, 0);
    for number in 0..DIRECTIONS {
        let mut attempt = 0;
        loop {
            let direction = random_direction(name, shapes, options.seed, number, attempt);
            let (analytic, difference) = derivatives(&direction);
            if let Difference::Smooth { derivative: numeric, uncertainty } = difference {
                entries.push(Entry { index: Vec::new(), analytic, numeric, uncertainty });
                break;
            }
            kinks += 1;
            attempt += 1;
            if attempt > options.attempts {
                unresolved += 1;
                break;
            }
        }
    }
    TensorReport::new(name, shape, entries, kinks, unresolved)
}

/// A direction of length 1 over several tensors.
fn random_direction(
    name: &str,
    shapes: &[&[usize]],
    seed: u64,
    number: u64,
    attempt: u64,
) -> Vec<Tensor<f64>> {
    let mut stream = Stream::new(seed, Purpose::GradientCheck, 2 + number, attempt).of(name);
    let mut direction: Vec<Tensor<f64>> = shapes
        .iter()
        .map(|shape| {
            let mut values = vec![0.0; shape.iter().product()];
            stream.fill_normal(&mut values, 1.0);
            tensor(shape, values)
        })
        .collect();
    let norm = direction.iter().map(|v| dot(v, v)).sum::<f64>().sqrt();
    for v in &mut direction {
        *v /= norm;
    }
    direction
}

fn dot(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.elements().iter().zip(b.elements()).map(|(a, b)| a * b).sum()
}

/// `start + h·direction`
fn moved(start: &Tensor<f64>, direction: &Tensor<f64>, h: f64) -> Tensor<f64> {
    let values = start.elements().iter().zip(direction.elements()).map(|(s, d)| s + h * d).collect();
    tensor(start.shape(), values)
}
