//! Bytes that may be the JSON of a network.

#![no_main]

use vitrine_fuzz::engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(engine::network(bytes)));
