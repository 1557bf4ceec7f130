//! What the fuzz targets, and the test that damages files, do with bytes that may be anything: one function for each
//! reader of data from outside.
//!
//! Each returns for every input what it read, in a form that tells different results apart, or the message that says why
//! not. It panics if a message is not fit to be read, or if something is read that cannot be.

mod common;
mod engine;
mod faces;
mod measures;
mod searches;

pub use common::Outcome;
pub use engine::{network, state, weights};
pub use faces::{csv, image, place, run, settings, statistics, study};
pub use measures::{comparison, npy, problems};
pub use searches::{journal, space, sqlite};

/// A reader.
pub type Reader = fn(&[u8]) -> Outcome;

/// The readers by name: those of the fuzz targets and of their corpora.
pub const READERS: [(&str, Reader); 16] = [
    ("comparison", comparison),
    ("csv", csv),
    ("image", image),
    ("journal", journal),
    ("network", network),
    ("npy", npy),
    ("place", place),
    ("problems", problems),
    ("run", run),
    ("settings", settings),
    ("space", space),
    ("sqlite", sqlite),
    ("state", state),
    ("statistics", statistics),
    ("study", study),
    ("weights", weights),
];
