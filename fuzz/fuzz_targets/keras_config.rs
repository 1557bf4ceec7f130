//! Bytes that may be the JSON of a model's configuration.

#![no_main]

use vitrine_fuzz::keras_readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keras_readers::keras_config(bytes));
