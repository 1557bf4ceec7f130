//! What a file claims to hold bounds what reading it allocates, whether it claims truly or not.

mod keras_fixtures;

use std::alloc::System;
use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use keras_fixtures::file;
use nn_core::keras::config::ModelConfig;
use nn_core::keras::weights;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocations are those of the whole program.
static ONE_TEST_AT_A_TIME: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// All that was allocated meanwhile, whether at one time or not: more than the most that was held.
fn allocated<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let region = Region::new(ALLOCATOR);
    let outcome = work();
    let change = region.change();
    (change.bytes_allocated + change.bytes_reallocated.max(0) as usize, outcome)
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha8Rng::seed_from_u64(9).fill_bytes(&mut bytes);
    bytes
}

/// An archive whose arrays are 48 MiB of zeros, a permitted multiple of its length.
#[test]
fn a_member_takes_the_memory_that_it_claims() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let deflated = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let config: &[u8] =
        br#"{"class_name": "Sequential", "config": [{"class_name": "Flatten", "config": {"name": "f"}}]}"#;
    let members = [
        ("config.json", config),
        ("metadata.json", b"{\"keras_version\": \"3.0.0\"}"),
        ("model.weights.h5", &vec![0; 48 * MIB]),
        ("assets/noise", &noise(4 * MIB)),
    ];
    for (name, bytes) in members {
        zip.start_file(name, deflated).unwrap();
        zip.write_all(bytes).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    let (allocated, read) = allocated(|| weights::read_model(bytes, Path::new("model.keras")));
    assert!(read.unwrap_err().to_string().contains("HDF5"));
    assert!(allocated < 52 * MIB, "{} MiB for a member of 48", allocated / MIB);
}

/// An array of 24 MiB in a file of 2: its values once, its pieces one after the other, and what the library remembers of
/// arrays that are not larger than that.
#[test]
fn a_compressed_array_takes_the_memory_that_it_claims() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let padded = |name: &str| {
        let mut bytes = fs::read(file("cases").join(name)).unwrap();
        bytes.extend(noise(2 * MIB));
        bytes
    };
    let bytes = padded("zeros.h5");
    let (allocated, read) = allocated(|| weights::read_model(bytes, Path::new("zeros.h5")));
    let array = &read.unwrap().weights[0].weights[0].1;
    assert!(array.len() == 6 * MIB && array.iter().all(|&value| value == 0.0));
    assert!(allocated < 80 * MIB, "{} MiB for an array of 24", allocated / MIB);
    // As one piece it would lie in memory twice.
    let error =
        weights::read_model(padded("zeros_one_piece.h5"), Path::new("zeros.h5")).unwrap_err().to_string();
    assert!(error.contains("chunk") && error.contains("limit"), "{error}");
}

/// Texts of the greatest length that hold as many values, or as deep ones, as fit.
#[test]
fn a_configuration_takes_memory_in_proportion() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let filled = |piece: &str| {
        let pieces = piece.repeat((7 << 20) / piece.len());
        format!(r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [{pieces}0]}}}}"#)
    };
    let layer = r#"{"class_name":"Flatten","config":{"name":"f"}},"#;
    let wide = r#"{"class_name":"Flatten","config":{"name":"f","data_format":[0,1,2,3]}},"#;
    let deep = format!("{}0{},", "[".repeat(90), "]".repeat(90));
    for piece in ["0,", "[],", "{},", "\"\",", "{\"a\":{}},", &deep, layer, wide] {
        let json = filled(piece);
        let (allocated, read) = allocated(|| ModelConfig::from_json(&json, Path::new("model.json")));
        let error = read.unwrap_err().to_string();
        assert!(allocated < 400 * MIB && error.len() < 1000, "{piece}: {} MiB, {error}", allocated / MIB);
    }
}
