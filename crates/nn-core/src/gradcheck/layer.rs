use ndarray::{ArrayD, IxDyn};

use super::difference::{Difference, central};
use super::report::{Entry, Report, TensorReport};
use super::{Options, contract};
use crate::context::Context;
use crate::layer::{Gradients, Layer, Param, named_params};
use crate::rng::{Purpose, Stream};
use crate::tensor::{Elements, Tensor, tensor};

/// Checks a layer at random inputs, normally distributed, of `batch` samples.
///
/// The layer's parameters are perturbed during the check and are afterwards what they were.
pub fn check_layer(layer: &mut dyn Layer<f64>, batch: usize, options: &Options) -> Report {
    let shape = layer.info().input_shape.batch(batch);
    let seed = options.seed;
    check_layer_at(layer, options, |attempt| {
        let mut values = vec![0.0; shape.iter().product()];
        Stream::new(seed, Purpose::GradientCheck, 0, attempt).of("input").fill_normal(&mut values, 1.0);
        tensor(&shape, values)
    })
}

/// Checks a layer at inputs of your choice: `input(0)` is the point of the check, `input(1)`, `input(2)`, ...
/// are other points of the same shape, asked for when an element sits on a kink.
///
/// # Panics
/// If an input does not have the layer's input shape.
pub fn check_layer_at(
    layer: &mut dyn Layer<f64>,
    options: &Options,
    input: impl Fn(u64) -> Tensor<f64>,
) -> Report {
    let mut points = vec![Point::at(layer, input(0), options.seed)];
    let violations = contract::violations(layer, &points[0].x.clone(), options.seed);
    let mut tensors = Vec::new();
    for target in 0..=layer.params().len() {
        if target > 0 && layer.params()[target - 1].statistic {
            continue;
        }
        let (name, shape) = match target.checked_sub(1) {
            None => ("input".to_owned(), points[0].x.shape().to_vec()),
            Some(i) => (param_name(layer, i), layer.params()[i].value.shape().to_vec()),
        };
        let (mut entries, mut kinks, mut unresolved) = (Vec::new(), 0, 0);
        for element in chosen_elements(shape.iter().product(), target, options) {
            let mut attempt = 0;
            let entry = loop {
                if attempt == points.len() {
                    points.push(Point::at(layer, input(attempt as u64), options.seed));
                }
                let difference = points[attempt].difference(layer, target, element, options);
                if let Difference::Smooth { derivative: numeric, uncertainty } = difference {
                    let analytic = points[attempt].gradients[target].elements()[element];
                    break Some(Entry { index: unravel(element, &shape), analytic, numeric, uncertainty });
                }
                kinks += 1;
                attempt += 1;
                if attempt as u64 > options.attempts {
                    break None;
                }
            };
            match entry {
                Some(entry) => entries.push(entry),
                None => unresolved += 1,
            }
        }
        tensors.push(TensorReport::new(&name, &shape, entries, kinks, unresolved));
    }
    let subject = format!("{} ({})", layer.info().name, layer.info().class_name);
    Report { subject, tolerance: options.tolerance, tensors, violations }
}

/// An input, with what the backward pass gives there.
struct Point {
    x: Tensor<f64>,
    /// What the layer gives there.
    y: Tensor<f64>,
    /// The weights `u` that fold the outputs into one number.
    fold: Tensor<f64>,
    /// Gradient of the input, then of each parameter.
    gradients: Vec<Tensor<f64>>,
    seed: u64,
}

impl Point {
    fn at(layer: &dyn Layer<f64>, x: Tensor<f64>, seed: u64) -> Self {
        assert_eq!(x.shape()[1..], layer.info().input_shape[..], "shape of the input");
        let mut ctx = Context::new(seed);
        let (y, cache) = layer.forward(&x, &mut ctx);
        let mut weights = vec![0.0; y.len()];
        Stream::new(seed, Purpose::GradientCheck, 0, 0).of("fold").fill_normal(&mut weights, 1.0);
        let fold = tensor(y.shape(), weights);
        let mut params = zero_gradients(layer);
        let mut wanted = Gradients { input: true, params: &mut params };
        let dx = layer.backward(fold.clone(), &cache, &mut wanted, &mut ctx);
        // A missing gradient is reported as a violation; NaN makes the comparison fail as well.
        let dx = dx.unwrap_or_else(|| tensor(x.shape(), vec![f64::NAN; x.len()]));
        let params = params.into_iter().map(|grad| grad.unwrap_or_default().into_shared());
        let gradients = std::iter::once(dx).chain(params).collect();
        Self { x, y, fold, gradients, seed }
    }

    /// By how much `L` at a layer's present parameters and the given input differs from `L` here, and the size of what was
    /// added up. Outputs that stay the same are left out: those that are large would bury the others in their rounding.
    fn change(&self, layer: &dyn Layer<f64>, x: &Tensor<f64>) -> (f64, f64) {
        let (y, _) = layer.forward(x, &mut Context::new(self.seed));
        let terms = y.elements().iter().zip(self.y.elements()).zip(self.fold.elements());
        terms.filter(|((y, here), _)| y != here || !y.is_finite()).fold(
            (0.0, 0.0),
            |(change, size), ((y, here), u)| {
                (change + (y - here) * u, size + y.abs().max(here.abs()) * u.abs())
            },
        )
    }

    /// dL by differences for one element of the input (`target` 0) or of parameter `target - 1`.
    fn difference(
        &self,
        layer: &mut dyn Layer<f64>,
        target: usize,
        element: usize,
        options: &Options,
    ) -> Difference {
        match target.checked_sub(1) {
            None => {
                let mut x = self.x.to_owned().into_shared();
                let start = x.elements()[element];
                let f = |h: f64| {
                    x.elements_mut()[element] = start + h;
                    self.change(layer, &x)
                };
                central(f, options.epsilon)
            }
            Some(i) => {
                let start = layer.params()[i].value.elements()[element];
                let f = |h: f64| {
                    layer.params_mut()[i].value.elements_mut()[element] = start + h;
                    self.change(layer, &self.x)
                };
                let difference = central(f, options.epsilon);
                layer.params_mut()[i].value.elements_mut()[element] = start;
                difference
            }
        }
    }
}

/// The name of a parameter, with that of the part that has it where the layer has parts.
fn param_name(layer: &dyn Layer<f64>, index: usize) -> String {
    if layer.parts().is_empty() {
        layer.params()[index].name.into()
    } else {
        named_params(layer).swap_remove(index).0
    }
}

/// Zeroed gradients for all parameters that have one.
fn zero_gradients(layer: &dyn Layer<f64>) -> Vec<Option<ArrayD<f64>>> {
    let zeros = |param: &Param<f64>| (!param.statistic).then(|| ArrayD::zeros(IxDyn(param.value.shape())));
    layer.params().into_iter().map(zeros).collect()
}

/// All elements of a tensor, or as many as the options ask for.
fn chosen_elements(len: usize, target: usize, options: &Options) -> Vec<usize> {
    match options.sample {
        Some(sample) if sample < len => {
            let mut stream = Stream::new(options.seed, Purpose::GradientCheck, 1, target as u64);
            let mut chosen = stream.permutation(len);
            chosen.truncate(sample);
            chosen.sort_unstable();
            chosen
        }
        _ => (0..len).collect(),
    }
}

/// The index of the `flat`-th element in row-major order.
fn unravel(flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = flat;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let place = rest % size;
            rest /= size;
            place
        })
        .collect();
    index.reverse();
    index
}
