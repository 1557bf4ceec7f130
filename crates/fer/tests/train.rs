//! `fer train`, `eval` and `predict` from end to end, through the binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A network that trains in a moment.
const NETWORK: &str = r#"{"name": "tiny", "input_shape": [48, 48, 1], "layers": [
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 5, "strides": 3, "activation": "relu"}},
    {"class_name": "MaxPooling2D", "config": {"pool_size": 2}},
    {"class_name": "Flatten", "config": {}},
    {"class_name": "Dropout", "config": {"rate": 0.1}},
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax", "kernel_regularizer": {"l2": 1e-4}}}]}"#;

/// A `fer` command in a folder of its own, without settings from the environment.
fn fer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FER_")) {
        command.env_remove(name);
    }
    command
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    fer(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Checks exit code and message of a command that must fail, and that it leaves nothing behind.
#[track_caller]
fn fails(folder: &Path, arguments: &[&str], code: i32, fragments: &[&str]) {
    let before = fs::read_dir(folder).unwrap().count();
    let output = run(folder, arguments);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{arguments:?}: {fragment:?} is not in: {stderr}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), before, "{arguments:?} left something behind");
}

fn folder_with_network() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.json"), NETWORK).unwrap();
    folder
}

const TRAIN: [&str; 10] =
    ["train", "tiny.json", "--epochs", "2", "--batch", "32", "--limit", "210", "--seed", "7"];

#[test]
fn a_run_leaves_everything_that_is_needed_to_use_and_repeat_it() {
    let folder = folder_with_network();
    let folder = folder.path();
    let result = succeeds(folder, &[&TRAIN[..], &["--json"]].concat());
    let result: Value = serde_json::from_str(&result).unwrap();
    let mut keys: Vec<_> = result.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = "epochs model params seconds test_acc test_loss train_acc train_loss val_acc val_loss";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(
        (&result["model"], &result["epochs"], &result["params"]),
        (&"tiny".into(), &2.into(), &1483.into())
    );

    let run_folder = folder.join("runs/tiny");
    for file in ["config.toml", "network.json", "env.json", "summary.txt", "result.json", "confusion.csv"] {
        assert!(run_folder.join(file).metadata().unwrap().len() > 0, "{file}");
    }
    let lines = |file: &str| fs::read_to_string(run_folder.join(file)).unwrap().lines().count();
    assert_eq!((lines("metrics.csv"), lines("predictions.csv"), lines("confusion.csv")), (3, 71, 8));

    // The same settings from the run's own file, with another number of threads: the same bits.
    succeeds(folder, &["train", "--config", "runs/tiny/config.toml", "--threads", "1"]);
    let weights = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert_eq!(weights("runs/tiny"), weights("runs/tiny-2"), "runs are numbered and repeatable");

    // What the run measured is what eval measures.
    let measured = succeeds(folder, &["eval", "runs/tiny", "--split", "test", "--json"]);
    let measured: Value = serde_json::from_str(&measured).unwrap();
    assert_eq!(measured["accuracy"], result["test_acc"]);
    assert_eq!(measured["loss"], result["test_loss"]);
    assert_eq!(measured["images"], 70);
    assert!(succeeds(folder, &["eval", "runs/tiny", "--split", "val"]).contains("precision"));

    // A photograph of any size and colour.
    let photograph = image::RgbImage::from_fn(70, 90, |x, y| image::Rgb([x as u8 * 3, y as u8 * 2, 90]));
    photograph.save(folder.join("face.png")).unwrap();
    let predicted = succeeds(folder, &["predict", "face.png", "--run", "runs/tiny", "--json"]);
    let predicted: Value = serde_json::from_str(&predicted).unwrap();
    let probabilities = predicted[0]["probabilities"].as_object().unwrap();
    let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
    assert!(probabilities.len() == 7 && (sum - 1.0).abs() < 1e-5, "{predicted}");
}

#[test]
fn without_a_terminal_there_is_one_plain_line_per_epoch() {
    let folder = folder_with_network();
    let stderr = text(&run(folder.path(), &TRAIN).stderr);
    let epochs: Vec<_> = stderr.lines().filter(|line| line.contains("val_accuracy")).collect();
    assert!(epochs.len() == 2 && epochs[0].starts_with("1/2 - "), "{stderr}");
    assert!(!stderr.contains(['\r', '\u{1b}']), "{stderr:?}");
    assert!(stderr.contains("no --data given: using the embedded synthetic faces"), "{stderr}");
}

#[test]
fn bad_settings_are_refused_before_anything_is_written() {
    let folder = folder_with_network();
    let folder = folder.path();
    let with = |extra: &[&'static str]| [&TRAIN[..2], &["--limit", "70", "--epochs", "1"], extra].concat();
    fails(folder, &["train"], 2, &["no model given"]);
    fails(folder, &["train", "cnn9"], 2, &["\"cnn9\"", "cnn1", "did you mean"]);
    fails(folder, &["train", "none.json"], 1, &["none.json", "No such file"]);
    fails(folder, &["train", "cnn1", "--epochs=ten"], 2, &["--epochs", "ten"]);
    fails(folder, &["train", "cnn1", "--epochs=0"], 2, &["epochs = 0", "at least 1"]);
    fails(folder, &["train", "cnn1", "--lr=-1"], 2, &["lr = -1", "above 0"]);
    fails(folder, &["train", "cnn1", "--lr=nan"], 2, &["lr = NaN"]);
    fails(folder, &["train", "cnn1", "--lr=1e-400"], 2, &["lr = 0"]);
    fails(folder, &["train", "cnn1", "--batch=-1"], 2, &["--batch"]);
    fails(folder, &["train", "cnn1", "--batch=0"], 2, &["batch = 0"]);
    fails(
        folder,
        &["train", "cnn1", "--batch=9223372036854775808"],
        2,
        &["batch", "at most the 2100 training images"],
    );
    fails(folder, &["train", "cnn1", "--threads=0"], 2, &["threads = 0", "1 to 1024"]);
    fails(folder, &["train", "cnn1", "--threads=1000000"], 2, &["threads = 1000000"]);
    fails(folder, &["train", "cnn1", "--seed=-1"], 2, &["--seed"]);
    fails(folder, &["train", "cnn1", "--seed=18446744073709551616"], 2, &["--seed"]);
    fails(folder, &["train", "cnn1", "--seed=18446744073709551615"], 2, &["seed", "9223372036854775807"]);
    fails(folder, &["train", "cnn1", "--limit=0"], 2, &["limit = 0"]);
    fails(folder, &["train", "cnn1", "--optimizer=adamm"], 2, &["adamm", "adam"]);
    fails(folder, &["train", "cnn1", "--momentum=0.9"], 2, &["momentum", "sgd"]);
    fails(folder, &["train", "cnn1", "--optimizer=sgd", "--momentum=1"], 2, &["momentum = 1"]);
    fails(folder, &["train", "cnn1", "--nonsense"], 2, &["--nonsense"]);
    fails(folder, &["train", "cnn1", "--data", "nowhere"], 1, &["nowhere"]);
    fails(folder, &with(&["--run", "tiny.json"]), 1, &["tiny.json is not a folder"]);
    fails(folder, &["eval", "nowhere"], 1, &["nowhere", "not a run folder"]);
    fails(folder, &["predict", "--run", "nowhere"], 2, &["IMAGE"]);
    fails(folder, &["predict", "tiny.json", "--run", "nowhere"], 1, &["not a run folder"]);
}

#[test]
fn bad_configuration_files_are_refused_with_their_line() {
    let folder = folder_with_network();
    let folder = folder.path();
    for (content, fragments) in [
        ("model = \"cnn1\"\nlerning_rate = 0.1\n", &["line 2", "lerning_rate", "lr"][..]),
        ("lr = 0.1\nlr = 0.2\n", &["line 2", "duplicate"]),
        ("lr = \"0.1\"\n", &["line 1", "the text \"0.1\" instead of a number"]),
        ("epochs = -3\n", &["line 1", "-3"]),
        ("epochs = 1.5\n", &["line 1", "1.5"]),
        ("= 3\n", &["line 1"]),
    ] {
        let path = folder.join("bad.toml");
        fs::write(&path, content).unwrap();
        fails(folder, &["train", "--config", "bad.toml"], 1, fragments);
        fs::remove_file(path).unwrap();
    }
    // A value that no flag may have, no file may have either.
    fs::write(folder.join("bad.toml"), "model = 'cnn1'\nlr = nan\n").unwrap();
    fails(folder, &["train", "--config", "bad.toml"], 2, &["lr = NaN"]);
    fails(folder, &["train", "--config", "none.toml"], 1, &["none.toml", "No such file"]);
    fails(folder, &["train", "--config", "."], 1, &["regular file"]);
    let deep = folder.join("deep.toml");
    fs::write(&deep, format!("a = {}", "[".repeat(10_000))).unwrap();
    fails(folder, &["train", "--config", "deep.toml"], 1, &["deep.toml"]);
}

#[test]
fn flags_win_over_the_environment_which_wins_over_the_file() {
    let folder = folder_with_network();
    let folder = folder.path();
    fs::write(folder.join("c.toml"), "model = \"tiny.json\"\nlimit = 70\nepochs = 3\nseed = 1\nlr = 0.5\n")
        .unwrap();
    let status = fer(folder, &["train", "--config", "c.toml", "--epochs", "1", "--run", "run"])
        .env("FER_EPOCHS", "2")
        .env("FER_SEED", "9")
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let config = fs::read_to_string(folder.join("run/config.toml")).unwrap();
    for line in ["epochs = 1", "seed = 9", "lr = 0.5", "limit = 70"] {
        assert!(config.lines().any(|l| l == line), "{line} is not in:\n{config}");
    }
}

#[test]
fn a_run_is_never_overwritten() {
    let folder = folder_with_network();
    let folder = folder.path();
    let train = ["train", "tiny.json", "--epochs", "1", "--limit", "70", "--run", "mine"];
    succeeds(folder, &train);
    let before = fs::read(folder.join("mine/last.safetensors")).unwrap();
    fails(folder, &train, 1, &["mine", "never overwritten"]);
    assert_eq!(fs::read(folder.join("mine/last.safetensors")).unwrap(), before);
    // Unusual but legal names.
    let odd = "a folder with spaces/größe";
    succeeds(folder, &["train", "tiny.json", "--epochs", "1", "--limit", "70", "--run", odd]);
    assert!(folder.join(odd).join("last.safetensors").is_file());
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_with_its_place() {
    let folder = folder_with_network();
    let folder = folder.path();
    let output = run(folder, &[&TRAIN[..], &["--optimizer", "sgd", "--lr", "1e30"]].concat());
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("non-finite loss") && stderr.contains("epoch 1, step"), "{stderr}");
    assert!(!folder.join("runs/tiny/last.safetensors").exists(), "weights of a failed run were saved");
}

#[cfg(unix)]
#[test]
fn ctrl_c_finishes_the_step_saves_the_weights_and_exits_with_130() {
    let folder = folder_with_network();
    let folder = folder.path();
    let mut child = fer(folder, &["train", "tiny.json", "--epochs", "100000", "--limit", "210"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !folder.join("runs/tiny/best.safetensors").exists() {
        assert!(Instant::now() < deadline, "no epoch was finished in a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    succeeds(folder, &["eval", "runs/tiny"]);
}

#[test]
fn models_are_listed_printed_and_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let list: Value = serde_json::from_str(&succeeds(folder, &["model", "list", "--json"])).unwrap();
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|model| model["model"].as_str().unwrap()).collect();
    assert_eq!(names.join(" "), "fnn1 fnn2 fnn3 fnn4 fnn5 cnn1 cnn2 cnn3 search");
    assert!(succeeds(folder, &["model", "summary", "cnn1"]).contains("Total params: 2,723,303 (10.39 MB)"));
    let summary: Value =
        serde_json::from_str(&succeeds(folder, &["model", "summary", "cnn1", "--json"])).unwrap();
    assert_eq!(summary["layers"][1]["output_shape"], serde_json::json!([44, 44, 32]));

    let config = succeeds(folder, &["model", "config", "fnn1"]);
    let narrower = config.replace("1568", "24").replace("784", "16");
    fs::write(folder.join("mine.json"), narrower).unwrap();
    let result = succeeds(folder, &["train", "mine.json", "--epochs", "1", "--limit", "70", "--json"]);
    let result: Value = serde_json::from_str(&result).unwrap();
    let expected = 2304 * 24 + 24 + 24 * 16 + 16 + 16 * 392 + 392 + 392 * 196 + 196 + 196 * 7 + 7;
    assert_eq!(result["params"], expected);
    fails(folder, &["model", "summary", "cnn7"], 2, &["cnn7", "did you mean"]);
}

/// A network tells the seven emotions apart, or it is refused before anything is begun.
#[test]
fn networks_whose_outputs_are_not_the_classes_are_refused_by_name() {
    let folder = folder_with_network();
    let folder = folder.path();
    succeeds(folder, &["data", "synth", "-o", "faces", "--train", "70", "--val", "7", "--test", "7"]);
    let flatten = r#"{"class_name": "Flatten", "config": {}},"#;
    for (units, outputs) in
        [(1, "1 output"), (5, "5 outputs"), (8, "8 outputs"), (9, "9 outputs"), (10, "10 outputs")]
    {
        let network = NETWORK.replace("\"units\": 7", &format!("\"units\": {units}"));
        fs::write(folder.join("u.json"), network.replace("tiny", "mine")).unwrap();
        let expected = format!("network \"mine\" has {outputs}, the data has 7 classes");
        fails(folder, &["train", "u.json", "--data", "faces"], 1, &[&expected]);
        let augment = ["augment", "train", "--model", "u.json", "--variant", "face", "--data", "faces"];
        fails(folder, &augment, 1, &[&expected]);
    }
    fs::write(folder.join("u.json"), NETWORK.replace(flatten, "")).unwrap();
    fails(
        folder,
        &["train", "u.json", "--data", "faces"],
        1,
        &["has outputs of shape [7, 7, 7]", "7 classes"],
    );
    fs::remove_file(folder.join("u.json")).unwrap();
    // A run whose network was exchanged.
    succeeds(folder, &["train", "tiny.json", "--epochs", "1", "--data", "faces"]);
    fs::write(folder.join("runs/tiny/network.json"), NETWORK.replace("\"units\": 7", "\"units\": 9"))
        .unwrap();
    for command in [&["eval", "runs/tiny"][..], &["predict", "face.png", "--run", "runs/tiny"]] {
        fails(folder, command, 1, &["network.json: network \"tiny\" has 9 outputs, the data has 7 classes"]);
    }
}

#[test]
fn faces_that_are_resized_are_spoken_of_once() {
    let folder = folder_with_network();
    let folder = folder.path();
    fs::write(folder.join("tiny.json"), NETWORK.replace("[48, 48, 1]", "[28, 28, 1]")).unwrap();
    let remark = "the network takes images of 28x28: faces are resized from 48x48";
    for command in [&["train", "tiny.json", "--epochs", "1", "--limit", "70"][..], &["eval", "runs/tiny"]] {
        let output = run(folder, command);
        let stderr = text(&output.stderr);
        assert!(output.status.success() && stderr.matches(remark).count() == 1, "{stderr}");
    }
}

#[test]
fn each_image_has_its_prediction_or_its_error() {
    let folder = folder_with_network();
    let folder = folder.path();
    succeeds(folder, &["train", "tiny.json", "--epochs", "1", "--limit", "70"]);
    image::GrayImage::from_fn(48, 48, |x, y| image::Luma([(x * y) as u8]))
        .save(folder.join("good.png"))
        .unwrap();
    fs::write(folder.join("bad.webp"), "RIFF\u{10}\0\0\0WEBPVP8 ").unwrap();
    let command = ["predict", "good.png", "bad.webp", "none.png", "good.png", "--run", "runs/tiny"];
    let output = run(folder, &command);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let lines: Vec<_> = stdout.lines().collect();
    assert!(lines.len() == 2 && lines[0] == lines[1] && lines[0].starts_with("good.png: "), "{stdout}");
    for error in [
        "error: bad.webp: is a WebP image",
        "error: none.png: No such file",
        "no prediction for 2 of 4 images",
    ] {
        assert!(stderr.contains(error), "{stderr}");
    }
    let output = run(folder, &[&command[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys: Vec<_> = results.as_array().unwrap().iter().map(|one| one.get("error").is_some()).collect();
    assert_eq!(keys, [false, true, true, false], "{results}");
    assert_eq!(results[1]["image"], "bad.webp");
    assert_eq!(results[0]["probabilities"], results[3]["probabilities"]);
}
