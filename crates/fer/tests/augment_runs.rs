//! `fer augment` from end to end, through the binary.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A network that trains in a moment, on the flat image.
const FLAT: &str = r#"{"name": "flat", "input_shape": [2304], "layers": [
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FER_")) {
        command.env_remove(name);
    }
    command.args(arguments).current_dir(folder);
    command
}

fn fer(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = fer(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
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

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("flat.json"), FLAT).unwrap();
    folder
}

/// A short training on a few faces.
fn train(folder: &Path, run: &str, more: &[&str]) -> Value {
    let short = [
        "augment",
        "train",
        "--model",
        "flat.json",
        "--limit",
        "70",
        "--epochs",
        "3",
        "--run",
        run,
        "--json",
    ];
    serde_json::from_str(&succeeds(folder, &[&short[..], more].concat())).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn faces_of_evaluation_are_standardised_as_those_of_training() {
    let folder = folder();
    let folder = folder.path();
    let matched = train(folder, "matched", &["--variant", "1"]);
    let raw = train(folder, "raw", &["--variant", "1", "--raw-test"]);
    let weights = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert!(weights("matched") == weights("raw"), "evaluation changes no weight");
    assert_ne!(matched["test_loss"], raw["test_loss"]);
    assert!(folder.join("matched/statistics.safetensors").is_file());
    let transform = json(folder.join("matched/transform.json"));
    assert_eq!(transform["augmentation"]["rotation_range"], 90.0);
    assert_eq!(transform["augmentation"]["zca_whitening"], true);
    // Measured again from the run folder, with its statistics.
    let eval = |arguments: &[&str]| -> Value {
        serde_json::from_str(&succeeds(folder, &[&["eval"], arguments, &["--json"]].concat())).unwrap()
    };
    assert_eq!(eval(&["matched"])["loss"], matched["test_loss"]);
    assert_eq!(eval(&["matched", "--raw-test"])["loss"], raw["test_loss"]);
    assert_eq!(eval(&["raw"])["loss"], raw["test_loss"]);
    // The run's own settings repeat it.
    let again = train(folder, "again", &["--config", "matched/config.toml"]);
    assert_eq!(again["test_loss"], matched["test_loss"]);
    let written = fs::read_to_string(folder.join("matched/config.toml")).unwrap();
    assert!(written.contains("[augment.generator]"), "{written}");
    fs::remove_file(folder.join("matched/statistics.safetensors")).unwrap();
    let output = fer(folder, &["eval", "matched"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("statistics.safetensors"));
}

#[test]
fn threads_change_nothing_and_the_seed_does() {
    let folder = folder();
    let folder = folder.path();
    for (run, more) in [
        ("one", ["--variant", "face", "--threads", "1", "--seed", "3"]),
        ("three", ["--variant", "face", "--threads", "3", "--seed", "3"]),
        ("other", ["--variant", "face", "--threads", "1", "--seed", "4"]),
    ] {
        train(folder, run, &more);
    }
    let weights = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert!(weights("one") == weights("three"));
    assert!(weights("one") != weights("other"));
}

/// A run that was interrupted somewhere in its first epochs goes on with the images that it would have seen.
#[test]
#[cfg(unix)]
fn a_resumed_run_sees_the_same_images() {
    let folder = folder();
    let folder = folder.path();
    let generator = "featurewise_std_normalization = true\nrotation_range = 10\nhorizontal_flip = true\n\
                     mixup_alpha = 0.3\ncutmix_alpha = 1\n[random_erasing]\n";
    fs::write(folder.join("mine.toml"), generator).unwrap();
    let begin = |run: &'static str| {
        let settings = ["--model", "flat.json", "--generator", "mine.toml", "--limit", "70", "--batch", "16"];
        [&["augment", "train", "--epochs", "8", "--run", run], &settings[..]].concat()
    };
    succeeds(folder, &begin("once"));
    let often = [&begin("parts")[..], &["--checkpoint-minutes", "0"]].concat();
    let mut child = command(folder, &often).stderr(Stdio::null()).spawn().unwrap();
    let checkpoints = folder.join("parts/checkpoints");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !fs::read_dir(&checkpoints).is_ok_and(|files| files.count() >= 2) {
        assert!(Instant::now() < deadline, "two minutes were not enough");
        thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.join("parts/result.json").exists());
    // The file may have changed meanwhile, and the number of threads.
    fs::remove_file(folder.join("mine.toml")).unwrap();
    succeeds(folder, &["augment", "train", "--resume", "--run", "parts", "--threads", "3"]);
    for file in [
        "last.safetensors",
        "best.safetensors",
        "predictions.csv",
        "statistics.safetensors",
        "transform.json",
    ] {
        let [once, parts] = ["once", "parts"].map(|run| fs::read(folder.join(run).join(file)).unwrap());
        assert!(once == parts, "{file}");
    }
}

#[test]
fn an_augmentation_of_ones_own_is_previewed_and_trained() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("mine.toml"), "zoom_range = 0.2\nmixup_alpha = 0.3\n").unwrap();
    train(folder, "mine", &["--generator", "mine.toml"]);
    assert_eq!(json(folder.join("mine/transform.json"))["augmentation"]["mixup_alpha"], 0.3);
    assert!(!folder.join("mine/statistics.safetensors").exists());
    for (arguments, width) in [
        (&["--config", "mine.toml"][..], 2 * 316 + 20),
        (&["--variant", "face"], 2 * 316 + 20),
        (&[], 3 * 316 + 20),
    ] {
        let all =
            [&["augment", "preview", "-o", "sheet.png", "--force", "--limit", "70"], arguments].concat();
        assert_eq!(succeeds(folder, &all).trim(), "sheet.png");
        let sheet = image::open(folder.join("sheet.png")).unwrap();
        assert_eq!(sheet.width(), width, "{arguments:?}");
    }
}

#[test]
fn wrong_augmentations_are_told_before_anything_is_written() {
    let folder = folder();
    let folder = folder.path();
    let train = |more: &[&'static str]| [&["augment", "train", "--model", "flat.json"], more].concat();
    fails(folder, &train(&[]), &["--variant", "--generator FILE"]);
    fails(folder, &train(&["--variant", "6"]), &["[possible values: 1, 2, 3, 4, 5, face]"]);
    fails(folder, &train(&["--variant", "1", "--generator", "x.toml"]), &["cannot be used with"]);
    fails(folder, &train(&["--generator", "gone.toml"]), &["gone.toml"]);
    for (text, fragments) in [
        ("rotation = 3", &["bad.toml", "unknown key \"rotation\""][..]),
        ("rotation_range = nan", &["rotation_range = NaN"]),
    ] {
        fs::write(folder.join("bad.toml"), text).unwrap();
        fails(folder, &train(&["--generator", "bad.toml"]), fragments);
        fails(folder, &["augment", "preview", "-o", "x.png", "--config", "bad.toml"], fragments);
    }
    assert!(!folder.join("x.png").exists());
}
