//! Damaged files: reading ends in a value or an error, the same each time, and takes memory in proportion to the file.
//!
//! Every file of the corpora of `fuzz/`, the sample of faces, the weights of the golden files and the golden database are
//! read whole, cut, and with flipped bits, at places that are always the same. `NN_MUTATIONS` sets how many. The files of
//! Keras have a test of their own in `nn-core`, `keras_fuzz_corpus`.

mod readers;

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use readers::{Outcome, READERS, Reader};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The allocations are those of the whole program.
static ONE_TEST_AT_A_TIME: Mutex<()> = Mutex::new(());

/// All that reading a file allocates, whether at one time or not: buffers of a fixed size, and what is decoded and told.
fn allowed(length: usize) -> usize {
    64 * length + (48 << 20)
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files in a folder whose names end so, in order.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(top().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file() && path.to_string_lossy().ends_with(ending));
    files.sort();
    assert!(!files.is_empty(), "{folder} has no files ending in {ending:?}");
    files
}

/// How many of a file's damaged versions are read, by default.
fn mutations(default: usize) -> usize {
    std::env::var("NN_MUTATIONS").map_or(default, |number| number.parse().expect("NN_MUTATIONS is a number"))
}

/// A file cut at places all over it and at its ends, then with flipped bits all over it.
fn damaged(bytes: &[u8], count: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let place = |i: usize, of: usize| i * bytes.len() / of.max(1);
    let near_the_end = (1..=8).map(|n| bytes.len().saturating_sub(n));
    let cuts = (0..count / 2).map(move |i| place(i, count / 2)).chain(near_the_end);
    let cut = cuts.map(|at| (format!("cut at {at}"), bytes[..at].to_vec()));
    // The bit differs from place to place; 5 has no factor in common with 8.
    let bits = (0..count).map(move |i| (place(i, count), 5 * i % 8)).filter(|_| !bytes.is_empty());
    let flipped = bits.map(|(at, bit)| {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1 << bit;
        (format!("bit {bit} of byte {at} flipped"), flipped)
    });
    cut.chain(flipped)
}

/// Reads bytes within the bounds.
///
/// # Errors
/// With the bound that was not kept.
fn read(reader: Reader, bytes: &[u8]) -> Result<Outcome, String> {
    let region = Region::new(ALLOCATOR);
    let outcome = catch_unwind(AssertUnwindSafe(|| reader(bytes)));
    let allocated = region.change().bytes_allocated;
    if allocated > allowed(bytes.len()) {
        return Err(format!("{allocated} bytes allocated"));
    }
    outcome.map_err(|_| "panicked".into())
}

/// Reads a file and its damaged versions; what is `checked` has a checksum, so that damage is told or makes no difference.
/// Of a file that fails the first version that does is told.
fn survives(reader: Reader, path: &Path, count: usize, checked: bool) -> Result<(), String> {
    let bytes = fs::read(path).unwrap();
    let name = path.strip_prefix(top()).unwrap().display();
    let whole = read(reader, &bytes).map_err(|problem| format!("{name}: {problem}"))?;
    for (damage, bytes) in damaged(&bytes, count) {
        let told = |problem: String| format!("{name}, {damage}: {problem}");
        let outcome = read(reader, &bytes).map_err(told)?;
        let again = read(reader, &bytes).map_err(told)?;
        if again != outcome {
            return Err(told(format!("the second time {again:?} and not {outcome:?}")));
        }
        if checked && outcome.is_ok() && outcome != whole {
            return Err(told("another result".into()));
        }
    }
    Ok(())
}

#[track_caller]
fn must_hold(results: impl IntoIterator<Item = Result<(), String>>) {
    let failures: Vec<String> = results.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn reader(name: &str) -> Reader {
    READERS.iter().find(|(known, _)| *known == name).map(|(_, reader)| *reader).unwrap()
}

#[test]
fn the_corpora_are_survived() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let corpus = |(name, reader): (&'static str, Reader)| {
        files(&format!("fuzz/corpus/{name}"), "").into_iter().map(move |path| {
            let is_png = name == "image" && path.ends_with("grey_png");
            // A database is built anew for each.
            let count = mutations(if name == "sqlite" { 8 } else { 40 });
            survives(reader, &path, count, name == "state" || is_png)
        })
    };
    must_hold(READERS.into_iter().flat_map(corpus));
}

#[test]
fn sample_files_are_survived() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let golden = files("tests/golden", ".safetensors");
    let tensors = ["weights", "statistics"].map(reader);
    let sample = |name: &str, file: &str| survives(reader(name), &top().join(file), mutations(20), false);
    let of_golden =
        golden.iter().flat_map(|path| tensors.map(|reader| survives(reader, path, mutations(20), false)));
    must_hold(
        of_golden.chain([
            sample("csv", "data/sample.csv"),
            sample("sqlite", "crates/tpe/tests/golden/optuna_5.db"),
        ]),
    );
}

#[test]
fn every_valid_beginning_is_read() {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let valid = [
        "comparison/step",
        "csv/compressed",
        "csv/quoted",
        "csv/whole",
        "image/colour_jpeg",
        "image/grey_png",
        "image/progressive_jpeg",
        "journal/whole",
        "network/every",
        "network/small",
        "npy/f4",
        "npy/f8",
        "npy/i8",
        "problems/full",
        "run/config_toml",
        "run/env_json",
        "run/metrics_csv",
        "run/network_json",
        "run/predictions_csv",
        "run/result_json",
        "run/transform_json",
        "settings/generator",
        "settings/train",
        "space/json",
        "space/tree",
        "sqlite/whole",
        "state/whole",
        "statistics/mean",
        "study/importances",
        "study/measures",
        "study/settings",
        "study/trials",
        "weights/features",
        "statistics/whitening",
        "weights/whole",
    ];
    must_hold(valid.map(|file| {
        let bytes = fs::read(top().join("fuzz/corpus").join(file)).unwrap();
        let (name, _) = file.split_once('/').unwrap();
        let problem = read(reader(name), &bytes)?.err();
        problem.map_or(Ok(()), |problem| Err(format!("{file}: {problem}")))
    }));
}
