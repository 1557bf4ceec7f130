//! Bytes that may be an image.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::image(bytes)));
