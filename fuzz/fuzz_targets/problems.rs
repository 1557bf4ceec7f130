//! Bytes that may be problems of convolution.

#![no_main]

use vitrine_fuzz::measures;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drop(measures::problems(bytes)));
