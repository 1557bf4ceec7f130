//! `nn-lab run` and `nn-lab summary` on models that Keras saved.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nn_core::{Tensor, tensor};
use nn_lab::npy;
use safetensors::SafeTensors;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/keras_files").join(name)
}

/// What Keras computed.
fn keras(name: &str) -> Tensor<f32> {
    let bytes = fs::read(golden("outputs.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let stored = file.tensor(name).unwrap();
    let element = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    tensor(stored.shape(), stored.data().chunks_exact(4).map(element).collect())
}

fn lab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nn-lab")).args(arguments).current_dir(folder).output().unwrap()
}

#[track_caller]
fn result(folder: &Path, arguments: &[&str]) -> Tensor<f32> {
    let output =
        lab(folder, &[&["run", "--input", "x.npy", "--output", "y.npy", "--force"], arguments].concat());
    assert!(output.status.success(), "{output:?}");
    npy::read(&folder.join("y.npy")).unwrap()
}

#[track_caller]
fn close(y: &Tensor<f32>, expected: &Tensor<f32>) {
    assert_eq!(y.shape(), expected.shape());
    let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v * v)).sum::<f64>().sqrt();
    let (off, size) =
        (norm(&mut y.iter().zip(expected).map(|(a, b)| a - b)), norm(&mut expected.iter().copied()));
    assert!(off <= 1e-5 * size, "off by {off:e} of {size:e}");
}

#[track_caller]
fn fails(folder: &Path, arguments: &[&str], fragments: &[&str]) {
    let output = lab(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{stderr:?} lacks {fragment:?}");
    }
    assert!(!folder.join("y.npy").exists(), "{arguments:?} left a result");
}

fn folder_with(x: &Tensor<f32>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), npy::encode(x)).unwrap();
    folder
}

#[test]
fn a_model_runs_and_is_differentiated() {
    let folder = folder_with(&keras("batch_norm/x"));
    let (folder, model) = (folder.path(), golden("batch_norm.keras"));
    let model = model.to_str().unwrap();
    close(&result(folder, &["--model", model]), &keras("batch_norm/y"));
    close(&result(folder, &["--model", model, "--grad-of", "1"]), &keras("batch_norm/dx"));
}

/// With `--layer` the result is that layer's, and `--grad-of` differentiates it.
#[test]
fn an_inner_layer_runs_and_is_differentiated() {
    let folder = folder_with(&keras("residual_projection/x"));
    let (folder, model) = (folder.path(), golden("residual_projection.keras"));
    let run = |more: &[&'static str]| result(folder, &[&["--model", model.to_str().unwrap()], more].concat());
    for layer in ["a_conv", "short_bn"] {
        close(&run(&["--layer", layer]), &keras(&format!("residual_projection/layer/{layer}")));
    }
    close(&run(&["--layer", "scores", "--grad-of", "1"]), &keras("residual_projection/dx"));
    // Element 0 of the first layer, a convolution of 3x3 with a border of zeros, sees four pixels and no others.
    let corner = run(&["--layer", "stem", "--grad-of", "0"]);
    assert_eq!(corner.shape(), [3, 8, 8, 3]);
    for ((_, row, column, _), &value) in corner.into_dimensionality::<ndarray::Ix4>().unwrap().indexed_iter()
    {
        assert_eq!(value != 0.0, row < 2 && column < 2, "row {row}, column {column}: {value}");
    }
}

#[test]
fn configuration_and_weights_may_lie_apart() {
    let folder = folder_with(&keras("residual_projection/x"));
    let archive = fs::File::open(golden("residual_projection.keras")).unwrap();
    let mut archive = zip::ZipArchive::new(archive).unwrap();
    let mut config = fs::File::create(folder.path().join("config.json")).unwrap();
    std::io::copy(&mut archive.by_name("config.json").unwrap(), &mut config).unwrap();
    for weights in ["residual_projection.h5", "residual_projection.weights.h5"] {
        let weights = golden(weights);
        let y = result(folder.path(), &["--config", "config.json", "--weights", weights.to_str().unwrap()]);
        close(&y, &keras("residual_projection/y"));
    }
    let summary = lab(folder.path(), &["summary", "config.json"]);
    assert!(summary.status.success(), "{summary:?}");
    let of_archive = lab(folder.path(), &["summary", golden("residual_projection.keras").to_str().unwrap()]);
    assert_eq!(summary.stdout, of_archive.stdout);
    assert!(String::from_utf8_lossy(&summary.stdout).contains("Total params"));
}

#[test]
fn what_does_not_fit_is_told() {
    let folder = folder_with(&keras("batch_norm/x"));
    let (folder, model) = (folder.path(), golden("batch_norm.keras"));
    let run = |more: &[&'static str]| {
        [&["run", "--model", model.to_str().unwrap(), "--input", "x.npy", "--output", "y.npy"], more].concat()
    };
    fails(folder, &run(&["--layer", "nowhere"]), &["has no layer \"nowhere\""]);
    fails(folder, &run(&["--grad-of", "100000"]), &["--grad-of 100000", "elements 0 to"]);
    fails(folder, &["run", "--input", "x.npy", "--output", "y.npy"], &["--model"]);
    fails(folder, &["run", "--config", "c.json", "--input", "x.npy", "--output", "y.npy"], &["--weights"]);
    fs::write(folder.join("x.npy"), npy::encode(&tensor(&[2, 3], vec![0.0; 6]))).unwrap();
    fails(folder, &run(&[]), &["batch_norm.keras", "takes inputs of"]);
    fs::write(folder.join("x.npy"), "no array").unwrap();
    fails(folder, &run(&[]), &["x.npy: not a .npy file"]);
    fs::remove_file(folder.join("x.npy")).unwrap();
    fails(folder, &run(&[]), &["x.npy", "No such file"]);
    fails(folder, &["summary", "gone.keras"], &["gone.keras: No such file or directory (os error 2)\n"]);
}

/// What never ends is not read.
#[test]
#[cfg(unix)]
fn devices_are_refused() {
    let folder = folder_with(&keras("batch_norm/x"));
    let (folder, model) = (folder.path(), golden("batch_norm.keras"));
    let model = model.to_str().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("zero.json")).unwrap();
    let rest = ["--input", "x.npy", "--output", "y.npy"];
    fails(folder, &["summary", "zero.json"], &["zero.json: is a device, expected a regular file"]);
    fails(folder, &["summary", "/dev/zero"], &["/dev/zero: is a device, expected"]);
    fails(folder, &[&["run", "--model", "zero.json"], &rest[..]].concat(), &["is a device"]);
    fails(
        folder,
        &[&["run", "--config", "zero.json", "--weights", model], &rest[..]].concat(),
        &["zero.json"],
    );
    let input = ["run", "--model", model, "--input", "/dev/zero", "--output", "y.npy"];
    fails(folder, &input, &["/dev/zero: is a device, expected a regular file"]);
}

#[test]
fn results_are_replaced_with_force_alone() {
    let folder = folder_with(&keras("batch_norm/x"));
    let (folder, model) = (folder.path(), golden("batch_norm.keras"));
    let arguments = ["run", "--model", model.to_str().unwrap(), "--input", "x.npy", "--output", "y.npy"];
    fs::write(folder.join("y.npy"), "precious").unwrap();
    let refused = lab(folder, &arguments);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("y.npy exists; give --force to replace it"));
    assert_eq!(fs::read_to_string(folder.join("y.npy")).unwrap(), "precious");
    let y = result(folder, &arguments[1..3]);
    let mut piped = arguments;
    piped[6] = "-";
    let piped = lab(folder, &piped);
    assert!(piped.status.success() && piped.stdout == npy::encode(&y), "{piped:?}");
}
