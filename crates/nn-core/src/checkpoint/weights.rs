use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::Path;

use nn_kernels::Real;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, View};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::WeightsError;
use crate::files::write_atomically;
use crate::model::Network;
use crate::tensor::{Elements, Tensor, tensor};

/// Saves all parameters; the file is written whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights<R: Real>(network: &Network<R>, path: &Path) -> Result<(), WeightsError> {
    let params: Vec<_> = network.params().map(|(name, param)| (name, Stored::tensor(&param.value))).collect();
    let bytes = safetensors::serialize(params, None)
        .map_err(|e| WeightsError::Format { path: path.into(), problem: e.to_string() })?;
    write_atomically(path, &bytes).map_err(|source| WeightsError::Io { path: path.into(), source })
}

/// Replaces all parameters by those in a file. The file must hold exactly the network's tensors, in the
/// network's shapes and element type, all values finite. On an error the network is unchanged.
///
/// # Errors
/// If the file cannot be read, is not a safetensors file, or holds other tensors; the message names the first.
pub fn load_weights<R: Real>(network: &mut Network<R>, path: &Path) -> Result<(), WeightsError> {
    let expected: Vec<(String, Vec<usize>)> =
        network.params().map(|(name, param)| (name, param.value.shape().to_vec())).collect();
    let bytes = read_capped(path, &expected, size_of::<R>())?;
    let format = |problem: String| WeightsError::Format { path: path.into(), problem };
    let bad = |tensor: &str, problem: String| WeightsError::Tensor {
        path: path.into(),
        tensor: tensor.into(),
        problem,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(e.to_string()))?;
    refuse_duplicate_names(&bytes).map_err(|problem| format(problem.to_string()))?;
    let known: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(unknown) = file.names().into_iter().find(|name| !known.contains(*name)) {
        return Err(bad(unknown, format!("network {:?} has no such parameter", network.name())));
    }
    let mut values = Vec::new();
    for (name, shape) in &expected {
        let stored = file.tensor(name).map_err(|_| bad(name, "missing from the file".into()))?;
        if stored.dtype() != dtype::<R>() {
            return Err(bad(name, format!("has type {:?}, expected {:?}", stored.dtype(), dtype::<R>())));
        }
        if stored.shape() != shape {
            return Err(bad(name, format!("has shape {:?}, expected {shape:?}", stored.shape())));
        }
        let value = decode::<R>(shape, &stored);
        if let Some(element) = value.iter().find(|element| !element.is_finite()) {
            return Err(bad(name, format!("contains {element}")));
        }
        values.push(value);
    }
    network.set_weights(&values);
    Ok(())
}

/// Reads a file that should hold the expected tensors; one that is far too large is refused unread.
fn read_capped(path: &Path, expected: &[(String, Vec<usize>)], size: usize) -> Result<Vec<u8>, WeightsError> {
    const HEADER: u64 = 1 << 20;
    let io = |source| WeightsError::Io { path: path.into(), source };
    let format = |problem: String| WeightsError::Format { path: path.into(), problem };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(format("not a regular file".into()));
    }
    let data: usize = expected.iter().map(|(_, shape)| shape.iter().product::<usize>() * size).sum();
    if metadata.len() > data as u64 + HEADER {
        let len = metadata.len();
        return Err(format(format!("{len} bytes, but the network's parameters have {data}")));
    }
    fs::read(path).map_err(io)
}

pub(super) fn dtype<R: Real>() -> Dtype {
    if size_of::<R>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

pub(super) fn decode<R: Real>(shape: &[usize], stored: &TensorView) -> Tensor<R> {
    let element = |bytes: &[u8]| match *bytes {
        [a, b, c, d] => R::of(f32::from_le_bytes([a, b, c, d]).into()),
        [a, b, c, d, e, f, g, h] => R::of(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => unreachable!("elements have 4 or 8 bytes"),
    };
    tensor(shape, stored.data().chunks_exact(size_of::<R>()).map(element).collect())
}

/// Elements of a tensor as safetensors wants to see them.
pub(super) struct Stored<'a, R> {
    pub shape: &'a [usize],
    pub elements: &'a [R],
}

impl<'a, R: Real> Stored<'a, R> {
    pub fn tensor(tensor: &'a Tensor<R>) -> Self {
        Self { shape: tensor.shape(), elements: tensor.elements() }
    }
}

impl<R: Real> View for Stored<'_, R> {
    fn dtype(&self) -> Dtype {
        dtype::<R>()
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        for value in self.elements {
            if size_of::<R>() == 4 {
                bytes.extend_from_slice(&(value.as_f64() as f32).to_le_bytes());
            } else {
                bytes.extend_from_slice(&value.as_f64().to_le_bytes());
            }
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.elements)
    }
}

/// The reader keeps the last of several tensors with one name; such a file is damaged or made to deceive.
pub(crate) fn refuse_duplicate_names(bytes: &[u8]) -> Result<(), serde_json::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a header with tensor names")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut seen = HashSet::new();
            while let Some((name, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
                if seen.contains(&name) {
                    return Err(serde::de::Error::custom(format!("tensor {name:?} appears twice")));
                }
                seen.insert(name);
            }
            Ok(())
        }
    }

    let length: [u8; 8] = bytes[..8].try_into().expect("the header was read before");
    let header = &bytes[8..8 + u64::from_le_bytes(length) as usize];
    serde_json::Deserializer::from_slice(header).deserialize_map(Names)
}
