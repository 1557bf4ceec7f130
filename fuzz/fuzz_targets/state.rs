//! Bytes that may be a state of training.

#![no_main]

use vitrine_fuzz::engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(engine::state(bytes)));
