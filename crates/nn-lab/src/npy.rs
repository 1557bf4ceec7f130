//! Arrays in NumPy's `.npy` files.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use nn_core::files::write_atomically;
use nn_core::{Tensor, tensor};
use npyz::{DType, NpyFile, Order, WriterBuilder};
use thiserror::Error;

/// Larger files are refused unread.
const LARGEST: u64 = 8 << 30;

/// Why an array cannot be read or written.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not an array that can be used.
    #[error("{path}: {problem}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// Reads an array of numbers (integers or floats of 8 to 64 bits) in row-major order, as `f32`.
///
/// # Errors
/// If the file cannot be read, is no `.npy` file, is shorter than it says, or holds something else.
pub fn read(path: &Path) -> Result<Tensor<f32>, NpyError> {
    let problem = |problem: String| NpyError::Format { path: path.into(), problem };
    let io = |source| NpyError::Io { path: path.into(), source };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(problem(format!("expected a regular file of at most {LARGEST} bytes")));
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)).map_err(io)?;
    check_header(&bytes).map_err(problem)?;
    let file = NpyFile::new(&bytes[..]).map_err(|e| problem(format!("not a readable .npy file: {e}")))?;
    let shape: Vec<usize> = file.shape().iter().filter_map(|&axis| usize::try_from(axis).ok()).collect();
    // Every element has a byte at least.
    let len = shape.iter().try_fold(1usize, |len, &axis| len.checked_mul(axis));
    if shape.len() != file.shape().len() || len.is_none_or(|len| len > bytes.len()) {
        let problem_of_size =
            format!("an array of shape {:?} does not fit into {} bytes", file.shape(), bytes.len());
        return Err(problem(problem_of_size));
    }
    if file.order() == Order::Fortran && shape.len() > 1 {
        return Err(problem("is in column-major order; save numpy.ascontiguousarray(array) instead".into()));
    }
    let DType::Plain(kind) = file.dtype() else {
        return Err(problem("holds records, expected numbers".into()));
    };
    let text = kind.to_string();
    let values: io::Result<Vec<f32>> = match text.trim_start_matches(['<', '>', '|', '=']) {
        "f4" => file.into_vec(),
        "f8" => file.into_vec().map(|v: Vec<f64>| v.into_iter().map(|x| x as f32).collect()),
        "u1" => file.into_vec().map(|v: Vec<u8>| v.into_iter().map(f32::from).collect()),
        "i4" => file.into_vec().map(|v: Vec<i32>| v.into_iter().map(|x| x as f32).collect()),
        "i8" => file.into_vec().map(|v: Vec<i64>| v.into_iter().map(|x| x as f32).collect()),
        _ => return Err(problem(format!("holds elements of type {text}, expected f4, f8, u1, i4 or i8"))),
    };
    let values = values.map_err(|e| problem(format!("the elements cannot be read: {e}")))?;
    Ok(tensor(&shape, values))
}

/// The header says how long it is: a longer one than the file would be memory for nothing.
fn check_header(bytes: &[u8]) -> Result<(), String> {
    let Some(rest) = bytes.strip_prefix(b"\x93NUMPY") else {
        return Err("not a .npy file".into());
    };
    match *rest {
        [major, _, a, b, c, d, ..]
            if major > 1 && u32::from_le_bytes([a, b, c, d]) as usize > bytes.len() =>
        {
            Err(format!("a .npy file of version {major} whose header is longer than the file"))
        }
        _ => Ok(()),
    }
}

/// Writes an array as `f32` in row-major order, whole or not at all.
///
/// # Errors
/// If the system refuses.
pub fn write(path: &Path, array: &Tensor<f32>) -> Result<(), NpyError> {
    let error = |source| NpyError::Io { path: path.into(), source };
    let shape: Vec<u64> = array.shape().iter().map(|&axis| axis as u64).collect();
    let mut bytes = Vec::new();
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = options.begin_nd().map_err(error)?;
    writer.extend(array.iter().copied()).map_err(error)?;
    writer.finish().map_err(error)?;
    write_atomically(path, &bytes).map_err(error)
}
