//! Bytes that may be a database of studies.

#![no_main]

#[path = "../../tests/readers/common.rs"]
mod common;
#[path = "../../tests/readers/searches.rs"]
mod searches;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(searches::sqlite(bytes)));
