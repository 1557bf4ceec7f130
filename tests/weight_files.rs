//! Weight files: what is saved comes back bit for bit, and a file that is not this network's is refused with
//! its name, the tensor and the reason, leaving the network as it was.

use std::fs;
use std::path::{Path, PathBuf};

use nn_core::checkpoint::{load_weights, save_weights};
use nn_core::layers::{Conv2D, Dense, Flatten};
use nn_core::model::{Network, Sequential};

fn network(seed: u64) -> Network<f32> {
    Sequential::new("net", &[4, 4, 1])
        .add(Conv2D::new(2, 3))
        .add(Flatten::new())
        .add(Dense::new(3))
        .build(seed)
        .unwrap()
}

fn in_folder<T>(work: impl FnOnce(PathBuf) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    work(folder.path().join("weights.safetensors"))
}

#[test]
fn weights_come_back_bit_for_bit() {
    in_folder(|path| {
        let (saved, mut loaded) = (network(1), network(2));
        save_weights(&saved, &path).unwrap();
        load_weights(&mut loaded, &path).unwrap();
        assert_eq!(loaded.weights(), saved.weights());
        let names: Vec<_> = loaded.params().map(|(name, _)| name).collect();
        assert_eq!(names, ["conv2d/kernel", "conv2d/bias", "dense/kernel", "dense/bias"]);
    });
}

#[test]
fn a_file_holds_weights_and_nothing_else() {
    in_folder(|path| {
        save_weights(&network(1), &path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
        assert!(!header.contains("__metadata__"), "{header}");
        assert_eq!(bytes.len() - 8 - length, network(1).count_params() * 4);
        let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(files.len(), 1, "temporary files are left");
    });
}

/// Writes `bytes` and checks that loading fails, says `fragments`, and changes nothing.
#[track_caller]
fn refused(bytes: &[u8], fragments: &[&str]) {
    in_folder(|path| {
        fs::write(&path, bytes).unwrap();
        refused_at(&path, fragments);
    });
}

#[track_caller]
fn refused_at(path: &Path, fragments: &[&str]) {
    let mut network = network(1);
    let before = network.weights();
    let message = load_weights(&mut network, path).unwrap_err().to_string();
    for fragment in fragments {
        assert!(message.contains(fragment), "{fragment:?} is not in: {message}");
    }
    assert!(message.contains(&*path.to_string_lossy()), "the file is not named: {message}");
    assert_eq!(network.weights(), before);
}

fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn damaged_files_are_refused() {
    refused(b"", &["not a valid weight file"]);
    refused(&[0; 7], &["not a valid weight file"]);
    refused(&[0xff; 64], &["not a valid weight file"]);
    refused(&1_000_000_000u64.to_le_bytes(), &["not a valid weight file"]);
    refused(&file("not json", 0), &["not a valid weight file"]);
    refused(&file("\u{fffd}", 0), &["not a valid weight file"]);
    refused(&file("{}", 0), &["conv2d/kernel", "missing"]);
    refused(&file(&"[".repeat(100_000), 0), &["not a valid weight file"]);
    let bomb = r#"{"conv2d/kernel":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}}"#;
    refused(&file(bomb, 8), &["not a valid weight file"]);
    let beyond = r#"{"conv2d/bias":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}"#;
    refused(&file(beyond, 8), &["not a valid weight file"]);
    let reversed = r#"{"conv2d/bias":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#;
    refused(&file(reversed, 8), &["not a valid weight file"]);
    let negative = r#"{"conv2d/bias":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#;
    refused(&file(negative, 8), &["not a valid weight file"]);
    let twice = r#"{"conv2d/bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                    "conv2d/bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    refused(&file(twice, 8), &["\"conv2d/bias\" appears twice"]);
    refused(&vec![0; 3 << 20], &["has more than"]);
}

#[test]
fn every_truncation_is_refused() {
    in_folder(|path| {
        save_weights(&network(1), &path).unwrap();
        let bytes = fs::read(&path).unwrap();
        for length in (0..bytes.len()).step_by(37) {
            refused(&bytes[..length], &["not a valid weight file"]);
        }
        refused(&[&bytes[..], &[0; 5]].concat(), &["not a valid weight file"]);
    });
}

/// The weights of another network in a file.
fn saved(config: Sequential) -> Vec<u8> {
    in_folder(|path| {
        save_weights(&config.build::<f32>(0).unwrap(), &path).unwrap();
        fs::read(path).unwrap()
    })
}

#[test]
fn the_weights_of_another_network_are_refused() {
    let start = || Sequential::new("other", &[4, 4, 1]);
    let shape = start().add(Conv2D::new(3, 3)).add(Flatten::new()).add(Dense::new(3));
    refused(&saved(shape), &["conv2d/kernel", "[3, 3, 1, 3]", "[3, 3, 1, 2]"]);
    let missing = start().add(Conv2D::new(2, 3)).add(Flatten::new()).add(Dense::new(3).use_bias(false));
    refused(&saved(missing), &["dense/bias", "missing"]);
    let extra = start().add(Conv2D::new(2, 3)).add(Flatten::new()).add(Dense::new(3)).add(Dense::new(2));
    refused(&saved(extra), &["dense_1/", "no such parameter"]);
    let double = in_folder(|path| {
        let config = start().add(Conv2D::new(2, 3)).add(Flatten::new()).add(Dense::new(3));
        save_weights(&config.build::<f64>(0).unwrap(), &path).unwrap();
        fs::read(path).unwrap()
    });
    refused(&double, &["F64", "F32"]);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    in_folder(|path| {
        let mut broken = network(1);
        broken.params_mut().last().unwrap().value[[1]] = f32::NAN;
        save_weights(&broken, &path).unwrap();
        refused_at(&path, &["dense/bias", "NaN"]);
    });
}

#[test]
fn what_is_not_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    refused_at(&folder.path().join("none.safetensors"), &["No such file"]);
    refused_at(folder.path(), &["is a folder, expected a regular file"]);
    refused_at(Path::new("/dev/zero"), &["is a device, expected a regular file"]);
    let nowhere = folder.path().join("no/such/folder.safetensors");
    assert!(save_weights(&network(1), &nowhere).unwrap_err().to_string().contains("folder.safetensors"));
}
