//! Bytes that may be a space of parameters.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/searches.rs"]
mod searches;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(searches::space(bytes)));
