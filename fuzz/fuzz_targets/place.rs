//! Bytes that may be the place of a study.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/faces.rs"]
mod faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::place(bytes)));
