//! Bytes that may be a file of the folder of a study or a search.

#![no_main]

use vitrine_fuzz::faces;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(faces::study(bytes)));
