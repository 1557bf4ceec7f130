//! Weights and the state of training on disk, as [safetensors](https://github.com/huggingface/safetensors) files.
//!
//! A weight file holds the parameters and nothing else: no time, no host, no version. Equal weights give equal
//! bytes. Tensors are named `layer/parameter`.
//!
//! A checkpoint holds a [`TrainingState`](crate::train::TrainingState):
//!
//! ```text
//! weights/LAYER/PARAMETER          the parameters, running statistics included
//! optimizer/SLOT/LAYER/PARAMETER   the optimiser's accumulators: SLOT 0 velocity or m, 1 v
//! callback/PLACE/NUMBER            tensors of callbacks, such as the best weights
//! __metadata__.training_state      "CRC JSON": eight hexadecimal digits, a space, and everything else as JSON
//! ```
//!
//! The CRC-32 (of zip and PNG) is of the whole file with the digits 00000000 in its place. The JSON begins with the
//! version of this format.

mod state;
mod weights;

pub(crate) use weights::refuse_duplicate_names;
pub use weights::{load_weights, save_weights};
