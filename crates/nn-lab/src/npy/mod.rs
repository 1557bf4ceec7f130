//! Arrays in NumPy's `.npy` files.

mod element;
mod header;

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, ShapeBuilder};
use nn_core::files::{self, ReadError};
use nn_core::{Tensor, tensor};
use thiserror::Error;

use element::Element;
use header::{ARCHIVE, Header, MAGIC};

/// Larger arrays are refused unread, in bytes as `f32`.
const LARGEST: u64 = 8 << 30;

/// NumPy's own limit.
const MOST_AXES: usize = 64;

/// Why a file is no array that can be used.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its content is something else.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads an array of numbers, in either order of axes and of bytes, as `f32` in row-major order: floats of 16, 32 and 64
/// bits, integers of 8 to 64 bits with and without sign, and truth values as 0 and 1. What has more digits than `f32` is
/// rounded.
///
/// # Errors
/// If the file cannot be read, is no `.npy` file, is shorter or longer than its array, or holds something else than
/// numbers within the range of `f32`.
pub fn read(path: &Path) -> Result<Tensor<f32>, NpyError> {
    let file = files::open(path)?;
    // Files of /proc say 0.
    let known = file.metadata().map(|metadata| metadata.len()).ok().filter(|&length| length > 0);
    read_from(&mut BufReader::new(file), known)
        .map_err(|problem| NpyError::Format { path: path.into(), problem })
}

/// Whether a file that begins so is a `.npy` file, or an `.npz` archive of such.
pub fn is_array(start: &[u8]) -> bool {
    start.starts_with(MAGIC) || start.starts_with(ARCHIVE)
}

/// Reads an array; `known` is the length of the file in bytes, where it is known.
fn read_from(file: &mut impl Read, known: Option<u64>) -> Result<Tensor<f32>, String> {
    let Header { descr, fortran, shape, length } = Header::read(file)?;
    let element = match descr {
        Some(descr) => Element::named(&descr)?,
        None => return Err("holds records or arrays of arrays, expected numbers".into()),
    };
    let (shape, count) = addressable(&shape)?;
    let bytes = count as u64 * element.size as u64;
    let short = |got: u64| {
        let shape = in_words(&shape);
        format!("ends after {got} of the {bytes} bytes that an array of {shape} needs")
    };
    let behind = |more: &str| {
        let shape = in_words(&shape);
        format!("has {more} behind its array of {shape}: save each array in a file of its own")
    };
    if let Some(known) = known {
        let left = known.saturating_sub(length);
        if left < bytes {
            return Err(short(left));
        }
        if left > bytes {
            return Err(behind(&format!("{} bytes", left - bytes)));
        }
    }
    let mut values: Vec<f32> = Vec::new();
    let mut chunk = vec![0; CHUNK * element.size];
    let mut got = 0;
    while got < bytes {
        let part = &mut chunk[..(bytes - got).min((CHUNK * element.size) as u64) as usize];
        file.read_exact(part).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => short(got),
            _ => error.to_string(),
        })?;
        values.try_reserve(part.len() / element.size).map_err(|_| "needs more memory than there is")?;
        for value in element.decode(part) {
            values.push(value.ok_or("holds a number that is too large for 32-bit floats")?);
        }
        got += part.len() as u64;
    }
    if file.read(&mut [0]).map_err(|error| error.to_string())? > 0 {
        return Err(behind("more bytes"));
    }
    if !fortran {
        return Ok(tensor(&shape, values));
    }
    let columns =
        ArrayD::from_shape_vec(shape.as_slice().f(), values).expect("as many values as the shape has");
    Ok(tensor(&shape, columns.iter().copied().collect()))
}

/// Elements that are read at a time.
const CHUNK: usize = 1 << 16;

/// The shape and its number of elements, if an array of it can be addressed and is not too large.
fn addressable(shape: &[u64]) -> Result<(Vec<usize>, usize), String> {
    if shape.len() > MOST_AXES {
        return Err(format!("an array of {} axes, the most is {MOST_AXES}", shape.len()));
    }
    let axes: Option<Vec<usize>> = shape.iter().map(|&axis| usize::try_from(axis).ok()).collect();
    let product = |least| {
        shape.iter().try_fold(size_of::<f32>() as u64, |bytes, &axis| bytes.checked_mul(axis.max(least)))
    };
    // An axis of 0 makes an array empty, but the others must be possible all the same.
    match (axes, product(0), product(1)) {
        (Some(axes), Some(bytes), Some(strides)) if bytes <= LARGEST && strides <= isize::MAX as u64 => {
            Ok((axes, bytes as usize / size_of::<f32>()))
        }
        _ => Err(format!(
            "an array of shape {} is too large: the most is {} GiB in 32-bit floats",
            in_words(shape),
            LARGEST >> 30
        )),
    }
}

/// A shape as `3 x 48 x 48 x 1`; of many axes the first.
fn in_words(shape: &[impl ToString]) -> String {
    const SHOWN: usize = 8;
    let mut axes: Vec<_> = shape.iter().take(SHOWN).map(ToString::to_string).collect();
    if shape.len() > SHOWN {
        axes.push("..".into());
    }
    if axes.is_empty() { "a single number".into() } else { axes.join(" x ") }
}

/// The bytes of a `.npy` file with an array of `f32` in row-major order.
pub fn encode(array: &Tensor<f32>) -> Vec<u8> {
    /// The elements begin at a multiple of it, so that a program can map them.
    const ALIGNMENT: usize = 64;
    let axes: String = array.shape().iter().map(|axis| format!("{axis}, ")).collect();
    let axes = if array.ndim() == 1 { axes.trim_end() } else { axes.trim_end_matches(", ") };
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}");
    let before = MAGIC.len() + 4;
    let end = (before + header.len() + 1).next_multiple_of(ALIGNMENT);
    header += &" ".repeat(end - 1 - before - header.len());
    header.push('\n');
    let length = u16::try_from(header.len()).expect("a shape of few axes");
    let elements = array.iter().flat_map(|value| value.to_le_bytes());
    [MAGIC, &[1, 0], &length.to_le_bytes(), header.as_bytes()].concat().into_iter().chain(elements).collect()
}
