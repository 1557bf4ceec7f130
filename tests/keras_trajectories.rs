//! Optimisers and whole training runs against Keras: the loss of every step and the weights that come out.
//!
//! The fixtures `tests/golden/optimizers.*` (ten updates with given gradients) and
//! `tests/golden/trajectory_{cnn,fnn}.*` (twenty training steps) were computed by Keras;
//! `tests/golden/README.md` tells how. `f32` runs must meet both Keras's `f64` and Keras's `f32`.

mod golden_files;

use golden_files::{Report, Tensors, json};
use ndarray::{ArrayD, Axis};
use nn_core::layer::Param;
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Optimizer, OptimizerConfig};
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer};
use nn_core::{Real, Tensor, tensor};
use serde::Deserialize;

#[derive(Deserialize)]
struct OptimizerFixture {
    steps: usize,
    cases: Vec<OptimizerCase>,
}

#[derive(Deserialize)]
struct OptimizerCase {
    name: String,
    optimizer: OptimizerConfig,
}

#[test]
fn optimizers() {
    let mut report = Report::new("optimizers");
    check_optimizers::<f64>(1e-14, 1e-12, &mut report);
    check_optimizers::<f32>(5e-7, 1e-6, &mut report);
    report.finish(2 * 5 * 10 * 2);
}

/// Besides the parameter a second one starts at 0, where rounding does not hide small faults of the updates.
fn check_optimizers<R: Real>(tolerance: f64, tolerance_from_0: f64, report: &mut Report) {
    let tensors = Tensors::open("optimizers.safetensors");
    let fixture: OptimizerFixture = json("optimizers.json");
    let gradients: ArrayD<R> = tensors.get("gradients").into_owned();
    let initial = tensors.get::<f64>("initial");
    for OptimizerCase { name, optimizer } in fixture.cases {
        let expected = tensors.get::<f64>(&format!("{name}/values"));
        let mut optimizer = Optimizer::new(optimizer).unwrap();
        let mut param = Param::<R>::new("param", tensors.get("initial"));
        let mut from_0 = Param::new("from_0", Tensor::zeros(initial.raw_dim()));
        for step in 0..fixture.steps {
            let grad = gradients.index_axis(Axis(0), step).to_owned();
            optimizer.step([(&mut param, Some(&grad)), (&mut from_0, Some(&grad))].into_iter());
            let what = format!("{name} in {}: step {}", R::NAME, step + 1);
            let expected = expected.index_axis(Axis(0), step);
            let updates = &expected - &initial;
            report.close(&what, &param.value, expected, tolerance);
            report.close(format!("{what} from 0"), &from_0.value, &updates, tolerance_from_0);
        }
    }
}

#[derive(Deserialize)]
struct Trajectory {
    network: Sequential,
    loss: String,
    steps: usize,
    batch_size: usize,
    params: Vec<String>,
    labels: Vec<Vec<usize>>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    dtype: String,
    optimizer: OptimizerConfig,
    losses: Vec<f64>,
    penalties: Vec<f64>,
}

#[test]
fn trajectories_of_the_cnn() {
    check_trajectories("trajectory_cnn", 10);
}

#[test]
fn trajectories_of_the_fnn() {
    check_trajectories("trajectory_fnn", 8);
}

/// How far losses and weights may stray.
struct Tolerance {
    loss: f64,
    weights: f64,
}

const IN_F64: Tolerance = Tolerance { loss: 1e-11, weights: 1e-11 };
const IN_F32: Tolerance = Tolerance { loss: 5e-6, weights: 2e-6 };
/// Keras's `f32` runs are themselves up to 2e-6 away from its `f64` runs.
const BETWEEN_F32: Tolerance = Tolerance { loss: 5e-6, weights: 4e-6 };

fn check_trajectories(stem: &str, params: usize) {
    let trajectory: Trajectory = json(&format!("{stem}.json"));
    assert_eq!(trajectory.loss, "categorical_crossentropy");
    let tensors = Tensors::open(&format!("{stem}.safetensors"));
    let mut report = Report::new(stem);
    for run in &trajectory.runs {
        let parity = |tolerance| Parity { trajectory: &trajectory, run, tensors: &tensors, tolerance };
        if run.dtype == "f64" {
            parity(IN_F64).check::<f64>(&mut report);
            parity(IN_F32).check::<f32>(&mut report);
        } else {
            parity(BETWEEN_F32).check::<f32>(&mut report);
        }
    }
    // Two optimisers, each of them f64 against f64 and f32 against both: names of the parameters, loss and
    // penalty of 20 steps, loss of 5 epochs, and weights after step 1, after step 20 and after fit.
    report.finish(2 * 3 * (1 + 20 * 2 + 5 + 3 * params));
}

/// One of Keras's runs, to be repeated.
struct Parity<'a> {
    trajectory: &'a Trajectory,
    run: &'a Run,
    tensors: &'a Tensors,
    tolerance: Tolerance,
}

impl Parity<'_> {
    fn check<R: Real>(&self, report: &mut Report) {
        self.check_steps::<R>(report);
        self.check_fit::<R>(report);
    }

    fn title<R: Real>(&self) -> String {
        format!("{} of Keras in our {}", self.run.name, R::NAME)
    }

    fn initial_network<R: Real>(&self) -> Network<R> {
        let mut network = self.trajectory.network.build(0).unwrap();
        let initial = |name: &String| self.tensors.get(&format!("initial/{name}"));
        network.set_weights(&self.trajectory.params.iter().map(initial).collect::<Vec<_>>());
        network
    }

    /// Step by step, batch by batch.
    fn check_steps<R: Real>(&self, report: &mut Report) {
        let Self { trajectory, run, tolerance, .. } = self;
        let batches: ArrayD<R> = self.tensors.get("batches/x").into_owned();
        let mut network = self.initial_network::<R>();
        let names: Vec<String> = network.params().map(|(name, _)| name).collect();
        report.equal(format!("{}: parameters", self.title::<R>()), &names, &trajectory.params);
        let loss = Loss::categorical_crossentropy();
        let mut trainer = Trainer::new(&mut network, loss, run.optimizer).unwrap();
        for (step, (loss, penalty)) in run.losses.iter().zip(&run.penalties).enumerate() {
            let batch = step % trajectory.labels.len();
            let x = batches.index_axis(Axis(0), batch).to_owned().into_shared();
            let targets = Targets::Classes(trajectory.labels[batch].clone());
            let result = trainer.step(&x, &targets, None);
            let title = format!("{}: step {}", self.title::<R>(), step + 1);
            report.close(format!("{title}: loss"), &[result.loss], [loss], tolerance.loss);
            report.close(format!("{title}: penalty"), &[result.penalty], [penalty], tolerance.loss);
            if [1, trajectory.steps].contains(&(step + 1)) {
                self.check_weights(&title, trainer.network(), step + 1, report);
            }
        }
    }

    /// The same batches in the same order are epochs without a shuffle.
    fn check_fit<R: Real>(&self, report: &mut Report) {
        let Self { trajectory, run, tolerance, .. } = self;
        let labels = trajectory.labels.concat();
        let batches = self.tensors.get::<R>("batches/x");
        let shape = [&[labels.len()], &batches.shape()[2..]].concat();
        let x = tensor(&shape, batches.iter().copied().collect());
        let data = ArrayDataset::new(x, Targets::Classes(labels)).unwrap();
        let mut network = self.initial_network::<R>();
        let loss = Loss::categorical_crossentropy();
        let mut trainer = Trainer::new(&mut network, loss, run.optimizer).unwrap();
        let (steps, batch_size) = (trajectory.labels.len(), trajectory.batch_size);
        let epochs = trajectory.steps / steps;
        let options = FitOptions { epochs, batch_size, shuffle: false, ..FitOptions::default() };
        let history = trainer.fit(&data, None, &options, &mut []).unwrap();
        let title = format!("{}: fit", self.title::<R>());
        for (epoch, losses) in history.iter().zip(run.losses.chunks(steps)) {
            let mean = losses.iter().sum::<f64>() / steps as f64;
            report.close(format!("{title}: epoch {}", epoch.epoch), &[epoch.loss], &[mean], tolerance.loss);
        }
        self.check_weights(&title, &network, trajectory.steps, report);
    }

    fn check_weights<R: Real>(&self, title: &str, network: &Network<R>, step: usize, report: &mut Report) {
        for (name, param) in network.params() {
            let expected = self.tensors.get::<f64>(&format!("{}/step{step}/{name}", self.run.name));
            report.close(format!("{title}: {name}"), &param.value, &expected, self.tolerance.weights);
        }
    }
}
