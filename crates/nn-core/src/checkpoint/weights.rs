use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use nn_kernels::Real;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, View};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::error::WeightsError;
use crate::files::{self, write_atomically};
use crate::model::Network;
use crate::tensor::{Elements, Tensor};

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
    let bytes = files::read(path, most(&expected, size_of::<R>()))?;
    let format = |problem: String| WeightsError::Format { path: path.into(), problem };
    let bad = |tensor: &str, problem: String| WeightsError::Tensor {
        path: path.into(),
        tensor: tensor.into(),
        problem,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(e.to_string()))?;
    refuse_duplicate_names(&bytes).map_err(|problem| format(problem.to_string()))?;
    let known: HashSet<&str> = expected.iter().map(|(name, _)| name.as_str()).collect();
    // The first by name: the file has them in no order.
    if let Some(unknown) = file.names().into_iter().filter(|name| !known.contains(*name)).min() {
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
        let value = decode::<R>(&stored).map_err(|problem| bad(name, problem))?;
        if let Some(element) = value.iter().find(|element| !element.is_finite()) {
            return Err(bad(name, format!("contains {element}")));
        }
        values.push(value);
    }
    network.set_weights(&values);
    Ok(())
}

/// The most bytes that a file of the expected tensors may have.
fn most(expected: &[(String, Vec<usize>)], size: usize) -> u64 {
    // What another writer may say of the file, and of each tensor beside its name.
    const OF_FILE: usize = 1 << 20;
    const OF_TENSOR: usize = 1 << 10;
    let of_tensor = |(name, shape): &(String, Vec<usize>)| {
        OF_TENSOR + name.len() + shape.iter().product::<usize>() * size
    };
    (OF_FILE + expected.iter().map(of_tensor).sum::<usize>()) as u64
}

pub(super) fn dtype<R: Real>() -> Dtype {
    if size_of::<R>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

/// The tensor that is stored, whose type was checked.
///
/// # Errors
/// If its sizes multiply to more than can be addressed, as 0 and 2^63 do, though it has no element.
pub(super) fn decode<R: Real>(stored: &TensorView) -> Result<Tensor<R>, String> {
    let element = |bytes: &[u8]| match *bytes {
        [a, b, c, d] => R::of(f32::from_le_bytes([a, b, c, d]).into()),
        [a, b, c, d, e, f, g, h] => R::of(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => unreachable!("elements have 4 or 8 bytes"),
    };
    let elements = stored.data().chunks_exact(size_of::<R>()).map(element).collect();
    let shape = stored.shape();
    Tensor::from_shape_vec(shape, elements).map_err(|_| format!("has an impossible shape {shape:?}"))
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

    let cut_off = || serde::de::Error::custom("the header is cut off");
    let header = header(bytes).ok_or_else(cut_off)?;
    serde_json::Deserializer::from_slice(header).deserialize_map(Names)
}

/// The header of a safetensors file; none if the file ends before it does.
pub(super) fn header(bytes: &[u8]) -> Option<&[u8]> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    bytes.get(8..length.checked_add(8)?)
}
