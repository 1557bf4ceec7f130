//! Losses, penalties, initial values and metrics against Keras.
//!
//! The fixtures `tests/golden/{losses,regularizers,initializers,metrics}.*` were computed by Keras in `f64`;
//! `tests/golden/README.md` tells how. Class weights go through `Trainer::fit`, accuracy through `evaluate`.
//! Initial values are random: ours must have Keras's limits, moments and quantiles.

mod golden_files;

use std::collections::BTreeMap;
use std::iter;

use golden_files::{Report, Tensors};
use ndarray::{Axis, Ix2};
use nn_core::layers::{Activation, ActivationFn, Dense, LayerConfig};
use nn_core::loss::Loss;
use nn_core::metrics::{Confusion, in_top_k, predicted_classes};
use nn_core::model::Sequential;
use nn_core::optim::Sgd;
use nn_core::regularizer::Regularizer;
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer, evaluate};
use nn_core::{Real, Shape, Tensor, tensor};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Fixture<T> {
    cases: Vec<T>,
}

fn cases<T: for<'a> Deserialize<'a>>(file: &str) -> Vec<T> {
    golden_files::json::<Fixture<T>>(file).cases
}

#[derive(Deserialize)]
struct LossCase {
    name: String,
    loss: String,
    config: LossArguments,
    value: f64,
    sample_weight: bool,
    class_weight: Option<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LossArguments {
    #[serde(default)]
    label_smoothing: f64,
    #[serde(default)]
    from_logits: bool,
}

impl LossCase {
    fn loss(&self) -> Loss {
        let LossArguments { label_smoothing, from_logits } = self.config;
        match self.loss.as_str() {
            "CategoricalCrossentropy" => Loss::CategoricalCrossentropy { label_smoothing, from_logits },
            "SparseCategoricalCrossentropy" => Loss::SparseCategoricalCrossentropy { from_logits },
            "MeanSquaredError" => Loss::MeanSquaredError,
            other => panic!("unknown loss {other:?}"),
        }
    }

    fn tensor<R: Real>(&self, tensors: &Tensors, tensor: &str) -> Tensor<R> {
        tensors.get(&format!("{}/{tensor}", self.name))
    }

    /// Class numbers for the sparse loss, rows of values for the others.
    fn targets<R: Real>(&self, tensors: &Tensors) -> Targets<R> {
        let target = self.tensor::<R>(tensors, "target");
        match target.ndim() {
            1 => Targets::Classes(target.iter().map(|class| class.as_f64() as usize).collect()),
            _ => Targets::Values { width: target.shape()[1], rows: target.iter().copied().collect() },
        }
    }
}

#[test]
fn losses_in_f64() {
    check_losses::<f64>(1e-12, 1e-12);
}

#[test]
fn losses_in_f32() {
    // Sums are taken in f64: only soft targets and the gradient are rounded.
    check_losses::<f32>(1e-7, 2e-7);
}

fn check_losses<R: Real>(value_tolerance: f64, grad_tolerance: f64) {
    let tensors = Tensors::open("losses.safetensors");
    let mut report = Report::new(format!("losses in {}", R::NAME));
    for case in cases::<LossCase>("losses.json") {
        let (name, loss) = (&case.name, case.loss());
        let golden = |tensor: &str| case.tensor::<f64>(&tensors, tensor);
        let (output, targets) = (case.tensor::<R>(&tensors, "prediction"), case.targets::<R>(&tensors));
        let weights: Option<Vec<f64>> =
            case.sample_weight.then(|| golden("sample_weight").iter().copied().collect());
        let mut grad = Tensor::zeros(output.raw_dim());
        let value = loss.value_and_gradient(&output, &targets, weights.as_deref(), &mut grad);
        report.close(format!("{name}: value"), &[value], &[case.value], value_tolerance);
        report.close(format!("{name}: gradient"), &grad, &golden("grad"), grad_tolerance);
        // Each sample on its own, which shows the reduction and the weights to be right.
        let of_sample = |i: usize| {
            let row = output.select(Axis(0), &[i]).into_shared();
            loss.value_and_gradient(&row, &targets.select(&[i]), None, &mut row.clone())
        };
        let per_sample: Vec<f64> = (0..targets.len()).map(of_sample).collect();
        report.close(format!("{name}: per sample"), &per_sample, &golden("per_sample"), value_tolerance);
    }
    report.finish(15 * 3);
}

/// A network that hands its input to the loss, trained for one step with class weights.
#[test]
fn class_weights_in_fit() {
    let tensors = Tensors::open("losses.safetensors");
    let mut report = Report::new("class weights in fit");
    for case in cases::<LossCase>("losses.json").into_iter().filter(|case| case.class_weight.is_some()) {
        let name = &case.name;
        let x = case.tensor::<f64>(&tensors, "prediction");
        let classes = x.shape()[1];
        let mut network = Sequential::new("identity", &[classes]).add(Dense::new(classes)).build(0).unwrap();
        let identity = ndarray::Array2::eye(classes).into_dyn().into_shared();
        network.set_weights(&[identity, tensor(&[classes], vec![0.0; classes])]);
        let data = ArrayDataset::new(x.clone(), case.targets(&tensors)).unwrap();
        let class_weight = case.class_weight.clone();
        let options = FitOptions { shuffle: false, class_weight, ..FitOptions::default() };
        let mut trainer = Trainer::new(&mut network, case.loss(), Sgd::new(1.0)).unwrap();
        let history = trainer.fit(&data, None, &options, &mut []).unwrap();
        report.close(format!("{name}: loss"), &[history[0].loss], &[case.value], 1e-12);
        // dW = x^T dy, db = sum of dy
        let matrix = |tensor: Tensor<f64>| tensor.into_dimensionality::<Ix2>().unwrap();
        let (x, dy) = (matrix(x), matrix(case.tensor(&tensors, "grad")));
        let grads = &trainer.gradients()[0];
        report.close(format!("{name}: dW"), grads[0].as_ref().unwrap(), &x.t().dot(&dy), 1e-12);
        report.close(format!("{name}: db"), grads[1].as_ref().unwrap(), &dy.sum_axis(Axis(0)), 1e-12);
    }
    report.finish(3 * 3);
}

#[derive(Deserialize)]
struct RegularizerFixture {
    kernel: Vec<Vec<f64>>,
    cases: Vec<RegularizerCase>,
}

#[derive(Deserialize)]
struct RegularizerCase {
    name: String,
    regularizer: Regularizer,
    penalty: f64,
    gradient: Vec<Vec<f64>>,
}

#[test]
fn regularizers() {
    fn check<R: Real>(fixture: &RegularizerFixture, tolerance: f64, report: &mut Report) {
        let kernel: Vec<R> = fixture.kernel.iter().flatten().map(|&w| R::of(w)).collect();
        for RegularizerCase { name, regularizer, penalty, gradient } in &fixture.cases {
            let name = format!("{name} in {}", R::NAME);
            report.close(format!("{name}: penalty"), &[regularizer.penalty(&kernel)], &[*penalty], 1e-14);
            let mut grad = vec![R::zero(); kernel.len()];
            regularizer.add_gradient(&kernel, &mut grad);
            report.close(format!("{name}: gradient"), &grad, gradient.iter().flatten(), tolerance);
        }
    }
    let fixture = golden_files::json("regularizers.json");
    let mut report = Report::new("regularizers");
    check::<f64>(&fixture, 1e-14, &mut report);
    check::<f32>(&fixture, 1.2e-7, &mut report);
    report.finish(2 * 4 * 2);
}

#[derive(Deserialize)]
struct InitializerCase {
    name: String,
    shape: Vec<usize>,
    variance: f64,
    #[serde(alias = "truncated_at")]
    limit: f64,
    sample: Sample,
}

/// Statistics of Keras's own draws.
#[derive(Deserialize)]
struct Sample {
    mean: f64,
    quantiles: BTreeMap<String, f64>,
}

#[test]
fn initializers() {
    let mut report = Report::new("initializers");
    for InitializerCase { name, shape, variance, limit, sample } in cases("initializers.json") {
        let case = format!("{name} {shape:?}");
        let draw = |seed| initial_kernel(&shape, Some(&name), seed);
        let mut draws: Vec<f64> = (0..256).flat_map(draw).collect();
        if name == "glorot_uniform" {
            report.equal(format!("{case}: is the default"), initial_kernel(&shape, None, 0), draw(0));
        }

        let count = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / count;
        let measured = draws.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / count;
        report.close(format!("{case}: variance"), &[measured], &[variance], 0.01);
        draws.sort_by(f64::total_cmp);
        let extremes = [draws[0], draws[draws.len() - 1]];
        report.close(format!("{case}: extremes"), &extremes, &[-limit, limit], 1e-3);
        let beyond = extremes.iter().find(|extreme| extreme.abs() > limit);
        report.equal(format!("{case}: beyond the limit"), beyond, None);
        let quantile = |q: &String| draws[(q.parse::<f64>().unwrap() * count) as usize];
        let ours: Vec<f64> = iter::once(mean).chain(sample.quantiles.keys().map(quantile)).collect();
        let keras = iter::once(&sample.mean).chain(sample.quantiles.values());
        report.close(format!("{case}: mean and quantiles"), &ours, keras, 0.01);
    }
    // Four for each case, and one for each of the default initializer.
    report.finish(12 * 4 + 2);
}

/// The kernel that a new layer has, so that the layer's idea of its fans is under test too.
fn initial_kernel(shape: &[usize], initializer: Option<&str>, seed: u64) -> Vec<f64> {
    let (class_name, mut config, input) = match *shape {
        [inputs, units] => ("Dense", json!({ "units": units }), vec![inputs]),
        [h, w, inputs, filters] => {
            ("Conv2D", json!({ "filters": filters, "kernel_size": [h, w] }), vec![h, w, inputs])
        }
        _ => panic!("no kernel has the shape {shape:?}"),
    };
    if let Some(name) = initializer {
        config["kernel_initializer"] = name.into();
    }
    let layer = json!({ "class_name": class_name, "config": config });
    let layer = LayerConfig::deserialize(layer).unwrap().build::<f64>(&Shape::new(input), seed).unwrap();
    layer.params()[0].value.iter().copied().collect()
}

#[derive(Deserialize)]
struct MetricsCase {
    name: String,
    scores: Vec<Vec<f64>>,
    labels: Vec<usize>,
    predicted: Vec<usize>,
    accuracy: f64,
    top_k_hits: BTreeMap<String, usize>,
    top_k_accuracy: BTreeMap<String, f64>,
    confusion: Vec<Vec<u64>>,
}

#[test]
fn metrics() {
    let mut report = Report::new("metrics");
    for case in cases::<MetricsCase>("metrics.json") {
        let MetricsCase { name, scores, labels, .. } = &case;
        let classes = scores[0].len();
        let x = tensor(&[labels.len(), classes], scores.concat());
        let predicted = predicted_classes(&x);
        report.equal(format!("{name}: predicted"), &predicted, &case.predicted);

        let mut confusion = Confusion::new(classes);
        for (&truth, &predicted) in labels.iter().zip(&predicted) {
            confusion.add(truth, predicted);
        }
        let rows: Vec<_> = confusion.rows().map(<[u64]>::to_vec).collect();
        report.equal(format!("{name}: confusion"), &rows, &case.confusion);
        report.equal(format!("{name}: accuracy"), confusion.accuracy(), case.accuracy);

        let softmax = Activation::new(ActivationFn::Softmax);
        let network = Sequential::new("softmax", &[classes]).add(softmax).build(0).unwrap();
        let data = ArrayDataset::new(x.clone(), Targets::Classes(labels.clone())).unwrap();
        let loss = Loss::sparse_categorical_crossentropy();
        let evaluation = evaluate(&network, &loss, &data, 16).unwrap();
        report.equal(format!("{name}: accuracy of evaluate"), evaluation.accuracy, case.accuracy);

        for (k, &hits) in &case.top_k_hits {
            let number: usize = k.parse().unwrap();
            let rows = scores.iter().zip(labels);
            let count = rows.filter(|(row, label)| in_top_k(row, **label, number)).count();
            report.equal(format!("{name}: hits in the top {k}"), count, hits);
            let share = count as f64 / labels.len() as f64;
            report.equal(format!("{name}: top-{k} accuracy"), share, case.top_k_accuracy[k]);
        }
    }
    report.finish(2 * (4 + 3 * 2));
}
