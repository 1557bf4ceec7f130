//! Networks with residual blocks and batch normalisation as a whole: what is frozen, what is written to files, the same
//! bits for any number of threads.

use ndarray::Axis;
use nn_core::checkpoint::{load_weights, save_weights};
use nn_core::layers::{
    Activation, ActivationFn, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, GlobalAveragePooling2D,
    LayerConfig, Padding, ReLU, Residual, ZeroPadding2D,
};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Adam;
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{Targets, Trainer};
use nn_core::{Tensor, tensor};

const SIDE: usize = 20;
/// More than a slice of the batch holds.
const BATCH: usize = 40;

fn network() -> Network<f32> {
    let conv = |name: &str, filters, kernel| Conv2D::new(filters, kernel).padding(Padding::Same).name(name);
    let norm = |name: &str| LayerConfig::from(BatchNormalization::new().name(name));
    let relu = |name: &str| LayerConfig::from(ReLU::new().max_value(6.0).name(name));
    let plain = [
        conv("a_conv", 16, 3).into(),
        norm("a_bn"),
        relu("a_relu"),
        DepthwiseConv2D::new(3).padding(Padding::Same).name("a_depthwise").into(),
        norm("a_depthwise_bn"),
    ];
    let halving = [conv("b_conv", 24, 3).strides(2).into(), norm("b_bn")];
    let projection = [conv("b_0_conv", 24, 1).strides(2).into(), norm("b_0_bn")];
    Sequential::new("residual", &[SIDE, SIDE, 3])
        .add(ZeroPadding2D::new(1).name("pad"))
        .add(Conv2D::new(16, 3).name("conv"))
        .add(norm("bn"))
        .add(Residual::new(plain).name("a_add"))
        .add(Activation::new(ActivationFn::Relu).name("a_out"))
        .add(Residual::new(halving).shortcut(projection).name("b_add"))
        .add(GlobalAveragePooling2D::new().name("pool"))
        .add(Dense::new(7).activation(ActivationFn::Softmax).name("output"))
        .build(1)
        .unwrap()
}

fn batch() -> (Tensor<f32>, Targets<f32>) {
    let shape = [BATCH, SIDE, SIDE, 3];
    let mut pixels = vec![0.0; shape.iter().product()];
    Stream::new(1, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 1.0);
    (tensor(&shape, pixels), Targets::Classes((0..BATCH).map(|i| i % 7).collect()))
}

fn train(network: &mut Network<f32>, steps: usize) {
    let (x, targets) = batch();
    let mut trainer = Trainer::new(network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    for _ in 0..steps {
        trainer.step(&x, &targets, None);
    }
}

/// Names of the parameters that three steps of training changed, running statistics among them.
fn changed(network: &mut Network<f32>) -> Vec<String> {
    let before = network.weights();
    train(network, 3);
    let pairs = network.params().zip(before);
    pairs.filter(|((_, now), before)| now.value != *before).map(|((name, _), _)| name).collect()
}

fn in_pool<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

#[test]
fn all_layers_learn_and_normalisations_keep_statistics() {
    let mut network = network();
    let all: Vec<String> = network.params().map(|(name, _)| name).collect();
    assert_eq!(changed(&mut network), all);
}

#[test]
fn frozen_layers_stay_as_they_are() {
    let learned = |freeze: fn(&mut Network<f32>)| {
        let mut network = network();
        freeze(&mut network);
        changed(&mut network)
    };
    let output = ["output/kernel", "output/bias"];
    assert_eq!(learned(|network| network.freeze_until("output").unwrap()), output);
    assert_eq!(learned(|network| network.unfreeze_last(1)), output);
    // From the middle of a block on: of its main branch the end, and its whole shortcut.
    let from_block = learned(|network| network.freeze_until("b_bn").unwrap());
    let statistics = ["gamma", "beta", "moving_mean", "moving_variance"];
    let of = |layer: &str, params: &[&str]| -> Vec<String> {
        params.iter().map(|param| format!("{layer}/{param}")).collect()
    };
    let output = of("output", &["kernel", "bias"]);
    let shortcut = [of("b_0_conv", &["kernel", "bias"]), of("b_0_bn", &statistics)].concat();
    assert_eq!(from_block, [of("b_bn", &statistics), shortcut, output].concat());
    assert_eq!(learned(|network| network.set_trainable(false)), [""; 0]);
    let thawed = learned(|network| {
        network.set_trainable(false);
        network.set_trainable(true);
    });
    assert_eq!(thawed.len(), network().params().count());
}

#[test]
fn an_unknown_layer_is_answered_with_a_similar_one_and_freezes_nothing() {
    let mut network = network();
    let message = network.freeze_until("b_0_cnv").unwrap_err().to_string();
    assert!(message.contains("\"b_0_cnv\"") && message.contains("\"b_0_conv\""), "{message}");
    assert!(network.params().all(|(_, param)| param.trainable != param.statistic));
}

/// Frozen, the network runs in slices of the batch and keeps nothing of the frozen layers. The rest must learn the same.
#[test]
fn slices_of_a_frozen_front_give_what_whole_batches_give() {
    let run = |threads| {
        in_pool(threads, || {
            let mut network = network();
            train(&mut network, 2);
            network.freeze_until("b_add").unwrap();
            let (x, _) = batch();
            let one_by_one: Vec<f32> = x
                .axis_chunks_iter(Axis(0), 1)
                .flat_map(|sample| network.predict(&sample.to_owned().into_shared()))
                .collect();
            let together: Vec<f32> = network.predict(&x).into_iter().collect();
            assert!(one_by_one.iter().zip(&together).all(|(a, b)| (a - b).abs() < 1e-6));
            train(&mut network, 3);
            network.weights()
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn training_gives_the_same_bits_for_any_number_of_threads() {
    let run = |threads| {
        in_pool(threads, || {
            let mut network = network();
            train(&mut network, 3);
            network.weights()
        })
    };
    let one = run(1);
    assert_eq!(run(2), one);
    assert_eq!(run(5), one);
}

#[test]
fn weight_files_hold_statistics_and_the_names_of_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let mut saved = network();
    train(&mut saved, 2);
    save_weights(&saved, &path).unwrap();
    let mut loaded = network();
    load_weights(&mut loaded, &path).unwrap();
    assert_eq!(loaded.weights(), saved.weights());
    assert!(saved.params().any(|(name, _)| name == "a_depthwise_bn/moving_variance"));
    assert!(saved.params().any(|(name, _)| name == "a_depthwise/depthwise_kernel"));
}

#[test]
fn the_summary_lists_parts_and_counts_statistics_apart() {
    let mut network = network();
    let summary = network.summary();
    let rows = ["a_conv (Conv2D)", "b_0_bn (BatchNormalization)", "b_add (Residual)"];
    assert!(rows.iter().all(|row| summary.contains(row)), "{summary}");
    let statistics = 2 * (16 + 16 + 16 + 24 + 24);
    assert!(summary.contains(&format!("Non-trainable params: {statistics} ")), "{summary}");
    network.freeze_until("output").unwrap();
    let head = 24 * 7 + 7;
    assert!(network.summary().contains(&format!(" Trainable params: {head} ")), "{}", network.summary());
}
