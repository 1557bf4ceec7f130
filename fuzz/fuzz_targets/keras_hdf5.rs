//! Bytes that may be a weight file or a model in HDF5.

#![no_main]

#[path = "../../crates/nn-core/tests/keras_readers/mod.rs"]
#[allow(dead_code)] // Each target uses a part.
mod keras_readers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| keras_readers::keras_hdf5(bytes));
