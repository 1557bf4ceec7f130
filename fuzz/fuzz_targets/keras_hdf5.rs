//! Bytes that may be a weight file or a model in HDF5.

#![no_main]

use vitrine_fuzz::keras_readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keras_readers::keras_hdf5(bytes));
