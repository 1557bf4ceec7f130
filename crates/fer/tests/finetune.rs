//! `fer finetune` from end to end, through the binary.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Few enough faces for a network of 155 layers in a moment; more than a batch, and a part of one.
const SMALL: [&str; 6] = ["--limit", "40", "--epochs", "2", "--batch", "16"];

fn fer(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FER_")) {
        command.env_remove(name);
    }
    command.env("HOME", folder).env_remove("XDG_CACHE_HOME");
    command.args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn finetune(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = fer(folder, &[&["finetune"], arguments, &SMALL].concat());
    let [stdout, stderr] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{stderr}");
    (stdout, stderr)
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], fragments: &[&str]) {
    let output = fer(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{arguments:?}: {fragment:?} is not in: {stderr}");
    }
    assert!(!folder.join("runs").exists(), "{arguments:?} left a run behind");
}

fn weights(folder: &Path, run: &str) -> [Vec<u8>; 2] {
    ["best", "last"].map(|name| fs::read(folder.join(run).join(format!("{name}.safetensors"))).unwrap())
}

/// Features that are computed once, or read, or read back after damage, give the bits of the whole network.
#[test]
fn cached_features_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let random = ["ft2", "--weights", "random", "--seed", "3", "--cache", "cache"];
    let run = |name: &'static str| finetune(folder, &[&random[..], &["--run", name, "--json"]].concat());
    let (first, said) = run("computed");
    assert_eq!(said.matches("features computed, kept in").count(), 3, "{said}");
    let (_, said) = run("read");
    assert_eq!(said.matches("features read from").count(), 3, "{said}");
    let mut files: Vec<_> = fs::read_dir(folder.join("cache")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 3);
    files.sort();
    let mut damaged = fs::read(&files[0]).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&files[0], damaged).unwrap();
    fs::write(&files[1], "nothing of the kind").unwrap();
    let (_, said) = run("damaged");
    assert_eq!(said.matches("features read from").count(), 1, "{said}");
    assert_eq!(said.matches("features computed, kept in").count(), 2, "{said}");
    let whole = ["ft2", "--weights", "random", "--seed", "3", "--no-cache", "--run", "whole", "--json"];
    let (last, said) = finetune(folder, &whole);
    assert!(!said.contains("features"), "{said}");
    for name in ["read", "damaged", "whole"] {
        assert!(weights(folder, name) == weights(folder, "computed"), "{name}");
    }
    let [first, last]: [Value; 2] = [first, last].map(|json| serde_json::from_str(&json).unwrap());
    for key in ["model", "params", "epochs", "train_acc", "val_acc", "test_acc", "train_loss", "test_loss"] {
        assert_eq!(first[key], last[key], "{key}");
    }
    assert_eq!(first["params"], 3_967_559);
}

/// The whole network is taken through its front in slices of other sizes, so that sums have another order; a few steps of
/// gradient descent, which unlike Adam does not magnify that, differ by their rounding.
#[track_caller]
fn assert_close(a: &[u8], b: &[u8]) {
    let [a, b] = [a, b].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    for name in a.names() {
        let [a, b] = [&a, &b].map(|file| {
            let bytes = file.tensor(name).unwrap().data();
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect::<Vec<f32>>()
        });
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() <= 1e-5 * (1.0 + a.abs()), "{name}: {a} {b}");
        }
    }
}

/// Features start behind the frozen layers, wherever these end.
#[test]
fn unfrozen_layers_learn_and_frozen_ones_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let layers = ["--unfreeze-from", "block_16_depthwise", "--preprocess", "imagenet"];
    let sgd = [&layers[..], &["--optimizer", "sgd"]].concat();
    let random = ["ft3", "--weights", "random", "--cache", "cache"];
    finetune(folder, &[&random[..], &layers, &["--run", "cached"]].concat());
    finetune(folder, &[&random[..], &sgd, &["--run", "part"]].concat());
    let random = ["ft3", "--weights", "random", "--no-cache"];
    finetune(folder, &[&random[..], &sgd, &["--run", "whole"]].concat());
    let last = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert_close(&last("part"), &last("whole"));
    let last = last("cached");
    finetune(folder, &[&random[..], &["--lr", "1e-30", "--run", "untrained"]].concat());
    let initial = fs::read(folder.join("untrained/last.safetensors")).unwrap();
    let [last, initial] =
        [&last, &initial].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    let changed = |name: &str| last.tensor(name).unwrap().data() != initial.tensor(name).unwrap().data();
    for trained in ["block_16_depthwise/depthwise_kernel", "Conv_1/kernel", "dense/kernel", "dense_3/bias"] {
        assert!(changed(trained), "{trained}");
    }
    for frozen in ["block_16_expand/kernel", "Conv1/kernel", "Conv_1_bn/gamma", "Conv_1_bn/moving_mean"] {
        assert!(!changed(frozen), "{frozen}");
    }
    let config = fs::read_to_string(folder.join("cached/config.toml")).unwrap();
    assert!(config.contains("[finetune]") && config.contains("unfreeze-from"), "{config}");
    let transform = fs::read_to_string(folder.join("cached/transform.json")).unwrap();
    assert!(transform.contains("symmetric"), "{transform}");
    // The run's settings repeat the run; the network is measured with the run's own transform.
    finetune(folder, &["--config", "cached/config.toml", "--cache", "cache", "--run", "again"]);
    assert!(weights(folder, "again") == weights(folder, "cached"));
    let measured = fer(folder, &["eval", "cached", "--json"]);
    let measured: Value = serde_json::from_slice(&measured.stdout).unwrap();
    let result: Value =
        serde_json::from_slice(&fs::read(folder.join("cached/result.json")).unwrap()).unwrap();
    assert_eq!(measured["accuracy"], result["test_acc"]);
    // Batch normalisation learns where it is asked to.
    finetune(folder, &[&random[..], &layers, &["--train-batch-norm", "--run", "norm"]].concat());
    let last = fs::read(folder.join("norm/last.safetensors")).unwrap();
    let last = safetensors::SafeTensors::deserialize(&last).unwrap();
    for name in ["Conv_1_bn/gamma", "Conv_1_bn/moving_mean"] {
        assert!(last.tensor(name).unwrap().data() != initial.tensor(name).unwrap().data(), "{name}");
    }
}

/// `--unfreeze-last`, `--input` and `--l2` do what they say.
#[test]
fn layers_are_counted_inputs_resized_and_kernels_penalised() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |name: &'static str, more: &[&'static str]| -> Value {
        let all =
            [&["ft2", "--weights", "random", "--cache", "cache", "--run", name, "--json"], more].concat();
        serde_json::from_str(&finetune(folder, &all).0).unwrap()
    };
    let tensors = |name: &str| fs::read(folder.join(name).join("last.safetensors")).unwrap();
    // The last four: Conv_1, its normalisation and rectifier, and the pooling.
    run("number", &["--unfreeze-last", "4"]);
    run("name", &["--unfreeze-from", "Conv_1"]);
    assert!(tensors("number") == tensors("name"));
    let frozen = run("frozen", &[]);
    assert!(tensors("frozen") != tensors("name"));
    // The penalty is in the loss of training, of three kernels with Glorot's variance.
    let penalised = run("penalised", &["--l2", "0.01"]);
    let [with, without] = [&penalised, &frozen].map(|result| result["train_loss"].as_f64().unwrap());
    assert!(with > without + 1.0, "{with} {without}");
    let large = run("large", &["--input", "64"]);
    assert_eq!(large["params"], frozen["params"]);
    let network = fs::read_to_string(folder.join("large/network.json")).unwrap();
    assert!(network.contains("64,") && !network.contains("48,"), "{network}");
}

/// The published MobileNetV2 of a width, from the folder `FER_WEIGHTS`.
fn published(width: &str, test: &str) -> Option<String> {
    let file = format!("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{width}_224_no_top.h5");
    let path = std::env::var_os("FER_WEIGHTS").map(|folder| PathBuf::from(folder).join(&file));
    let found = path.filter(|path| path.exists()).map(|path| path.to_str().unwrap().to_owned());
    if found.is_none() {
        // Past the test runner's capture, so that it shows for a passing test as well.
        let _ = writeln!(std::io::stderr(), "skipped: {test} (needs {file} in the folder FER_WEIGHTS)");
    }
    found
}

/// What initial weights make of a face fades from layer to layer, until next to nothing of it is left; published weights
/// show whether what the layers on top get is right.
#[test]
fn cached_features_of_published_weights_change_nothing() {
    let Some(file) = published("1.0", "cached_features_of_published_weights_change_nothing") else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let begin = ["ft2", "--weights", &file, "--preprocess", "imagenet", "--optimizer", "sgd", "--run"];
    let run =
        |name: &'static str, more: &[&'static str]| finetune(folder, &[&begin[..], &[name], more].concat());
    run("computed", &["--cache", "cache"]);
    let (_, said) = run("read", &["--cache", "cache"]);
    assert_eq!(said.matches("features read from").count(), 3, "{said}");
    run("whole", &["--no-cache"]);
    for name in ["read", "whole"] {
        assert!(weights(folder, name) == weights(folder, "computed"), "{name}");
    }
    let unfrozen = ["--unfreeze-from", "block_16_project"];
    run("part", &[&unfrozen[..], &["--cache", "cache"]].concat());
    run("all", &[&unfrozen[..], &["--no-cache"]].concat());
    let last = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert_close(&last("part"), &last("all"));
    let [frozen, trained] = [last("whole"), last("all")];
    let [frozen, trained] =
        [&frozen, &trained].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    for name in ["block_16_project/kernel", "Conv_1/kernel"] {
        let values = |file: &safetensors::SafeTensors| -> Vec<f32> {
            let bytes = file.tensor(name).unwrap().data();
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
        };
        let moved =
            values(&frozen).iter().zip(values(&trained)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Far more than `assert_close` allows.
        assert!(moved > 1e-4, "{name} moved by {moved}");
    }
}

#[test]
fn wrong_settings_are_told_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let official = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5";
    fails(folder, &["finetune", "ft2"], &["no weights", official, ".keras/models", "--weights random"]);
    let resnet = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5";
    fails(folder, &["finetune", "ft1", "--weights", "gone.h5"], &["gone.h5 does not exist", resnet]);
    fs::write(folder.join("text.h5"), "text").unwrap();
    fails(folder, &["finetune", "ft1", "--weights", "text.h5"], &["text.h5"]);
    fails(folder, &["finetune", "cnn1"], &["ft1, ft2, ft3"]);
    fails(folder, &["train", "ft1"], &["fer finetune ft1"]);
    let random = |more: &[&'static str]| [&["finetune", "ft2", "--weights", "random"], more].concat();
    fails(folder, &random(&["--input", "31"]), &["input = 31"]);
    fails(folder, &random(&["--l2", "-1"]), &["l2 = -1"]);
    fails(folder, &random(&["--l2", "nan"]), &["l2 = NaN"]);
    fails(folder, &random(&["--unfreeze-from", "block_16_projekt"]), &["did you mean \"block_16_project\""]);
    fails(folder, &random(&["--unfreeze-from", "x", "--unfreeze-last", "2"]), &["cannot be used with"]);
    fails(folder, &random(&["--preprocess", "caffe"]), &["study, imagenet"]);
}

/// A narrower network under the name of the study's would be another one in every table.
#[test]
fn published_weights_of_another_width_are_refused() {
    let Some(file) = published("0.35", "published_weights_of_another_width_are_refused") else { return };
    let folder = tempfile::tempdir().unwrap();
    let reason = "expected weights of MobileNetV2 of width 1, on which ft2 is built";
    fails(folder.path(), &["finetune", "ft2", "--weights", &file], &["MobileNetV2 of width 0.35", reason]);
}
