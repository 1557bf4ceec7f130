//! Models in which names, axes and types matter compute what Keras computes; classes that are not Keras's own are refused.
//! `tests/golden/keras_files/make_cases.py` made them with the real Keras.

mod keras_fixtures;

use std::path::{Path, PathBuf};

use keras_fixtures::file;
use nn_core::keras::config::ModelConfig;
use nn_core::keras::load_network;
use nn_core::keras::weights::{self, SavedModel};
use nn_core::model::Network;
use nn_core::tensor;
use safetensors::SafeTensors;

fn case(name: &str) -> PathBuf {
    file("cases").join(name)
}

/// Checks a network against what Keras computed.
#[track_caller]
fn computes(what: &str, name: &str, network: &Network<f32>) {
    let bytes = std::fs::read(case("outputs.safetensors")).unwrap();
    let outputs = SafeTensors::deserialize(&bytes).unwrap();
    let read = |part: &str| {
        let stored = outputs.tensor(&format!("{name}/{part}")).unwrap();
        let values = stored.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        tensor(stored.shape(), values)
    };
    let (y, expected) = (network.predict(&read("x")), read("y"));
    assert_eq!(y.shape(), expected.shape(), "{what}");
    // In bfloat16 Keras keeps 8 bits of each product.
    let tolerance = if name == "bfloat16" { 2e-2 } else { 1e-5 };
    let largest = expected.iter().fold(0f32, |largest, value| largest.max(value.abs()));
    let off = y.iter().zip(&expected).fold(0f32, |off, (a, b)| off.max((a - b).abs()));
    assert!(off <= tolerance * largest, "{what}: off by {off:e} of {largest:e}");
}

/// Keras looks for weights by place, never by name, in each of its files.
#[test]
fn weights_are_found_as_keras_finds_them() {
    for name in ["permuted", "session"] {
        for ending in [".weights.h5", "_classic.h5", ".keras"] {
            let path = case(&format!("{name}{ending}"));
            let config = Some(ModelConfig::read(&case(&format!("{name}.json"))).unwrap());
            let saved = SavedModel { config, weights: weights::load(&path).unwrap() };
            computes(&format!("{name}{ending}"), name, &saved.into_network(None, &path).unwrap());
        }
        let path = case(&format!("{name}.keras"));
        computes("its own archive", name, &load_network(&path, None).unwrap());
    }
}

/// The place of a layer survives a file of ours.
#[test]
fn places_are_kept_in_safetensors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    weights::save_safetensors(&weights::load(&case("permuted.weights.h5")).unwrap(), &path).unwrap();
    let config = Some(ModelConfig::read(&case("permuted.json")).unwrap());
    let saved = SavedModel { config, weights: weights::load_safetensors(&path).unwrap() };
    computes("safetensors", "permuted", &saved.into_network(None, &path).unwrap());
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let config = || ModelConfig::read(&case("permuted.json")).unwrap();
    let error = |file: &str, change: fn(&mut Vec<weights::LayerWeights>)| {
        let path = case(file);
        let mut layers = weights::load(&path).unwrap();
        change(&mut layers);
        config().name_weights(layers, &path).unwrap_err().to_string()
    };
    let missing = error("permuted.weights.h5", |layers| layers.retain(|layer| layer.layer != "second"));
    assert!(missing.contains("layer \"first\"") && missing.contains("conv2d_1"), "{missing}");
    let twice = error("permuted.weights.h5", |layers| layers[1].place = layers[0].place.clone());
    assert!(twice.contains("two layers of the file have the place"), "{twice}");
    let more = error("permuted.weights.h5", |layers| layers[0].place = Some("dense_7".into()));
    assert!(more.contains("no arrays for it, at the place conv2d"), "{more}");
    let unknown = error("permuted.weights.h5", |layers| {
        let extra = weights::LayerWeights { place: Some("dense_7".into()), ..layers[0].clone() };
        layers.push(extra);
    });
    assert!(unknown.contains("has no layer for the arrays") && unknown.contains("dense_7"), "{unknown}");
    let fewer = error("permuted_classic.h5", |layers| drop(layers.remove(0)));
    assert!(fewer.contains("3 layers with arrays, [second, first, last]"), "{fewer}");
    assert!(fewer.contains("the file 2, [second, last]"), "{fewer}");
    let shifted = error("permuted_classic.h5", |layers| layers.rotate_left(1));
    assert!(
        shifted.contains("layer \"first\"") && shifted.contains("layer \"last\" of the file"),
        "{shifted}"
    );
}

#[test]
fn the_last_axis_is_accepted_however_written() {
    for name in ["axis_dense", "axis_image", "axis_sequence", "bfloat16"] {
        let path = case(&format!("{name}.keras"));
        computes(name, name, &load_network(&path, None).unwrap_or_else(|error| panic!("{error}")));
    }
}

/// Variables in bfloat16 are bytes of no type to HDF5.
#[test]
fn bfloat16_is_converted() {
    let layers = weights::load(&case("bfloat16.weights.h5")).unwrap();
    let bytes = std::fs::read(case("outputs.safetensors")).unwrap();
    let outputs = SafeTensors::deserialize(&bytes).unwrap();
    let expected = outputs.tensor("bfloat16/kernel").unwrap();
    let kernel: Vec<u8> = layers[0].weights[0].1.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!((layers[0].weights[0].1.shape(), kernel.as_slice()), (expected.shape(), expected.data()));
}

#[test]
fn own_classes_with_names_of_keras_are_refused() {
    let cases = [
        ("layer_of_the_script", "\"Dense\" is not Keras's own but one of the script"),
        ("layer", "\"Conv2D\" is not Keras's own but \"mylab>Conv2D\""),
        ("activation", "\"mylab>relu\""),
        ("activation_layer", "\"mylab>relu\""),
        ("initializer", "\"Zeros\" is not Keras's own but \"mylab>Zeros\""),
        ("regularizer", "\"L2\" is not Keras's own but \"mylab>L2\""),
        ("constraint", "\"NonNeg\" is not Keras's own but \"mylab>NonNeg\""),
        ("model", "mylab>Sequential"),
    ];
    for (name, words) in cases {
        let path = case(&format!("own_{name}.json"));
        let error = ModelConfig::read(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{name}: {error}");
        assert!(name == "model" || error.contains("layer \"one\""), "{name}: {error}");
    }
    // The same models with Keras's classes are read.
    let json = std::fs::read_to_string(case("own_initializer.json")).unwrap();
    let json = json
        .replace("\"mylab>Zeros\"", "null")
        .replace("\"module\": null", "\"module\": \"keras.initializers\"");
    ModelConfig::from_json(&json, Path::new("model.json")).unwrap();
}
