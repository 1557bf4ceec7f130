//! Models that Keras saved: classes that are not its own, names and places, axes, what its configurations may say, and
//! files that are models of another kind.

use super::harness::{Attack, attack};

/// What `make_cases.py` made with the real Keras.
const CASES: &str = "tests/golden/keras_files/cases";

fn summary(name: &'static str, json: impl Into<Vec<u8>>) -> Attack {
    attack(name, "nn-lab summary m.json").file("m.json", json).ends(1, &["m.json"])
}

/// A model of one layer on rows of three numbers.
fn dense(beside: &str, config: &str) -> String {
    format!(
        r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [{{"class_name": "Dense", {beside}
            "config": {{"name": "one", "units": 3, "batch_input_shape": [null, 3]{config}}}}}]}}}}"#
    )
}

fn own_classes() -> Vec<Attack> {
    let saved = |name, file: &str, says: &[&str]| {
        attack(name, "nn-lab summary m.json")
            .fixture(&format!("{CASES}/own_{file}.json"), "m.json")
            .ends(1, says)
    };
    vec![
        saved("an own layer named as one of Keras", "layer", &["layer \"one\"", "mylab>Conv2D"]),
        saved("an own layer of a script", "layer_of_the_script", &["layer \"one\"", "script"]),
        saved("an own activation named as one of Keras", "activation", &["layer \"one\"", "mylab>relu"]),
        saved("an own initialiser named as one of Keras", "initializer", &["layer \"one\"", "mylab>Zeros"]),
        saved("an own regulariser named as one of Keras", "regularizer", &["layer \"one\"", "mylab>L2"]),
        saved("an own constraint named as one of Keras", "constraint", &["layer \"one\"", "mylab>NonNeg"]),
        saved("an own model named as one of Keras", "model", &["mylab>Sequential"]),
        summary("an own layer of another package", dense(r#""module": "keras_cv.layers","#, ""))
            .ends(1, &["keras_cv.layers.Dense"]),
        summary(
            "an own class that commands the terminal",
            dense(r#""registered_name": "a\u001b[2J>b","#, ""),
        )
        .ends(1, &["layer \"one\"", "not Keras's own"]),
    ]
}

fn configurations() -> Vec<Attack> {
    let zeros = "0".repeat(308);
    let axes = vec!["1"; 60_000].join(",");
    let long = "x".repeat(100_000);
    let wide = |piece: &str| {
        let pieces = piece.repeat((7 << 20) / piece.len());
        format!(r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [{pieces}0]}}}}"#)
    };
    vec![
        summary("an activation beside the configuration", dense(r#""activation": "relu","#, ""))
            .ends(1, &["layer \"one\"", "beside its config, activation"]),
        summary("an argument that no layer has", dense("", r#", "activty": "relu""#))
            .ends(1, &["layer \"one\"", "activty = \"relu\" is not supported"]),
        summary(
            "an activation that is a layer",
            dense("", r#", "activation": {"class_name": "LeakyReLU", "config": {}}"#),
        )
        .ends(1, &["layer \"one\"", "a layer of class \"LeakyReLU\""]),
        summary(
            "units of 309 digits",
            dense("", "").replace("\"units\": 3", &format!("\"units\": 1{zeros}")),
        )
        .ends(1, &["units = ", "expected a whole number"]),
        summary("an input of 60,000 axes", dense("", "").replace("[null, 3]", &format!("[{axes}]")))
            .ends(1, &["60000 in all"]),
        summary(
            "a layer with a name of 100,000 letters",
            dense("", "").replace("\"one\"", &format!("\"{long}\"")),
        )
        .ends_in(&[0, 1], &[]),
        summary("a type of numbers that computes otherwise", dense("", r#", "dtype": "int8_from_float32""#))
            .ends(1, &["layer \"one\"", "dtype"]),
        summary("a configuration of millions of numbers", wide("0,")).ends(1, &["more than 1048576 values"]),
        summary("a configuration of millions of objects", wide("{},")).ends(1, &["more than 1048576 values"]),
        summary(
            "a configuration of 150,000 layers",
            wide(r#"{"class_name":"Flatten","config":{"name":"f"}},"#),
        )
        .ends(1, &["layers; the limit is 10000"]),
    ]
}

fn other_kinds() -> Vec<Attack> {
    let kind = |name, bytes: &[u8], says| {
        attack(name, "nn-lab summary m.keras").file("m.keras", bytes).ends(1, says)
    };
    let folder = |name, file: &str, says| {
        attack(name, "nn-lab summary m").setup(&format!("mkdir m; touch m/{file}")).ends(1, says)
    };
    vec![
        folder(
            "a SavedModel",
            "saved_model.pb",
            &["a SavedModel of TensorFlow", "model.save('model.keras')"],
        ),
        folder("a folder of TensorFlow.js", "model.json", &["TensorFlow.js"]),
        folder("an archive that was unpacked", "model.weights.h5", &["unpacked"]),
        summary(
            "a model of TensorFlow.js",
            r#"{"format": "layers-model", "modelTopology": {}, "weightsManifest": []}"#,
        )
        .ends(1, &["TensorFlow.js", "tensorflowjs_converter"]),
        kind("a model of ONNX", b"\x08\x08\x12\x07pytorch", &["an ONNX model"]),
        kind(
            "a graph of TensorFlow",
            b"\x0a\x1b\x0a\x05input\x12\x0bPlaceholder",
            &["a graph of TensorFlow"],
        ),
        kind("a model of TensorFlow Lite", b"\x1c\0\0\0TFL3\0\0", &["TensorFlow Lite"]),
        kind("a pickle of PyTorch", b"\x80\x02\x8a\nl\xfc", &["PyTorch"]),
        kind("a compressed model", b"\x1f\x8b\x08\0", &["gzip; decompress it first"]),
        kind("a model that is a program", b"\x7fELF\x02", &["a program"]),
    ]
}

pub fn rows() -> Vec<Attack> {
    [own_classes(), configurations(), other_kinds()].into_iter().flatten().collect()
}
