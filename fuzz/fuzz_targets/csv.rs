//! Bytes that may be a table of faces.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::csv(bytes)));
