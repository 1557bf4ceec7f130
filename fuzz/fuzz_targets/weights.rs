//! Bytes that may be a file of weights.

#![no_main]

use vitrine_fuzz::engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(engine::weights(bytes)));
