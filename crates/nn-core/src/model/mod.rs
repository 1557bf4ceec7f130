//! From a description of a network to one that computes.

pub(crate) mod chain;
mod cut;
mod freeze;
mod layer_names;
mod network;
mod outline;
mod sequential;
mod slices;
mod summary;

pub use chain::ForwardPass;
pub use cut::CopiedWeights;
pub(crate) use layer_names::snake_case;
pub use network::Network;
pub use outline::{LayerOutline, Memory, Outline, ParamOutline};
pub use sequential::Sequential;
pub(crate) use slices::prepare;
