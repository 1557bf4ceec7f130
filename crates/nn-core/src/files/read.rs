use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("{}: is {found}, expected a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file is longer than any file of its kind.
    #[error("{}: has more than {}, the most that is read of such a file", path.display(), size(*most))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        most: u64,
    },
    /// Text was expected.
    #[error("{}: is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
}

impl ReadError {
    /// Whether there is nothing at the path.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

/// The content of a regular file of at most `most` bytes.
///
/// Anything else than a regular file is refused before it is opened, for opening a pipe may wait forever. No more than
/// `most` bytes are read, whatever length the system names: files of `/proc` say 0, and a file may grow meanwhile.
///
/// # Errors
/// If the file cannot be read, is no regular file, or is longer.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let too_large = || ReadError::TooLarge { path: path.into(), most };
    if regular(path)?.len() > most {
        return Err(too_large());
    }
    let bytes = read_start(path, most.saturating_add(1))?;
    if bytes.len() as u64 > most { Err(too_large()) } else { Ok(bytes) }
}

/// The first `len` bytes of a regular file, or all if it has fewer.
///
/// # Errors
/// If the file cannot be read or is no regular file.
pub fn read_start(path: &Path, len: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = open(path)?.take(len).read_to_end(&mut bytes);
    read.map_err(|source| ReadError::Io { path: path.into(), source })?;
    Ok(bytes)
}

/// A regular file, open for reading: for readers that know by themselves where to stop; others use [`read`].
///
/// # Errors
/// If there is no regular file, or it cannot be opened.
pub fn open(path: &Path) -> Result<File, ReadError> {
    regular(path)?;
    File::open(path).map_err(|source| ReadError::Io { path: path.into(), source })
}

fn regular(path: &Path) -> Result<fs::Metadata, ReadError> {
    let metadata = fs::metadata(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(ReadError::NotAFile { path: path.into(), found: kind(metadata.file_type()) })
}

/// The text of a regular file of at most `most` bytes, as [`read`] reads it.
///
/// # Errors
/// If the file cannot be read, is no regular file, is longer, or is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String, ReadError> {
    String::from_utf8(read(path, most)?).map_err(|_| ReadError::NotText { path: path.into() })
}

/// What stands at a path, in words: `a folder`, `a link`.
pub fn kind(file: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file.is_fifo() {
            return "a pipe";
        }
        if file.is_socket() {
            return "a socket";
        }
        if file.is_char_device() || file.is_block_device() {
            return "a device";
        }
    }
    if file.is_dir() {
        "a folder"
    } else if file.is_symlink() {
        "a link"
    } else if file.is_file() {
        "a regular file"
    } else {
        "something else"
    }
}

/// A number of bytes in words; limits are round.
fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes >= 1 << 30 && bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}
