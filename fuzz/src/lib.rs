//! What the targets do with their bytes: the readers of the tests that damage files, which run the same on a stable
//! toolchain.

#[path = "../../tests/readers/common.rs"]
pub mod common;
#[path = "../../tests/readers/engine.rs"]
pub mod engine;
#[cfg(feature = "programs")]
#[path = "../../tests/readers/faces.rs"]
pub mod faces;
#[path = "../../crates/nn-core/tests/keras_readers/mod.rs"]
pub mod keras_readers;
#[cfg(feature = "programs")]
#[path = "../../tests/readers/measures.rs"]
pub mod measures;
#[path = "../../tests/readers/searches.rs"]
pub mod searches;
