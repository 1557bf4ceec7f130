//! Bytes that may be statistics of faces.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/faces.rs"]
mod faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::statistics(bytes)));
