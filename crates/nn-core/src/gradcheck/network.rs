use super::Options;
use super::difference::{Difference, central};
use super::report::{Entry, Report, TensorReport};
use crate::inspect;
use crate::layer::Param;
use crate::loss::Loss;
use crate::model::Network;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor, tensor};
use crate::train::Targets;

/// Directions that are compared for each tensor.
const DIRECTIONS: u64 = 2;

/// Checks the gradient of a network's whole loss, penalties included, at a batch: for the input, for each
/// parameter and for all parameters together, along random directions of length 1.
///
/// A direction is a weak test of one element and a strong one of a formula: an error in any part of a
/// gradient shows in almost every direction. Options: `sample` is not used.
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
    let mut gradients = Vec::new();
    let of_layers = trace.layers.into_iter().flat_map(|layer| layer.params);
    for (param, (_, _, mut gradient)) in learned(network).map(|(_, param)| param).zip(of_layers) {
        if let Some(regularizer) = param.regularizer.filter(|_| param.trainable) {
            regularizer.add_gradient(param.value.elements(), gradient.elements_mut());
        }
        gradients.push(gradient);
    }
    let total_loss = |network: &Network<f64>, x: &Tensor<f64>| {
        inspect::training_loss(network, loss, x, targets, options.seed) + network.penalty()
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
    Report { subject, tolerance: options.tolerance, tensors, violations: Vec::new() }
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
            if let Difference::Smooth(numeric) = difference {
                entries.push(Entry { index: Vec::new(), analytic, numeric });
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
