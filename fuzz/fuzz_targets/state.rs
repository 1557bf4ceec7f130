//! Bytes that may be a state of training.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/engine.rs"]
mod engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(engine::state(bytes)));
