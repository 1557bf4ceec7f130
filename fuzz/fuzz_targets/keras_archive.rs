//! Bytes that may be a `.keras` archive.

#![no_main]

use vitrine_fuzz::keras_readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keras_readers::keras_archive(bytes));
