//! Bytes that may be a journal of studies.

#![no_main]

use vitrine_fuzz::searches;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(searches::journal(bytes)));
