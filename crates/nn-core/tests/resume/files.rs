//! The files of states: damaged, forged, of later versions; the folder that keeps the last two.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nn_core::checkpoint::load_weights;
use nn_core::error::StateError;
use nn_core::files::write_atomically;
use nn_core::loss::Loss;
use nn_core::optim::Adam;
use nn_core::train::{Action, Callback, Checkpoints, Trainer, TrainingState};

use crate::{At, State, data, network, options, some_state};

fn save(state: &State) -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    state.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let (_folder, path, bytes) = save(&some_state());
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let error = State::load(&path).expect_err(what);
        assert!(matches!(error, StateError::Damaged { .. }), "{what}: {error}");
        assert!(error.to_string().contains("state.safetensors"), "{error}");
    };
    for byte in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << (byte % 8);
        check(&flipped, &format!("bit {} of byte {byte}", byte % 8));
    }
    for length in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
        check(&bytes[..length], &format!("cut to {length}"));
    }
    check(&[&bytes[..], b"x"].concat(), "a byte more");
    check(&[0; 4096], "zeros, as after a loss of power");
    check(&[0xff; 4096], "a header of impossible length");
    check(&[&1_000_000_000u64.to_le_bytes()[..], b"{}"].concat(), "a header of 1 GB");
    check(&[&2u64.to_le_bytes()[..], b"{}"].concat(), "an empty header");
    check(b"not a checkpoint", "text");
}

/// The file with `from` replaced by `to` in its header (of the same length), and the right checksum for that.
fn forged(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let find = |bytes: &[u8], what: &str| bytes.windows(what.len()).position(|w| w == what.as_bytes());
    let mut bytes = bytes.to_vec();
    let at = find(&bytes, from).unwrap_or_else(|| panic!("{from:?} is not in the file"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    let key = "\"training_state\":\"";
    let at = find(&bytes, key).unwrap() + key.len();
    bytes[at..at + 8].copy_from_slice(b"00000000");
    let crc = format!("{:08x}", crc32fast::hash(&bytes));
    bytes[at..at + 8].copy_from_slice(crc.as_bytes());
    bytes
}

#[test]
fn a_later_version_and_contradictions_are_refused_even_with_the_right_checksum() {
    let state = some_state();
    let (_folder, path, bytes) = save(&state);
    fs::write(&path, forged(&bytes, "version", "version")).unwrap();
    assert_eq!(State::load(&path).unwrap(), state, "the forger knows the checksum");
    let load = |from: &str, to: &str| {
        fs::write(&path, forged(&bytes, from, to)).unwrap();
        State::load(&path)
    };
    let error = load(r#"version\":1"#, r#"version\":7"#).unwrap_err();
    assert!(matches!(error, StateError::Newer { version: 7, known: 1, .. }), "{error}");
    for (from, to) in [
        (r#"version\":1"#, r#"version\":0"#),
        (r#"version\":1"#, r#"version\":x"#),
        (r#"iterations"#, r#"iterationz"#),
        (r#"\"tensors\":0"#, r#"\"tensors\":9"#),
        ("\"weights/dense/kernel\"", "\"weights/dense/kernem\""),
        ("\"optimizer/0/dense/bias\"", "\"optimizer/3/dense/bias\""),
        ("\"F32\"", "\"I32\""),
        ("\"shape\":[8]", "\"shape\":[9]"),
        (
            r#""optimizer/0/dense/kernel":{"dtype":"F32","shape":[6,8]"#,
            r#""optimizer/0/dense/kernel":{"dtype":"F32","shape":[8,6]"#,
        ),
    ] {
        let error = load(from, to).expect_err(to);
        assert!(matches!(error, StateError::Damaged { .. }), "{to}: {error}");
    }
    // These can be read, but not continued from.
    for (from, to) in [(r#"\"step\":2"#, r#"\"step\":9"#), (r#"\"epoch\":1"#, r#"\"epoch\":0"#)] {
        let state = load(from, to).unwrap();
        let mut network = network(3);
        let mut trainer =
            Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
        let error = trainer.fit_from(Some(state), &data(18), None, &options(2), &mut []).unwrap_err();
        assert!(error.to_string().contains("contradicts"), "{to}: {error}");
    }
    assert!(TrainingState::<f64>::load(&path).unwrap_err().to_string().contains("F32"));
    assert!(matches!(State::load(path.parent().unwrap()), Err(StateError::Read(_))));
    assert!(matches!(State::load(Path::new("nowhere/at/all")), Err(StateError::Read(_))));
}

/// Trains in a folder with checkpoints, and returns the names of the files that are left.
fn checkpointed(folder: &Path, every: Duration) -> Vec<String> {
    let mut checkpoints = Checkpoints::create(folder, every).unwrap();
    let mut network = network(3);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    trainer.fit(&data(18), None, &options(3), &mut [&mut checkpoints, &mut At(12, Action::Pause)]).unwrap();
    files(folder)
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_last_two_checkpoints_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::MAX);
    assert_eq!(names, ["epoch-0002-step-000000.safetensors", "epoch-0002-step-000003.safetensors"]);
    assert!(matches!(Checkpoints::create(&path, Duration::MAX), Err(StateError::Taken(_))));
    let path = folder.path().join("more");
    let names = checkpointed(&path, Duration::ZERO);
    assert_eq!(names, ["epoch-0002-step-000002.safetensors", "epoch-0002-step-000003.safetensors"]);
}

#[test]
fn a_damaged_checkpoint_is_passed_over_and_gone_after_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::ZERO);
    let newest = path.join(&names[1]);
    let good = fs::read(&newest).unwrap();
    fs::write(&newest, &good[..good.len() / 2]).unwrap();
    // What a killed process leaves, and what belongs to somebody else.
    fs::write(path.join(".epoch-0002-step-000003.safetensors.vitrine-tmp.123"), "x").unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    let found = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap();
    assert!(found.damaged.len() == 1 && found.damaged[0].to_string().contains(&names[1]));
    let state = found.state.unwrap();
    assert_eq!((state.epoch(), state.step()), (2, 2));
    let mut checkpoints = found.checkpoints;
    Callback::<f32>::on_state(&mut checkpoints, &state).unwrap();
    assert_eq!(
        files(&path),
        [names[0].as_str(), "notes.txt"],
        "a damaged file does not take a good one's place"
    );

    fs::write(path.join(&names[0]), "").unwrap();
    fs::create_dir(&newest).unwrap();
    let error = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap_err().to_string();
    assert!(
        error.contains("no usable checkpoint") && names.iter().all(|name| error.contains(name)),
        "{error}"
    );

    fs::remove_dir(&newest).unwrap();
    fs::write(&newest, forged(&good, r#"version\":1"#, r#"version\":2"#)).unwrap();
    let error = Checkpoints::open::<f32>(&path, Duration::MAX).unwrap_err();
    assert!(matches!(error, StateError::Newer { .. }), "no going back behind a later version: {error}");

    let nothing = Checkpoints::open::<f32>(&folder.path().join("new"), Duration::MAX).unwrap();
    assert!(nothing.state.is_none() && nothing.damaged.is_empty());
}

#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_ends_training_and_leaves_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoints");
    let names = checkpointed(&path, Duration::ZERO);
    let state = State::load(&path.join(&names[1])).unwrap();
    let moved = folder.path().join("moved");
    let mut checkpoints = Checkpoints::open::<f32>(&path, Duration::ZERO).unwrap().checkpoints;
    fs::rename(&path, &moved).unwrap();
    let mut network = network(3);
    let mut trainer = Trainer::new(&mut network, Loss::categorical_crossentropy(), Adam::new(0.05)).unwrap();
    let result = trainer.fit_from(Some(state), &data(18), None, &options(3), &mut [&mut checkpoints]);
    let error = result.unwrap_err().to_string();
    assert!(error.contains("checkpoints") && error.contains("No such file"), "{error}");
    assert_eq!(files(&moved), names);
    // A device that is always full, in the place of the file.
    if Path::new("/dev/full").exists() {
        assert!(write_atomically(Path::new("/dev/full/x"), b"x").is_err());
    }
}

/// A tensor without elements may name sizes whose product no machine can address.
#[test]
fn a_forged_shape_is_damage() {
    let (_folder, path, bytes) = save(&some_state());
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, data) = bytes[8..].split_at(length);
    let mut header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let state = header["__metadata__"]["training_state"].as_str().unwrap();
    let mut state: serde_json::Value = serde_json::from_str(&state[9..]).unwrap();
    let place = state["callbacks"].as_array().unwrap().len();
    let callback = serde_json::json!({ "name": "forged", "values": null, "tensors": 1 });
    state["callbacks"].as_array_mut().unwrap().push(callback);
    header["__metadata__"]["training_state"] = format!("00000000 {state}").into();
    header[format!("callback/{place}/0")] = serde_json::json!({
        "dtype": "F32", "shape": [0, 1u64 << 63], "data_offsets": [data.len(), data.len()],
    });
    let header = header.to_string();
    let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat();
    fs::write(&path, forged(&file, "00000000 ", "00000000 ")).unwrap();
    let message = State::load(&path).unwrap_err().to_string();
    assert!(
        message.contains("damaged") && message.contains("impossible shape [0, 9223372036854775808]"),
        "{message}"
    );
}

#[cfg(unix)]
#[test]
fn what_is_no_file_or_far_too_long_is_not_read() {
    let (folder, _, _) = save(&some_state());
    let place = |name: &str| folder.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(place("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", place("zero")).unwrap();
    fs::File::create(place("sparse")).unwrap().set_len(5 << 30).unwrap();
    let mut network = network(0);
    for (name, of_state, of_weights) in [
        ("pipe", "is a pipe", "is a pipe"),
        ("zero", "is a device", "is a device"),
        ("sparse", "not a checkpoint", "has more than"),
    ] {
        let message = State::load(&place(name)).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(of_state), "{message}");
        let message = load_weights(&mut network, &place(name)).unwrap_err().to_string();
        assert!(message.contains(name) && message.contains(of_weights), "{message}");
    }
}
