//! Every layer against Keras: output in prediction and in training, gradient of the input, gradient of each
//! parameter, in `f64` and in `f32`.
//!
//! The fixtures `tests/golden/layers.*` were computed by Keras in `f64`; `tests/golden/README.md` tells how.
//! Each case is built from its configuration as Keras writes it.

mod golden_files;

use std::collections::BTreeMap;

use golden_files::{Report, Tensors, json};
use ndarray::ArrayD;
use nn_core::layer::{Gradients, Layer};
use nn_core::layers::LayerConfig;
use nn_core::{Context, Real, Shape, Tensor};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    layer: Value,
    input_shape: Vec<usize>,
    output_shape: Vec<usize>,
    params: Vec<String>,
}

#[test]
fn layers_in_f64() {
    check_all::<f64>();
}

#[test]
fn layers_in_f32() {
    check_all::<f32>();
}

#[test]
fn the_fixture_has_every_case() {
    let mut count = BTreeMap::new();
    for case in json::<Fixture>("layers.json").cases {
        *count.entry(text(&case.layer["class_name"]).to_owned()).or_insert(0) += 1;
    }
    let expected = [
        ("Activation", 16),
        ("AveragePooling2D", 13),
        ("Conv2D", 48),
        ("Dense", 11),
        ("DepthwiseConv2D", 13),
        ("Flatten", 1),
        ("GlobalAveragePooling2D", 1),
        ("MaxPooling2D", 14),
        ("ReLU", 3),
        ("ZeroPadding2D", 3),
    ];
    assert_eq!(count, expected.map(|(class, count)| (class.to_owned(), count)).into());
}

fn check_all<R: Real>() {
    let tensors = Tensors::open("layers.safetensors");
    let mut report = Report::new(format!("layers in {}", R::NAME));
    for case in json::<Fixture>("layers.json").cases {
        check::<R>(&case, &tensors, &mut report);
    }
    // 123 cases of two shapes, names of parameters, and shape and elements of y (twice) and dx;
    // 141 parameters of two shapes and a gradient.
    report.finish(123 * (2 + 1 + 3 * 2) + 141 * (1 + 2));
}

fn check<R: Real>(case: &Case, tensors: &Tensors, report: &mut Report) {
    let name = &case.name;
    let golden = |tensor: &str| tensors.get::<f64>(&format!("{name}/{tensor}"));
    let input = |tensor: &str| tensors.get::<R>(&format!("{name}/{tensor}"));
    let (forward, backward) = tolerances::<R>(&case.layer);

    let config = LayerConfig::deserialize(&case.layer).unwrap_or_else(|e| panic!("{name}: {e}"));
    let (x, dy) = (input("x"), input("dy"));
    let mut layer: Box<dyn Layer<R>> = config.build(&Shape::new(&case.input_shape[1..]), 0).unwrap();
    let output_shape = layer.info().output_shape.batch(x.shape()[0]);
    report.equal(format!("{name}: input shape"), x.shape(), &case.input_shape);
    report.equal(format!("{name}: output shape"), &output_shape, &case.output_shape);
    let params: Vec<String> = layer.params().iter().map(|param| param.name.into()).collect();
    report.equal(format!("{name}: parameters"), &params, &case.params);
    for param in layer.params_mut() {
        let value = input(&format!("param/{}", param.name));
        report.equal(format!("{name}: shape of {}", param.name), param.value.shape(), value.shape());
        param.value = value;
    }

    let mut compare = |what: &str, actual: &Tensor<R>, expected: &Tensor<f64>, tolerance| {
        report.equal(format!("{name}: shape of {what}"), actual.shape(), expected.shape());
        report.close(format!("{name}: {what}"), actual, expected, tolerance);
    };
    let ctx = &mut Context::new(0);
    compare("y in prediction", &layer.infer(&x, ctx), &golden("y"), forward);
    let (y, cache) = layer.forward(&x, ctx);
    compare("y in training", &y, &golden("y"), forward);
    let mut grads: Vec<_> =
        layer.params().iter().map(|param| Some(ArrayD::zeros(param.value.shape()))).collect();
    let mut gradients = Gradients { input: true, params: &mut grads };
    let dx = layer.backward(dy, &cache, &mut gradients, ctx).expect("dx is asked for");
    compare("dx", &dx, &golden("dx"), backward);
    for (param, grad) in params.iter().zip(grads) {
        let grad = grad.unwrap().into_shared();
        compare(&format!("grad of {param}"), &grad, &golden(&format!("grad/{param}")), backward);
    }
}

/// Largest error of the output and of the gradients.
///
/// What only selects or moves elements is exact. What rounds each element a few times has a few units in the
/// last place. What sums products has 1e-12 in `f64`, and in `f32` 2e-6 forward and 5e-6 backward.
fn tolerances<R: Real>(layer: &Value) -> (f64, f64) {
    let ulps = |n: f64| n * R::epsilon().as_f64();
    match (text(&layer["class_name"]), layer["config"]["activation"].as_str()) {
        ("Flatten" | "ZeroPadding2D" | "ReLU", _) => (0.0, 0.0),
        ("Activation", Some("linear" | "relu" | "relu6")) => (0.0, 0.0),
        // The gradients of overlapping windows are summed.
        ("MaxPooling2D", _) => (0.0, if windows_overlap(&layer["config"]) { ulps(2.0) } else { 0.0 }),
        ("AveragePooling2D" | "GlobalAveragePooling2D", _) => (ulps(2.0), ulps(2.0)),
        ("Activation", Some("leaky_relu")) => (ulps(1.0), ulps(1.0)),
        ("Activation", _) => (ulps(4.0), ulps(8.0)),
        _ if R::NAME == "f32" => (2e-6, 5e-6),
        _ => (1e-12, 1e-12),
    }
}

fn windows_overlap(pooling: &Value) -> bool {
    let axis = |field: &str, axis: usize| pooling[field][axis].as_u64();
    (0..2).any(|i| axis("strides", i).is_some_and(|stride| Some(stride) < axis("pool_size", i)))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
