//! Weights on disk, as [safetensors](https://github.com/huggingface/safetensors) files.
//!
//! A weight file holds the parameters and nothing else: no time, no host, no version. Equal weights give equal
//! bytes. Tensors are named `layer/parameter`.

mod atomic;
mod weights;

pub use atomic::write_atomically;
pub(crate) use weights::refuse_duplicate_names;
pub use weights::{load_weights, save_weights};
