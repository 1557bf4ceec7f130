//! Bytes that may be an image.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/faces.rs"]
mod faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::image(bytes)));
