//! Published weight files. `FER_WEIGHTS` names the folder where they lie.

mod keras_fixtures;

use std::io::Write;
use std::path::PathBuf;

use keras_fixtures::parameters;
use nn_core::keras::weights::{self, LayerWeights, Naming};

/// The layers of a file, or None with a message if it is not there.
fn published(name: &str) -> Option<Vec<LayerWeights>> {
    let path = std::env::var_os("FER_WEIGHTS").map(|folder| PathBuf::from(folder).join(name));
    match path.filter(|path| path.exists()) {
        Some(path) => Some(weights::load(&path).unwrap_or_else(|e| panic!("{e}"))),
        None => {
            // Past the test runner's capture, so that it shows for a passing test as well.
            let _ = writeln!(std::io::stderr(), "skipped: {name} (needs the file in the folder FER_WEIGHTS)");
            None
        }
    }
}

/// Shapes of a layer's arrays.
fn shapes(layers: &[LayerWeights], name: &str) -> Vec<Vec<usize>> {
    let layer =
        layers.iter().find(|layer| layer.layer == name).unwrap_or_else(|| panic!("no layer {name:?}"));
    layer.weights.iter().map(|(_, array)| array.shape().to_vec()).collect()
}

fn check_mobilenet(layers: &[LayerWeights], channels: [usize; 4], parameters_expected: usize) {
    let [first, expanded, projected, last] = channels;
    assert_eq!(Naming::of(layers), Some(Naming::MobileNetV2));
    assert_eq!(layers.len(), 154);
    // 52 convolutions without bias, each followed by a batch normalisation.
    assert_eq!(layers.iter().filter(|layer| layer.weights.len() == 1).count(), 52);
    assert_eq!(layers.iter().filter(|layer| layer.weights.len() == 4).count(), 52);
    assert_eq!(parameters(layers), parameters_expected);
    assert_eq!(shapes(layers, "Conv1"), [[3, 3, 3, first]]);
    assert_eq!(shapes(layers, "expanded_conv_depthwise"), [[3, 3, first, 1]]);
    assert_eq!(shapes(layers, "block_16_depthwise"), [[3, 3, expanded, 1]]);
    assert_eq!(shapes(layers, "block_16_project"), [[1, 1, expanded, projected]]);
    assert_eq!(shapes(layers, "Conv_1_bn"), [[last]; 4]);
    let variances = layers.iter().filter(|layer| layer.weights.len() == 4).map(|layer| &layer.weights[3].1);
    assert!(variances.flatten().all(|&variance| variance >= 0.0));
}

#[test]
fn mobilenet_v2_small() {
    if let Some(layers) = published("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5") {
        check_mobilenet(&layers, [16, 336, 112, 1280], 410_208);
    }
}

#[test]
fn mobilenet_v2() {
    if let Some(layers) = published("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5") {
        check_mobilenet(&layers, [32, 960, 320, 1280], 2_257_984);
    }
}

/// Two published files have this name; both have the same numbers of arrays and parameters.
#[test]
fn resnet50() {
    let Some(layers) = published("resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5") else { return };
    let first = match Naming::of(&layers) {
        Some(Naming::ResNet50Branches) => ["conv1", "res2a_branch2a", "bn5c_branch2c"],
        Some(Naming::ResNet50Blocks) => ["conv1_conv", "conv2_block1_1_conv", "conv5_block3_3_bn"],
        other => panic!("{other:?}"),
    };
    assert_eq!(layers.iter().filter(|layer| layer.weights.len() == 2).count(), 53);
    assert_eq!(layers.iter().filter(|layer| layer.weights.len() == 4).count(), 53);
    assert_eq!(parameters(&layers), 23_587_712);
    assert_eq!(shapes(&layers, first[0]), [vec![7, 7, 3, 64], vec![64]]);
    assert_eq!(shapes(&layers, first[1]), [vec![1, 1, 64, 64], vec![64]]);
    assert_eq!(shapes(&layers, first[2]), [[2048]; 4]);
}

/// The names alone decide.
#[test]
fn naming() {
    let of = |names: &[&str]| {
        let layer = |name: &&str| LayerWeights { layer: name.to_string(), place: None, weights: Vec::new() };
        Naming::of(&names.iter().map(layer).collect::<Vec<_>>())
    };
    assert_eq!(of(&["res2a_branch2a", "res5c_branch2c"]), Some(Naming::ResNet50Branches));
    assert_eq!(of(&["conv2_block1_1_conv", "conv5_block3_3_conv"]), Some(Naming::ResNet50Blocks));
    let resnet101 = ["conv2_block1_1_conv", "conv4_block7_1_conv", "conv5_block3_3_conv"];
    assert_eq!(of(&resnet101), None);
    assert_eq!(of(&["res2a_branch2a", "bn2a_branch2a"]), None, "only the beginning of the network");
    assert_eq!(of(&[]), None);
    assert_eq!(Naming::ResNet50Blocks.epsilon(), 1.001e-5);
    assert_eq!(Naming::ResNet50Branches.epsilon(), 1e-3);
}
