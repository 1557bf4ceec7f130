//! Bytes that may be the place of a study.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::place(bytes)));
