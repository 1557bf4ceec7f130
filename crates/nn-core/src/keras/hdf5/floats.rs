use std::cell::Cell;

use hdf5_reader::messages::datatype::Datatype;
use hdf5_reader::{Dataset, H5Type, VarLenKind};

use super::attributes::spend;
use crate::half;
use crate::quoted::list;
use crate::tensor::{Tensor, tensor};

/// More axes than any weight of Keras has.
const MOST_AXES: usize = 8;

/// Reads a dataset of floats as `f32`. `decodable` is the number of bytes of `f32` that may still be decoded; `told` is
/// the type that an attribute tells, for elements that have none in HDF5.
pub(super) fn read(
    dataset: &Dataset,
    decodable: &Cell<usize>,
    told: Option<&str>,
) -> Result<Tensor<f32>, String> {
    let decode = decoder(dataset, told)?;
    if dataset.ndim() > MOST_AXES {
        return Err(format!("has {} axes, expected at most {MOST_AXES}", dataset.ndim()));
    }
    let shape: Option<Vec<usize>> = dataset.shape().iter().map(|&axis| axis.try_into().ok()).collect();
    let elements =
        shape.as_ref().and_then(|shape| shape.iter().try_fold(1usize, |n, &axis| n.checked_mul(axis)));
    let (Some(shape), Some(elements)) = (shape, elements) else {
        return Err(format!("an array of shape {} is impossible", list(dataset.shape())));
    };
    let shown = list(&shape);
    if elements == 0 || dataset.num_elements().ok() == Some(0) {
        return Err(format!("has shape {shown}: no elements"));
    }
    let affordable = elements.checked_mul(size_of::<f32>()).and_then(|bytes| spend(decodable, bytes));
    if affordable.is_none() {
        return Err(format!("an array of shape {shown} is out of proportion to the file's size"));
    }
    let values = match decode {
        Some(decode) => decode(&dataset.read_native_bytes().map_err(|e| e.to_string())?),
        None => in_place(dataset, elements)?,
    };
    if values.len() != elements {
        return Err(format!("holds {} values for the shape {shown}", values.len()));
    }
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("contains {value}")),
        None => Ok(tensor(&shape, values)),
    }
}

/// The values of a dataset whose elements lie in the file as in memory: read without a copy, for these are the largest.
fn in_place(dataset: &Dataset, elements: usize) -> Result<Vec<f32>, String> {
    let mut values = vec![0f32; elements];
    dataset.read_into(&mut values).map_err(|e| e.to_string())?;
    Ok(values)
}

/// From bytes in the machine's order to `f32`.
type Decoder = fn(&[u8]) -> Vec<f32>;

/// How the elements become `f32`; None if they are.
fn decoder(dataset: &Dataset, told: Option<&str>) -> Result<Option<Decoder>, String> {
    let size = match dataset.dtype() {
        Datatype::FloatingPoint { size, .. } => *size,
        Datatype::Opaque { size: 2, .. } if told == Some("bfloat16") => {
            return Ok(Some(|bytes| {
                decoded(bytes, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
            }));
        }
        other => return Err(format!("has {}, expected floats", kind(other))),
    };
    // Layouts are told by the width of the exponent at its place in the encoding of a float: class and flags,
    // size, bit offset and precision, place of the exponent, then this byte.
    const EXPONENT_SIZE: usize = 13;
    let encoding = dataset.raw_datatype().map_err(|e| e.to_string())?;
    match (size, encoding.get(EXPONENT_SIZE)) {
        (2, Some(5)) => Ok(Some(|bytes| decoded(bytes, |b| half(u16::from_ne_bytes(b))))),
        (4, Some(8)) if f32::native_copy_compatible(dataset.dtype()) => Ok(None),
        (4, Some(8)) => Ok(Some(|bytes| decoded(bytes, f32::from_ne_bytes))),
        (8, Some(11)) => Ok(Some(|bytes| decoded(bytes, |b| f64::from_ne_bytes(b) as f32))),
        _ => Err(format!("has floats of {size} bytes in an unusual layout, expected IEEE f16, f32 or f64")),
    }
}

/// A type of elements in words.
pub(super) fn kind(datatype: &Datatype) -> &'static str {
    match datatype {
        Datatype::FixedPoint { .. } => "whole numbers",
        Datatype::FloatingPoint { .. } => "floats",
        Datatype::String { .. } | Datatype::VarLen { kind: VarLenKind::String, .. } => "texts",
        Datatype::Compound { .. } => "records",
        Datatype::Array { .. } => "arrays within an array",
        Datatype::Enum { .. } => "named values such as true and false",
        Datatype::VarLen { .. } => "lists of varying length",
        Datatype::Opaque { .. } => "bytes of an unknown type",
        Datatype::Reference { .. } => "references to other places of the file",
        Datatype::Bitfield { .. } => "sets of bits",
    }
}

fn decoded<const N: usize>(bytes: &[u8], element: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&bytes| element(bytes)).collect()
}
