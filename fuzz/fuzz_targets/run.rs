//! Bytes that may be a file of a run, the first byte telling which.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::run(bytes)));
