//! Bytes that may be an array's file.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/measures.rs"]
mod measures;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(measures::npy(bytes)));
