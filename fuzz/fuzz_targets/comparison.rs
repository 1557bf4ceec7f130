//! Bytes that may be the report of a benchmark.

#![no_main]

use vitrine_fuzz::measures;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(measures::comparison(bytes)));
