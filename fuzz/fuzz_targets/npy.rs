//! Bytes that may be an array's file.

#![no_main]

use vitrine_fuzz::measures;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(measures::npy(bytes)));
