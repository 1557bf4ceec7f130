use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use nn_kernels::Real;
use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};

use super::refuse_duplicate_names;
use super::weights::{Stored, decode, dtype, header};
use crate::JsonError;
use crate::error::StateError;
use crate::files::{self, write_atomically};
use crate::optim::OptimizerConfig;
use crate::tensor::{Elements, Tensor};
use crate::train::{CallbackState, FitOptions, Position, TrainingState};

/// Of the format; to be raised by every change of it.
const VERSION: u64 = 1;
/// The key of the metadata.
const KEY: &str = "training_state";
/// The most bytes of a checkpoint: of a network of a thousand million parameters in `f32`, with Adam's accumulators and
/// the best weights.
const MOST: u64 = 16 << 30;
/// The most bytes of the header of a safetensors file.
const LONGEST_HEADER: u64 = 100_000_000;
/// Where the checksum will be.
const BLANK: &str = "00000000";

/// Everything but tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u64,
    position: Position,
    options: FitOptions,
    samples: usize,
    optimizer: OptimizerConfig,
    iterations: u64,
    params: Vec<String>,
    callbacks: Vec<CallbackHeader>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackHeader {
    name: String,
    values: serde_json::Value,
    tensors: usize,
}

/// The one field that all versions have.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

fn weight_name(param: &str) -> String {
    format!("weights/{param}")
}

fn slot_name(slot: usize, param: &str) -> String {
    format!("optimizer/{slot}/{param}")
}

fn callback_name(place: usize, tensor: usize) -> String {
    format!("callback/{place}/{tensor}")
}

impl<R: Real> TrainingState<R> {
    /// Saves the state; the file is written whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let io = |source| StateError::Io { path: path.into(), source };
        let bytes = self.to_bytes().map_err(|e| io(std::io::Error::other(e)))?;
        write_atomically(path, &bytes).map_err(io)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, safetensors::SafeTensorError> {
        let header = Header {
            version: VERSION,
            position: self.position.clone(),
            options: self.options.clone(),
            samples: self.samples,
            optimizer: self.optimizer,
            iterations: self.iterations,
            params: self.params.iter().map(|(name, _)| name.clone()).collect(),
            callbacks: self
                .callbacks
                .iter()
                .map(|CallbackState { name, values, tensors }| CallbackHeader {
                    name: name.clone(),
                    values: values.clone(),
                    tensors: tensors.len(),
                })
                .collect(),
        };
        let mut stored = Vec::new();
        for ((name, value), slots) in self.params.iter().zip(&self.slots) {
            stored.push((weight_name(name), Stored::tensor(value)));
            for (i, elements) in slots.iter().enumerate() {
                stored.push((slot_name(i, name), Stored { shape: value.shape(), elements }));
            }
        }
        for (place, callback) in self.callbacks.iter().enumerate() {
            for (i, value) in callback.tensors.iter().enumerate() {
                stored.push((callback_name(place, i), Stored::tensor(value)));
            }
        }
        let header = serde_json::to_string(&header)?;
        let metadata = HashMap::from([(KEY.to_owned(), format!("{BLANK} {header}"))]);
        let mut bytes = safetensors::serialize(stored, Some(metadata))?;
        let place = checksum_place(&bytes).expect("it was just written");
        let crc = format!("{:08x}", checksum(&bytes, &place));
        bytes[place].copy_from_slice(crc.as_bytes());
        Ok(bytes)
    }

    /// Reads a state that [`TrainingState::save`] has written.
    ///
    /// # Errors
    /// If the file cannot be read, a byte of it is not what was written, it is of a later version, or its numbers
    /// are not of type `R`.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let damaged = |problem: String| StateError::Damaged { path: path.into(), problem };
        // What cannot be a checkpoint is not read to its end.
        let length = files::read_start(path, 8)?.try_into().map_or(0, u64::from_le_bytes);
        if !(1..=LONGEST_HEADER).contains(&length) {
            return Err(damaged("cut off, or not a checkpoint".into()));
        }
        let bytes = files::read(path, MOST)?;
        let json = checked_header(&bytes).map_err(damaged)?;
        let not_json = |error| damaged(JsonError::from(error).to_string());
        let Version { version } = serde_json::from_str(&json).map_err(not_json)?;
        if version > VERSION {
            return Err(StateError::Newer { path: path.into(), version, known: VERSION });
        }
        if version < VERSION {
            return Err(damaged(format!("format {version}, expected {VERSION}")));
        }
        let header = serde_json::from_str(&json).map_err(not_json)?;
        Self::from_parts(header, &bytes).map_err(damaged)
    }

    fn from_parts(header: Header, bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let mut used = 0;
        let mut find = |name: String| -> Result<Option<Tensor<R>>, String> {
            let Ok(stored) = file.tensor(&name) else { return Ok(None) };
            if stored.dtype() != dtype::<R>() {
                return Err(format!("{name:?} has type {:?}, expected {:?}", stored.dtype(), dtype::<R>()));
            }
            used += 1;
            decode(&stored).map(Some).map_err(|problem| format!("{name:?} {problem}"))
        };
        let missing = |name: &str| format!("tensor {name:?} is missing");
        let (mut params, mut slots) = (Vec::new(), Vec::new());
        for name in header.params {
            let value = find(weight_name(&name))?.ok_or_else(|| missing(&name))?;
            let mut own = Vec::new();
            while let Some(slot) = find(slot_name(own.len(), &name))? {
                if slot.shape() != value.shape() {
                    let (got, expected) = (slot.shape(), value.shape());
                    return Err(format!(
                        "the optimiser's state of {name:?} has shape {got:?}, not {expected:?}"
                    ));
                }
                own.push(slot.elements().to_vec());
            }
            params.push((name, value));
            slots.push(own);
        }
        let mut callbacks = Vec::new();
        for (place, CallbackHeader { name, values, tensors }) in header.callbacks.into_iter().enumerate() {
            let tensor = |i| find(callback_name(place, i))?.ok_or_else(|| missing(&callback_name(place, i)));
            let tensors = (0..tensors).map(tensor).collect::<Result<_, _>>()?;
            callbacks.push(CallbackState { name, values, tensors });
        }
        if used != file.len() {
            return Err(format!("{} tensors, expected {used}", file.len()));
        }
        let Header { position, options, samples, optimizer, iterations, .. } = header;
        Ok(Self { position, options, samples, optimizer, iterations, params, slots, callbacks })
    }
}

/// The JSON of a file whose checksum is right.
fn checked_header(bytes: &[u8]) -> Result<String, String> {
    let place = checksum_place(bytes).ok_or("cut off, or not a checkpoint")?;
    let (found, expected) = (checksum(bytes, &place), &bytes[place]);
    if format!("{found:08x}").as_bytes() != expected {
        let expected = String::from_utf8_lossy(expected);
        return Err(format!("its checksum is {found:08x}, the file says {expected}"));
    }
    refuse_duplicate_names(bytes).map_err(|e| e.to_string())?;
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
    let value = metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let json = value.and_then(|value| value.get(BLANK.len() + 1..)).ok_or("no training state")?;
    Ok(json.to_owned())
}

/// Where the digits of the checksum are. Within JSON's strings quotes are escaped, so that this pattern can only be
/// the key itself.
fn checksum_place(bytes: &[u8]) -> Option<Range<usize>> {
    let header = header(bytes)?;
    let pattern = format!("\"{KEY}\":\"");
    let start = 8 + pattern.len() + header.windows(pattern.len()).position(|w| w == pattern.as_bytes())?;
    let place = start..start + BLANK.len();
    bytes.get(place.clone()).map(|_| place)
}

fn checksum(bytes: &[u8], place: &Range<usize>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    for part in [&bytes[..place.start], BLANK.as_bytes(), &bytes[place.end..]] {
        crc.update(part);
    }
    crc.finalize()
}
