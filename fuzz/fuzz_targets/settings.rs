//! Bytes that may be settings in TOML.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::settings(bytes)));
