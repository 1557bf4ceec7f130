//! From a description of a network to one that computes.

mod network;
mod sequential;
mod summary;

pub use network::{ForwardPass, Network};
pub use sequential::Sequential;
