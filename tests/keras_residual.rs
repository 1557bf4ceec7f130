//! A network of three residual blocks with batch normalisation against Keras: outputs, gradients, and training with all
//! layers and with frozen ones.
//!
//! The fixtures `tests/golden/residual.*` were computed by Keras in `f64`; `tests/golden/README.md` tells how.

mod golden_files;

use golden_files::{Report, Tensors, json};
use ndarray::Axis;
use nn_core::inspect::trace;
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::OptimizerConfig;
use nn_core::train::{Targets, Trainer};
use nn_core::{Context, Real, Tensor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    network: Sequential,
    optimizer: OptimizerConfig,
    labels: Vec<Vec<usize>>,
    loss: f64,
    runs: Vec<Run>,
    params: Vec<String>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    freeze_until: Option<String>,
    losses: Vec<f64>,
    trainable: usize,
}

#[test]
fn residual_network_in_f64() {
    check::<f64>(1e-11);
}

/// Ten steps let roundings grow; batch normalisation divides by deviations that are small in places.
#[test]
fn residual_network_in_f32() {
    check::<f32>(2e-5);
}

fn check<R: Real>(tolerance: f64) {
    let fixture: Fixture = json("residual.json");
    let tensors = Tensors::open("residual.safetensors");
    let mut report = Report::new(format!("residual network in {}", R::NAME));
    let batches: Tensor<R> = tensors.get("x");
    let batch = |step: usize| batches.index_axis(Axis(0), step).to_owned().into_shared();
    let network = || {
        let mut network: Network<R> = fixture.network.build(0).unwrap();
        let names: Vec<String> = network.params().map(|(name, _)| name).collect();
        let initial = |name: &String| tensors.get(&format!("initial/{name}"));
        network.set_weights(&names.iter().map(initial).collect::<Vec<_>>());
        (network, names)
    };

    let (built, names) = network();
    let mut sorted = [names.clone(), fixture.params.clone()];
    sorted.iter_mut().for_each(|names| names.sort());
    report.equal("names of the parameters", &sorted[0], &sorted[1]);
    let prediction = built.infer(&batch(0), &mut Context::new(0));
    report.close("prediction", &prediction, &tensors.get::<f64>("inference/y"), tolerance);
    let loss = Loss::categorical_crossentropy();
    let seen = trace(&built, &loss, &batch(0), &Targets::Classes(fixture.labels[0].clone()), 0);
    report.close("loss", &[R::of(seen.loss)], &[fixture.loss], tolerance);
    report.close("dx", &seen.grad_input, &tensors.get::<f64>("training/dx"), tolerance);
    let learned = built.params().filter(|(_, param)| !param.statistic);
    let gradients = seen.layers.iter().flat_map(|layer| &layer.params);
    let mut compared = 0;
    for ((name, _), (_, _, gradient)) in learned.zip(gradients) {
        let expected = tensors.get::<f64>(&format!("training/grad/{name}"));
        // A bias in front of a normalisation has no effect: its gradient is what rounding leaves.
        let vanishes = expected.iter().all(|value| value.abs() < 1e-12);
        report.equal(
            format!("{name} vanishes"),
            vanishes,
            gradient.iter().all(|value| value.as_f64().abs() < 1e-6),
        );
        if !vanishes {
            report.close(format!("grad of {name}"), gradient, &expected, tolerance);
        }
        compared += 1 + usize::from(!vanishes);
    }

    for run in &fixture.runs {
        let (mut network, names) = network();
        if let Some(layer) = &run.freeze_until {
            network.freeze_until(layer).unwrap();
        }
        let trainable = network.params().filter(|(_, p)| p.trainable).map(|(_, p)| p.value.len()).sum();
        report.equal(format!("{}: trainable parameters", run.name), run.trainable, trainable);
        let mut trainer = Trainer::new(&mut network, loss, fixture.optimizer).unwrap();
        for (step, expected) in run.losses.iter().enumerate() {
            let targets = Targets::Classes(fixture.labels[step].clone());
            let loss = trainer.step(&batch(step), &targets, None).loss;
            report.close(
                format!("{}: loss of step {step}", run.name),
                &[R::of(loss)],
                &[*expected],
                tolerance,
            );
        }
        for ((name, param), _) in network.params().zip(&names) {
            let expected = tensors.get::<f64>(&format!("{}/{name}", run.name));
            report.close(format!("{}: {name}", run.name), &param.value, &expected, tolerance);
        }
    }
    report.finish(4 + compared + 2 * (1 + 10 + fixture.params.len()));
}
