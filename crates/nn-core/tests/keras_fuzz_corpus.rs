//! Thousands of damaged files: reading ends in a value or an error, and takes memory in proportion to the file.
//!
//! The fuzz targets of `fuzz/` look for such inputs without end; here every file of their corpora and of
//! `tests/golden/keras_files` is changed in a fixed number of ways, always the same ones. `NN_MUTATIONS` sets that
//! number.

mod keras_readers;

use std::alloc::System;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// All that reading a file allocates, whether at one time or not: the readers decode up to 16 times the file and 4 MiB,
/// and fetch up to 4 times the file and 4 MiB; lists grow by doubling.
fn allowed(length: usize) -> usize {
    64 * length + (48 << 20)
}

/// The allocations are those of the whole program.
static ONE_TEST_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Files that end so, of the corpus and among the golden ones of Keras, in order, with their names.
fn corpus(target: &str, endings: &[&str]) -> Vec<(String, Vec<u8>)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let golden = top.join("tests/golden/keras_files");
    let mut paths: Vec<PathBuf> = [top.join("fuzz/corpus").join(target), golden.join("bad"), golden]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && endings.iter().any(|end| path.to_string_lossy().ends_with(end)))
        .collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.into_iter().map(|path| (name(&path), fs::read(&path).unwrap())).collect()
}

/// Reads each file as it is and with `default_mutations` changes.
fn survives(target: &str, endings: &[&str], default_mutations: usize, read: fn(&[u8])) {
    let _alone = ONE_TEST_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mutations = std::env::var("NN_MUTATIONS").map_or(default_mutations, |n| n.parse().unwrap());
    let files = corpus(target, endings);
    assert!(files.len() >= 20, "{target}: {} files", files.len());
    for (seed, (name, whole)) in files.iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
        for case in 0..=mutations {
            let mut bytes = whole.clone();
            if case > 0 {
                for _ in 0..=below(&mut rng, 4) {
                    let other = &files[below(&mut rng, files.len())].1;
                    mutate(&mut rng, &mut bytes, other);
                }
            }
            let before = Region::new(ALLOCATOR);
            let outcome = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
            let allocated = before.change().bytes_allocated;
            if outcome.is_err() || allocated > allowed(bytes.len()) {
                let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{target}-{case}-{name}"));
                fs::write(&kept, &bytes).unwrap();
                let length = bytes.len();
                let what = if outcome.is_err() { "panic" } else { "too much memory" };
                panic!("{what}: {allocated} bytes for {length}, see {}", kept.display());
            }
        }
    }
}

#[test]
fn hdf5_files() {
    survives("keras_hdf5", &[".h5"], 500, keras_readers::keras_hdf5);
}

#[test]
fn archives() {
    survives("keras_archive", &[".keras"], 500, keras_readers::keras_archive);
}

#[test]
fn configurations() {
    survives("keras_config", &[".json"], 1500, keras_readers::keras_config);
}

/// A number below `end`.
fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    (rng.next_u64() % end.max(1) as u64) as usize
}

/// A place and how many bytes from there on, often few.
fn range(rng: &mut ChaCha8Rng, length: usize) -> std::ops::Range<usize> {
    let start = below(rng, length);
    let most = [4, 16, 256, length][below(rng, 4)].min(length - start);
    start..start + below(rng, most + 1)
}

/// Changes `bytes` in one of the ways in which files are wrong; `other` is another file of the corpus.
fn mutate(rng: &mut ChaCha8Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let length = bytes.len();
    let place = below(rng, length);
    match below(rng, 8) {
        _ if length == 0 => bytes.push(rng.next_u32() as u8),
        0 => bytes[place] ^= 1 << below(rng, 8),
        1 => bytes.truncate(place),
        2 => drop(bytes.drain(range(rng, length))),
        // A piece of this file or of another, in the place of something or added.
        3 | 4 => {
            let source = if below(rng, 2) == 0 { bytes.clone() } else { other.to_vec() };
            let piece = &source[range(rng, source.len())];
            let end = if below(rng, 2) == 0 { place } else { (place + piece.len()).min(length) };
            bytes.splice(place..end, piece.iter().copied());
        }
        5 | 6 => {
            let width = [1, 2, 4, 8][below(rng, 4)];
            let number = interesting_number(rng, length as u64);
            let mut piece = number.to_le_bytes()[..width].to_vec();
            if below(rng, 4) == 0 {
                piece.reverse();
            }
            let end = if below(rng, 4) == 0 { place } else { (place + width).min(length) };
            bytes.splice(place..end, piece);
        }
        _ => {
            const VALUES: [&str; 18] = [
                "0",
                "1",
                "-1",
                "65536",
                "4294967296",
                "9223372036854775807",
                "18446744073709551615",
                "0.5",
                "1e-300",
                "1e308",
                "null",
                "true",
                "[]",
                "{}",
                "\"\"",
                "[2, 3]",
                "\"same\"",
                "\"softmax\"",
            ];
            let value = VALUES[below(rng, VALUES.len())];
            bytes.splice(word(bytes, place), value.bytes());
        }
    }
}

/// Zeros and ones, the ends of the types, and what is near the file's length.
fn interesting_number(rng: &mut ChaCha8Rng, length: u64) -> u64 {
    let near = (rng.next_u64() % 5).wrapping_sub(2);
    let base = match rng.next_u32() % 4 {
        0 => 0,
        1 => length,
        2 => rng.next_u64() % length.max(1),
        _ => 1u64.rotate_left(rng.next_u32()),
    };
    base.wrapping_add(near)
}

/// The number, the word or the text in quotes at or behind a place.
fn word(bytes: &[u8], place: usize) -> std::ops::Range<usize> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"-+.\"_".contains(b);
    let start = place + bytes[place..].iter().position(is_part).unwrap_or(0);
    let before = bytes[..start].iter().rev().take_while(|&b| is_part(b)).count();
    let behind = bytes[start..].iter().take_while(|&b| is_part(b)).count();
    start - before..start + behind
}
