//! Optimisers and whole training runs against Keras: the loss of every step and the weights that come out.
//!
//! The fixtures `tests/golden/optimizers.*` (ten updates with given gradients) and
//! `tests/golden/trajectory_{cnn,fnn}.*` (twenty training steps) were computed by Keras;
//! `tests/golden/README.md` tells how. `f32` runs must meet both Keras's `f64` and Keras's `f32`.

mod golden_files;

use golden_files::{Report, Tensors, json};
use ndarray::{ArrayD, Axis, concatenate};
use nn_core::layer::Param;
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::{Optimizer, OptimizerConfig};
use nn_core::train::{ArrayDataset, FitOptions, Targets, Trainer};
use nn_core::{Real, Tensor};
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
    fn check<R: Real>(tolerance: f64, report: &mut Report) {
        let tensors = Tensors::open("optimizers.safetensors");
        let fixture: OptimizerFixture = json("optimizers.json");
        let gradients: ArrayD<R> = tensors.get("gradients").into_owned();
        for OptimizerCase { name, optimizer } in fixture.cases {
            let expected = tensors.get::<f64>(&format!("{name}/values"));
            let mut optimizer = Optimizer::new(optimizer).unwrap();
            let mut param = Param::<R>::new("w", tensors.get("initial"));
            for step in 0..fixture.steps {
                let grad = gradients.index_axis(Axis(0), step).to_owned();
                optimizer.step([(&mut param, Some(&grad))].into_iter());
                let what = format!("{name} in {}: step {}", R::NAME, step + 1);
                report.close(what, &param.value, &expected.index_axis(Axis(0), step), tolerance);
            }
        }
    }
    let mut report = Report::new("optimizers");
    check::<f64>(1e-14, &mut report);
    check::<f32>(5e-7, &mut report);
    report.finish(2 * 5 * 10);
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

/// How far a run may stray in its losses and in its weights.
struct Tolerance {
    loss: f64,
    weights: f64,
}

const IN_F64: Tolerance = Tolerance { loss: 1e-12, weights: 1e-11 };
const IN_F32: Tolerance = Tolerance { loss: 5e-6, weights: 2e-6 };

fn check_trajectories(stem: &str, params: usize) {
    let trajectory: Trajectory = json(&format!("{stem}.json"));
    let tensors = Tensors::open(&format!("{stem}.safetensors"));
    let mut report = Report::new(stem);
    for run in &trajectory.runs {
        if run.dtype == "f64" {
            check_run::<f64>(&trajectory, run, &tensors, IN_F64, &mut report);
        }
        check_run::<f32>(&trajectory, run, &tensors, IN_F32, &mut report);
    }
    // Two optimisers, each of them f64 against f64 and f32 against both: names of parameters, two numbers in
    // each of 20 steps, losses of 5 epochs; weights after step 1, after step 20 and after fit.
    report.finish(2 * 3 * (1 + 20 * 2 + 5 + 3 * params));
}

fn check_run<R: Real>(
    trajectory: &Trajectory,
    run: &Run,
    tensors: &Tensors,
    tolerance: Tolerance,
    report: &mut Report,
) {
    let title = format!("{} in {}", run.name, R::NAME);
    assert_eq!(trajectory.loss, "categorical_crossentropy");
    let loss = Loss::categorical_crossentropy();
    let x = tensors.get::<R>("batches/x");
    let batch = |i: usize| x.index_axis(Axis(0), i).to_owned().into_shared();

    let mut network = initial_network::<R>(trajectory, tensors);
    let names: Vec<String> = network.params().map(|(name, _)| name).collect();
    report.equal(format!("{title}: parameters"), &names, &trajectory.params);
    let mut trainer = Trainer::new(&mut network, loss, run.optimizer).unwrap();
    for step in 0..trajectory.steps {
        let labels = &trajectory.labels[step % trajectory.labels.len()];
        let x = batch(step % trajectory.labels.len());
        let result = trainer.step(&x, &Targets::Classes(labels.clone()), None);
        let (loss, penalty) = (run.losses[step], run.penalties[step]);
        report.close(format!("{title}: loss of step {step}"), &[result.loss], &[loss], tolerance.loss);
        report.close(
            format!("{title}: penalty of step {step}"),
            &[result.penalty],
            &[penalty],
            tolerance.loss,
        );
        if [1, trajectory.steps].contains(&(step + 1)) {
            let (title, keras) = (format!("{title}: step {}", step + 1), format!("step{}", step + 1));
            check_weights(trainer.network(), &title, &format!("{}/{keras}", run.name), tensors, report);
        }
    }
    let _ = batch;
}
