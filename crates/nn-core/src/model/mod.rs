//! From a description of a network to one that computes.

pub(crate) mod chain;
mod cut;
mod freeze;
mod network;
mod sequential;
mod slices;
mod summary;

pub use chain::ForwardPass;
pub use network::Network;
pub use sequential::Sequential;
pub(crate) use sequential::snake_case;
