//! Bytes that may be a space of parameters.

#![no_main]

use vitrine_fuzz::searches;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(searches::space(bytes)));
