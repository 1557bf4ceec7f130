//! `nn-lab run` and `nn-lab summary` on runs of `fer`, on configurations and weights of our own, and on images.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, Luma, Rgb, RgbImage};
use nn_core::checkpoint::save_weights;
use nn_core::keras::load_network;
use nn_core::layers::{ActivationFn, Conv2D, Dense, Flatten};
use nn_core::model::{Network, Sequential};
use nn_core::{Tensor, tensor};
use nn_lab::npy;

fn lab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nn-lab")).args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn predicted(folder: &Path, model: &[&str], input: &[&str]) -> Tensor<f32> {
    let arguments = [&["run"], model, &["--input"], input, &["--output", "y.npy", "--force"]].concat();
    let output = lab(folder, &arguments);
    assert!(output.status.success(), "{output:?}");
    npy::read(&folder.join("y.npy")).unwrap()
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], fragments: &[&str]) {
    let output = lab(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)) && !stderr.contains("panicked"), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{stderr:?} lacks {fragment:?}");
    }
}

/// What a training run leaves behind, as far as it is needed to predict.
fn run_folder(folder: &Path, config: &Sequential, transform: &str) -> Network<f32> {
    let network = config.build::<f32>(5).unwrap();
    fs::create_dir(folder.join("run")).unwrap();
    fs::write(folder.join("run/network.json"), config.to_json()).unwrap();
    fs::write(folder.join("run/transform.json"), transform).unwrap();
    save_weights(&network, &folder.join("run/best.safetensors")).unwrap();
    network
}

fn dense() -> Sequential {
    Sequential::new("dense", &[2304]).add(Dense::new(7).activation(ActivationFn::Softmax))
}

fn face(folder: &Path, name: &str, level: impl Fn(u32, u32) -> u8) -> Vec<f32> {
    let face = GrayImage::from_fn(48, 48, |x, y| Luma([level(x, y)]));
    face.save(folder.join(name)).unwrap();
    face.into_raw().into_iter().map(f32::from).collect()
}

#[test]
fn a_run_predicts_images_prepared_as_it_was_trained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let network = run_folder(folder, &dense(), "{\"scaling\": \"symmetric\"}");
    let faces =
        [face(folder, "a.png", |x, y| (5 * x + y) as u8), face(folder, "b.png", |x, y| (x * y) as u8)];
    let x: Vec<f32> = faces.concat().iter().map(|level| level / 127.5 - 1.0).collect();
    let x = tensor(&[2, 2304], x);
    let y = predicted(folder, &["--model", "run"], &["a.png", "b.png"]);
    assert_eq!(y, network.predict(&x));
    // Arrays are inputs of the network as they are.
    fs::write(folder.join("x.npy"), npy::encode(&x)).unwrap();
    assert_eq!(predicted(folder, &["--model", "run"], &["x.npy"]), y);
    let parts = ["--config", "run/network.json", "--weights", "run/best.safetensors"];
    assert_eq!(predicted(folder, &parts, &["x.npy"]), y);
    // Without the run nobody knows how faces were prepared.
    let raw = predicted(folder, &parts, &["a.png"]);
    assert_eq!(raw, network.predict(&tensor(&[1, 2304], faces[0].clone())));
}

#[test]
fn images_become_inputs_of_other_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let config =
        Sequential::new("colours", &[4, 6, 3]).add(Conv2D::new(2, 3)).add(Flatten::new()).add(Dense::new(3));
    let network = run_folder(folder, &config, "{\"scaling\": \"centred\"}");
    let parts = ["--config", "run/network.json", "--weights", "run/best.safetensors"];
    RgbImage::from_pixel(60, 70, Rgb([200, 100, 7])).save(folder.join("flat.png")).unwrap();
    let x = tensor(&[1, 4, 6, 3], [200.0, 100.0, 7.0].repeat(24));
    assert_eq!(predicted(folder, &parts, &["flat.png"]), network.predict(&x));
    let odd = Sequential::new("odd", &[4, 6, 2]).add(Flatten::new()).add(Dense::new(3));
    fs::write(folder.join("odd.json"), odd.to_json()).unwrap();
    save_weights(&odd.build::<f32>(0).unwrap(), &folder.join("odd.safetensors")).unwrap();
    let arguments = [
        "run",
        "--config",
        "odd.json",
        "--weights",
        "odd.safetensors",
        "--input",
        "flat.png",
        "--output",
        "z.npy",
    ];
    fails(folder, &arguments, &["odd takes inputs of 4 x 6 x 2", "give an array"]);
}

#[test]
fn halves_of_either_kind_make_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let golden =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/keras_files/sequential_cnn.keras");
    let network: Network<f32> = load_network(&golden, None).unwrap();
    save_weights(&network, &folder.join("ours.safetensors")).unwrap();
    fs::write(folder.join("ours.json"), network.config().unwrap().to_json()).unwrap();
    let mut archive = zip::ZipArchive::new(fs::File::open(&golden).unwrap()).unwrap();
    for (name, member) in [("keras.json", "config.json"), ("keras.weights.h5", "model.weights.h5")] {
        let mut file = fs::File::create(folder.join(name)).unwrap();
        std::io::copy(&mut archive.by_name(member).unwrap(), &mut file).unwrap();
    }
    let shape = network.input_shape().batch(2);
    let x = tensor(&shape, (0..shape.iter().product()).map(|i| (i % 11) as f32 / 11.0).collect());
    fs::write(folder.join("x.npy"), npy::encode(&x)).unwrap();
    let y = network.predict(&x);
    for (config, weights) in [
        ("ours.json", "ours.safetensors"),
        ("keras.json", "ours.safetensors"),
        ("keras.json", "keras.weights.h5"),
    ] {
        let parts = ["--config", config, "--weights", weights];
        assert_eq!(predicted(folder, &parts, &["x.npy"]), y, "{config} {weights}");
    }
}

/// The same result with any number of threads that is one.
#[test]
fn threads_are_what_the_environment_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, &dense(), "{\"scaling\": \"centred\"}");
    face(folder, "a.png", |x, y| (x ^ y) as u8);
    let arguments = ["run", "--model", "run", "--input", "a.png", "--output", "-"];
    let with = |threads: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn-lab"));
        command.args(arguments).current_dir(folder).env("RAYON_NUM_THREADS", threads).output().unwrap()
    };
    let one = with("1");
    assert!(one.status.success() && one.stdout.starts_with(b"\x93NUMPY"), "{one:?}");
    assert!(["", "0", "3", "many"].iter().all(|threads| with(threads).stdout == one.stdout));
    let refused = with("100000");
    let stderr = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("RAYON_NUM_THREADS = 100000: expected"), "{stderr}");
}

#[test]
fn runs_are_summarised() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let network = run_folder(folder, &dense(), "{\"scaling\": \"centred\"}");
    for path in ["run", "run/network.json"] {
        let output = lab(folder, &["summary", path]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), network.summary().trim_end());
    }
    fails(
        folder,
        &["summary", "run", "--input", "48,48,1"],
        &["dense takes inputs of 2304, not 48 x 48 x 1"],
    );
    fails(folder, &["summary", "run/best.safetensors"], &["holds weights alone", "network.json"]);
    fails(folder, &["summary", "."], &["."]);
}

#[test]
fn what_does_not_fit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run_folder(folder, &dense(), "{\"scaling\": \"centred\"}");
    face(folder, "a.png", |x, _| x as u8);
    fs::write(folder.join("x.npy"), npy::encode(&tensor(&[1, 3], vec![0.0; 3]))).unwrap();
    let run =
        |input: &[&'static str]| [&["run", "--model", "run", "--output", "y.npy", "--input"], input].concat();
    fails(folder, &run(&["x.npy"]), &["dense takes inputs of 2304, not 3"]);
    fails(folder, &run(&["x.npy", "a.png"]), &["--input takes one array, or images"]);
    fails(folder, &run(&["gone.png"]), &["gone.png: No such file"]);
    fs::write(folder.join("text.png"), "no image").unwrap();
    fails(folder, &run(&["text.png"]), &["text.png", "expected a PNG or JPEG image"]);
    fs::remove_file(folder.join("run/best.safetensors")).unwrap();
    fails(folder, &run(&["a.png"]), &["best.safetensors", "No such file"]);
    assert!(!folder.join("y.npy").exists());
}
