//! Bytes that may be the JSON of a model's configuration.

#![no_main]

#[path = "../../crates/nn-core/tests/keras_readers/mod.rs"]
#[allow(dead_code)] // Each target uses a part.
mod keras_readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keras_readers::keras_config(bytes));
