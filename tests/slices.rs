//! The front of a network runs on slices of the batch: the same outputs and masks as on the whole batch, the
//! same gradients but for the order of their sums, and the same bits for every number of threads.

use nn_core::inspect::{Trace, trace};
use nn_core::layers::{
    Activation, ActivationFn, AveragePooling2D, Conv2D, Dense, Dropout, Flatten, GlobalAveragePooling2D,
    MaxPooling2D, Padding,
};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Sgd;
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{StepResult, Targets, Trainer};
use nn_core::{Context, Tensor, tensor};

const LOSS: Loss = Loss::SparseCategoricalCrossentropy { from_logits: false };

/// 19 slices of 16 samples or less, the last one of 3: some of the 16 groups have two.
const BATCH: usize = 18 * 16 + 3;

/// Every layer that may be in a front, with activations before pooling of every kind.
fn networks() -> Vec<Network<f64>> {
    let relu = |filters| Conv2D::new(filters, 3).activation(ActivationFn::Relu);
    let images = |name| Sequential::new(name, &[12, 12, 1]);
    let classes = || Dense::new(4).activation(ActivationFn::Softmax);
    let configs = [
        images("like cnn1")
            .add(relu(3))
            .add(relu(4))
            .add(MaxPooling2D::new(2))
            .add(Flatten::new())
            .add(Dense::new(6).activation(ActivationFn::Relu))
            .add(classes()),
        images("dropout and overlapping windows")
            .add(Conv2D::new(3, 3).activation(ActivationFn::ELU).padding(Padding::Same))
            .add(MaxPooling2D::new(3).strides(2).padding(Padding::Same))
            .add(Dropout::new(0.3))
            .add(Conv2D::new(5, 2).activation(ActivationFn::Softmax))
            .add(MaxPooling2D::new(2))
            .add(Dropout::new(0.2))
            .add(Flatten::new())
            .add(classes()),
        images("without dense layers")
            .add(Conv2D::new(3, 3).strides(2))
            .add(Activation::new(ActivationFn::Tanh))
            .add(MaxPooling2D::new(2))
            .add(AveragePooling2D::new(1))
            .add(Conv2D::new(4, 1).use_bias(false))
            .add(GlobalAveragePooling2D::new())
            .add(Activation::new(ActivationFn::Softmax)),
    ];
    configs.iter().map(|config| config.build(3).unwrap()).collect()
}

fn batch() -> (Tensor<f64>, Targets<f64>) {
    let mut pixels = vec![0.0; BATCH * 144];
    Stream::new(2, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 1.0);
    (tensor(&[BATCH, 12, 12, 1], pixels), Targets::Classes((0..BATCH).map(|i| i * i % 4).collect()))
}

/// A training step's result and gradients, computed in slices.
fn sliced(network: &mut Network<f64>) -> (StepResult, Vec<Vec<f64>>) {
    let (x, targets) = batch();
    let mut trainer = Trainer::new(network, LOSS, Sgd::default()).unwrap();
    // Twice: buffers of the first pass serve the second one.
    trainer.compute_gradients(&x, &targets, None);
    let result = trainer.compute_gradients(&x, &targets, None);
    let gradients = trainer.gradients().iter().flatten().flatten();
    (result, gradients.map(|gradient| gradient.iter().copied().collect()).collect())
}

/// The same on the whole batch, layer after layer, nothing left to the next one.
fn whole(network: &Network<f64>) -> Trace<f64> {
    let (x, targets) = batch();
    trace(network, &LOSS, &x, &targets, 0)
}

#[test]
fn slices_give_the_outputs_and_gradients_of_the_whole_batch() {
    for mut network in networks() {
        let (result, gradients) = sliced(&mut network);
        let whole = whole(&network);
        // The mean over all logits in f64: one other output or one other mask would show.
        assert_eq!(result.loss.to_bits(), whole.loss.to_bits(), "{}", network.name());
        let expected: Vec<_> = whole.layers.iter().flat_map(|layer| &layer.params).collect();
        assert_eq!(gradients.len(), expected.len());
        for (gradient, (name, _, expected)) in gradients.iter().zip(expected) {
            let largest = expected.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
            let error = gradient.iter().zip(expected).fold(0.0, |max: f64, (a, b)| max.max((a - b).abs()));
            assert!(largest > 0.0 && error < 1e-13 * largest, "{} {name}: {error}", network.name());
        }
    }
}

#[test]
fn predictions_are_those_of_the_layers_one_by_one() {
    for network in networks() {
        let ctx = &mut Context::new(0);
        let x = batch().0;
        let expected = network.layers().iter().fold(x.clone(), |y, layer| layer.infer(&y, ctx));
        assert_eq!(network.infer_logits(&x, ctx), expected, "{}", network.name());
    }
}

#[test]
fn every_number_of_threads_gives_the_same_bits() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| networks().iter_mut().map(sliced).collect::<Vec<_>>())
    };
    let one = run(1);
    for threads in [2, 3, 7] {
        assert!(run(threads) == one, "{threads} threads differ from one");
    }
}

#[test]
fn what_is_not_trained_gets_no_gradient_and_changes_nothing_above() {
    let trained = sliced(&mut networks()[1]).1;
    let freeze = |frozen: std::ops::Range<usize>| {
        let mut network = networks().swap_remove(1);
        for (i, param) in network.params_mut().enumerate() {
            param.trainable = !frozen.contains(&i);
        }
        sliced(&mut network).1
    };
    // Parameters 0 to 3 are in the front, 4 and 5 behind it.
    assert!(freeze(0..2) == trained[2..]);
    assert!(freeze(0..4) == trained[4..]);
    assert!(freeze(4..6) == trained[..4]);
}
