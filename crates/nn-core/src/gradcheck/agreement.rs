//! Whether two computations of the same thing agree.

use ndarray::ArrayD;

use crate::layer::{Layer, named_params};
use crate::tensor::{Elements, Tensor, tensor};

/// What a pass forward and backward gives.
#[derive(Clone)]
pub(super) struct Outcome {
    pub y: Tensor<f64>,
    pub dx: Option<Tensor<f64>>,
    /// The gradients of the parameters that are trained.
    pub params: Vec<Option<ArrayD<f64>>>,
    /// The names of the parameters, of the outcome that others are compared with.
    pub names: Vec<String>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { y: tensor(&[0], Vec::new()), dx: None, params: Vec::new(), names: Vec::new() }
    }
}

impl Outcome {
    /// Takes the names of the layer's parameters.
    pub fn name(&mut self, layer: &dyn Layer<f64>) {
        self.names = named_params(layer).into_iter().map(|(name, _)| name).collect();
    }

    /// The gradient of the input.
    pub fn dx(&self) -> &[f64] {
        self.dx.as_ref().map_or(&[], Elements::elements)
    }

    /// Everything with its name, which `reference` knows.
    fn named<'a>(&'a self, reference: &'a Self) -> impl Iterator<Item = (String, &'a [f64])> {
        let params = reference.names.iter().zip(&self.params).filter_map(|(name, grad)| {
            Some((format!("the gradient of {name:?}"), grad.as_ref()?.as_slice()?))
        });
        [("y".to_owned(), self.y.elements()), ("dx".to_owned(), self.dx())].into_iter().chain(params)
    }

    /// The first of the tensors that does not agree with that of `reference`: its name, and where.
    fn first(&self, reference: &Self) -> Option<(String, String)> {
        let pairs = self.named(reference).zip(reference.named(reference));
        pairs
            .into_iter()
            .find_map(|((name, own), (_, theirs))| difference(&name, own, theirs).map(|what| (name, what)))
    }

    /// Where this outcome and the `reference` do not agree, in words.
    pub fn differs(&self, reference: &Self) -> Option<String> {
        self.first(reference).map(|(_, what)| what)
    }

    /// The name of the first tensor that does not agree with that of `reference`.
    pub fn which_differs(&self, reference: &Self) -> Option<String> {
        self.first(reference).map(|(name, _)| name)
    }

    /// The first of the tensors that is not that of `reference`, bit for bit.
    pub fn bits_differ(&self, reference: &Self) -> Option<String> {
        let same = |a: &[f64], b: &[f64]| {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
        };
        let mut pairs = self.named(reference).zip(reference.named(reference));
        pairs
            .find(|((_, own), (_, theirs))| !same(own, theirs))
            .map(|((name, _), _)| format!("not in {name}"))
    }
}

/// What two orders of summation may differ by, as a share of the largest element.
const ROUNDING: f64 = 1e-9;

/// The largest element is taken for no less than this: what is left where terms cancel out is rounding.
const FLOOR: f64 = 0.01;

/// The first element of `got` that is not `expected`, in words; none if they agree but for rounding. NaN agrees with NaN.
pub(super) fn difference(name: &str, got: &[f64], expected: &[f64]) -> Option<String> {
    if got.len() != expected.len() {
        return Some(format!("{name} has {} elements instead of {}", got.len(), expected.len()));
    }
    let finite = expected.iter().filter(|value| value.is_finite());
    let allowed = ROUNDING * finite.fold(FLOOR, |largest, value| largest.max(value.abs()));
    let agree = |a: f64, b: f64| a == b || (a - b).abs() <= allowed || a.is_nan() && b.is_nan();
    let place = got.iter().zip(expected).position(|(&a, &b)| !agree(a, b))?;
    Some(format!("{name} is {:e} instead of {:e} at element {place}", got[place], expected[place]))
}
