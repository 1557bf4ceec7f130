//! Batch normalisation against Keras: in training, in prediction and frozen, and its running statistics.
//!
//! The fixtures `tests/golden/normalization.*` were computed by Keras in `f64`; `tests/golden/README.md` tells how.

mod golden_files;

use golden_files::{Report, Tensors, json};
use ndarray::{ArrayD, Axis};
use nn_core::layer::{Gradients, Layer, Param};
use nn_core::layers::LayerConfig;
use nn_core::{Context, Real, Shape, Tensor};
use serde::Deserialize;
use serde_json::{Value, json as value};

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: Value,
    input_shape: Vec<usize>,
    steps: usize,
    params: Vec<String>,
}

#[test]
fn batch_normalization_in_f64() {
    check_all::<f64>(1e-12);
}

/// The variance of a few rows that lie apart from zero, and gradients that cancel, cost some digits.
#[test]
fn batch_normalization_in_f32() {
    check_all::<f32>(5e-6);
}

fn check_all<R: Real>(tolerance: f64) {
    let tensors = Tensors::open("normalization.safetensors");
    let mut report = Report::new(format!("batch normalisation in {}", R::NAME));
    for case in json::<Fixture>("normalization.json").cases {
        Check::<R> { case, tensors: &tensors, tolerance, real: Default::default() }.run(&mut report);
    }
    // 6 cases: names of the parameters, y of a prediction, y and dx frozen and in training, two statistics that a frozen
    // layer leaves alone and two after training; gradients of 8 parameters.
    report.finish(6 * (1 + 1 + 2 + 2 + 2 + 2) + 8);
}

struct Check<'a, R> {
    case: Case,
    tensors: &'a Tensors,
    tolerance: f64,
    real: std::marker::PhantomData<R>,
}

impl<R: Real> Check<'_, R> {
    fn golden<T: Real>(&self, tensor: &str) -> Tensor<T> {
        self.tensors.get(&format!("{}/{tensor}", self.case.name))
    }

    fn layer(&self) -> Box<dyn Layer<R>> {
        let config = value!({"class_name": "BatchNormalization", "config": self.case.config});
        let config = LayerConfig::deserialize(config).unwrap();
        let mut layer = config.build(&Shape::new(&self.case.input_shape[1..]), 0).unwrap();
        for param in layer.params_mut() {
            param.value = self.golden(&format!("param/{}", param.name));
        }
        layer
    }

    fn run(&self, report: &mut Report) {
        let Case { name, steps, params, .. } = &self.case;
        let mut layer = self.layer();
        let names: Vec<String> = layer.params().iter().map(|param| param.name.into()).collect();
        report.equal(format!("{name}: parameters"), &names, params);
        let batches: Tensor<R> = self.golden("x");
        let batch = |step: usize| batches.index_axis(Axis(0), step).to_owned().into_shared();
        let ctx = &mut Context::new(0);

        let y = layer.infer(&batch(0), ctx);
        report.close(format!("{name}: prediction"), &y, &self.golden::<f64>("inference/y"), self.tolerance);
        layer.set_trainable(false);
        self.pass("frozen", layer.as_mut(), &batch(0), report);
        for statistic in layer.params().into_iter().filter(|param| param.statistic) {
            let before = self.golden::<R>(&format!("param/{}", statistic.name));
            report.equal(format!("{name}: frozen {}", statistic.name), &statistic.value, &before);
        }
        layer.set_trainable(true);
        self.pass("training", layer.as_mut(), &batch(0), report);
        for step in 1..*steps {
            let (_, cache) = layer.forward(&batch(step), ctx);
            layer.absorb(&cache);
        }
        for statistic in layer.params().into_iter().filter(|param| param.statistic) {
            let expected = self.golden::<f64>(&format!("after/{}", statistic.name));
            report.close(format!("{name}: {}", statistic.name), &statistic.value, &expected, self.tolerance);
        }
    }

    /// Forward and backward; the gradients of what is trained.
    fn pass(&self, mode: &str, layer: &mut dyn Layer<R>, x: &Tensor<R>, report: &mut Report) {
        let what = format!("{}: {mode}", self.case.name);
        let ctx = &mut Context::new(0);
        let (y, cache) = layer.forward(x, ctx);
        report.close(format!("{what} y"), &y, &self.golden::<f64>(&format!("{mode}/y")), self.tolerance);
        let zeros = |param: &Param<R>| param.trainable.then(|| ArrayD::zeros(param.value.raw_dim()));
        let mut grads: Vec<_> = layer.params().into_iter().map(zeros).collect();
        let mut gradients = Gradients { input: true, params: &mut grads };
        let dx = layer.backward(self.golden("dy"), &cache, &mut gradients, ctx).expect("dx is asked for");
        report.close(format!("{what} dx"), &dx, &self.golden::<f64>(&format!("{mode}/dx")), self.tolerance);
        for (param, grad) in layer.params().into_iter().zip(&grads) {
            if let Some(grad) = grad {
                let expected = self.golden::<f64>(&format!("{mode}/grad/{}", param.name));
                report.close(format!("{what} grad of {}", param.name), grad, &expected, self.tolerance);
            }
        }
        layer.absorb(&cache);
    }
}
