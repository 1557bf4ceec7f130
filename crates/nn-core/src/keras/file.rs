use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::KerasError;

/// Larger files are refused unread. The largest network of `keras.applications`, VGG19, has 575 MB.
pub(super) const LARGEST: u64 = 2 << 30;

/// What a file is, by its first bytes.
pub(super) enum Container {
    /// A zip archive: `.keras`.
    Zip(Vec<u8>),
    /// An HDF5 file: `.h5`, `.weights.h5`.
    Hdf5(Vec<u8>),
}

/// Reads a whole regular file of at most `longest` bytes.
pub(super) fn bytes(path: &Path, longest: u64) -> Result<Vec<u8>, KerasError> {
    let metadata = fs::metadata(path).map_err(KerasError::io(path))?;
    if !metadata.is_file() {
        return Err(KerasError::format(path, "not a regular file"));
    }
    if metadata.len() > longest {
        let problem = format!("{} bytes; files above {longest} are not read", metadata.len());
        return Err(KerasError::format(path, problem));
    }
    let mut bytes = Vec::new();
    // The file may grow while it is read.
    let file = File::open(path).map_err(KerasError::io(path))?;
    file.take(longest).read_to_end(&mut bytes).map_err(KerasError::io(path))?;
    Ok(bytes)
}

/// Tells the kind of a file by its content; the name does not matter.
pub(super) fn container(bytes: Vec<u8>, path: &Path) -> Result<Container, KerasError> {
    if bytes.starts_with(b"PK\x03\x04") {
        Ok(Container::Zip(bytes))
    } else if has_hdf5_signature(&bytes) {
        Ok(Container::Hdf5(bytes))
    } else {
        let problem = format!("neither an HDF5 file nor a .keras archive: {}", appearance(&bytes));
        Err(KerasError::format(path, problem))
    }
}

/// The signature stands at the start or, behind a user block, at 512, 1024, 2048, ...
fn has_hdf5_signature(bytes: &[u8]) -> bool {
    let starts = std::iter::once(0).chain((9..31).map(|exponent| 1 << exponent));
    starts
        .take_while(|&start| start < bytes.len())
        .any(|start: usize| bytes[start..].starts_with(b"\x89HDF\r\n\x1a\n"))
}

/// What lies there instead: downloads often fail in one of these ways.
fn appearance(bytes: &[u8]) -> &'static str {
    let text = bytes.trim_ascii_start();
    if bytes.is_empty() {
        "it is empty"
    } else if bytes.starts_with(b"version https://git-lfs") {
        "it is a Git LFS pointer; fetch the file itself with `git lfs pull`"
    } else if text.starts_with(b"<") {
        "it looks like a web page"
    } else if text.starts_with(b"{") {
        "it looks like JSON; a configuration alone is read with `ModelConfig::from_json`"
    } else if bytes.starts_with(b"\x1f\x8b") {
        "it is compressed with gzip; decompress it first"
    } else {
        "its first bytes are unknown"
    }
}
