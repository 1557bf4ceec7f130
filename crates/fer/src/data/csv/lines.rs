//! A data file as a sequence of numbered lines, in bounded memory.
//!
//! In these files a record is one line: no field may hold a line break. That is what makes line numbers
//! exact, lets threads share the work, and keeps a stray quote from swallowing the rest of the file.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, LineError};

/// Lines handed out at a time: about 2 MiB of real data.
const BATCH: usize = 256;

const BUFFER: usize = 256 * 1024;

/// A line without its line break.
pub struct Line {
    /// Position in the file, counted from 1.
    pub number: u64,
    /// The bytes.
    pub text: Vec<u8>,
    /// Whether the file ends without a line break after this line.
    pub cut: bool,
}

/// Some lines, and why there are no more if it is the last batch.
#[derive(Default)]
pub struct Batch {
    /// The lines, blank ones left out.
    pub lines: Vec<Line>,
    /// `None` while more lines may follow.
    pub end: Option<Result<(), DataError>>,
}

/// Reads lines from a plain or gzip-compressed file.
pub struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    compressed: bool,
    number: u64,
    max_line: usize,
}

impl Lines {
    /// Opens `path`, whose lines may have up to `max_line` bytes.
    ///
    /// # Errors
    /// If it is not a regular file, cannot be read, is empty, or its first bytes are those of something
    /// else than text or gzip.
    pub fn open(path: &Path, max_line: usize) -> Result<Lines, DataError> {
        let failed = |source| DataError::Read { path: path.to_owned(), source };
        regular_file(path)?;
        let mut plain = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        let compressed = plain.fill_buf().map_err(failed)?.starts_with(GZIP);
        let reader: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        let mut lines = Lines { path: path.to_owned(), reader, compressed, number: 0, max_line };
        lines.check_start()?;
        Ok(lines)
    }

    /// The next line that is not blank, or `None` at the end.
    ///
    /// # Errors
    /// If reading fails or the line is too long.
    pub fn next_line(&mut self) -> Result<Option<Line>, DataError> {
        loop {
            self.number += 1;
            let mut text = Vec::new();
            let limit = self.max_line as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut text);
            read.map_err(|error| self.failed(error))?;
            if text.is_empty() {
                return Ok(None);
            }
            let cut = text.pop_if(|byte| *byte == b'\n').is_none();
            if text.len() > self.max_line {
                return Err(self.wrong(LineError::TooLong { limit: self.max_line }));
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(Line { number: self.number, text, cut }));
            }
        }
    }

    /// The next lines.
    pub fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        while batch.end.is_none() && batch.lines.len() < BATCH {
            match self.next_line() {
                Ok(Some(line)) => batch.lines.push(line),
                Ok(None) => batch.end = Some(Ok(())),
                Err(error) => batch.end = Some(Err(error)),
            }
        }
        batch
    }

    /// Refuses files of other kinds and steps over a UTF-8 byte order mark.
    fn check_start(&mut self) -> Result<(), DataError> {
        let (empty, bom, foreign) = match self.reader.fill_buf() {
            Ok(start) => (start.is_empty(), start.starts_with(BOM), foreign(start)),
            Err(error) => {
                self.number = 1;
                return Err(self.failed(error));
            }
        };
        if empty {
            return Err(DataError::Empty { path: self.path.clone() });
        }
        if let Some((found, advice)) = foreign {
            return Err(DataError::Foreign { path: self.path.clone(), found, advice });
        }
        if bom {
            self.reader.consume(BOM.len());
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> DataError {
        if !self.compressed {
            return DataError::Read { path: self.path.clone(), source: error };
        }
        let early = error.kind() == io::ErrorKind::UnexpectedEof;
        let what = if early { "ends early" } else { "is damaged" };
        self.wrong(LineError::Gzip { what, reason: error.to_string() })
    }

    fn wrong(&self, problem: LineError) -> DataError {
        DataError::Line { path: self.path.clone(), line: self.number, problem }
    }
}

/// Refuses pipes and devices, which may block or never end.
fn regular_file(path: &Path) -> Result<(), DataError> {
    let found = fs::metadata(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    if found.is_file() {
        return Ok(());
    }
    let kind = if found.is_dir() { "a folder" } else { "a pipe, a device or a socket" };
    Err(DataError::NotAFile { path: path.to_owned(), kind })
}

const BOM: &[u8] = b"\xEF\xBB\xBF";
const GZIP: &[u8] = b"\x1F\x8B";

/// What the first bytes of a file of another kind tell: what it is, and what to do about it.
fn foreign(start: &[u8]) -> Option<(&'static str, &'static str)> {
    const UNPACK: &str = "unpack it first";
    const SAVE: &str = "save it as UTF-8";
    const DOWNLOAD: &str = "download the data itself";
    const TABLE: [(&[u8], &str, &str); 12] = [
        (GZIP, "a gzip file inside a gzip file", UNPACK),
        (b"PK\x03\x04", "a zip archive", UNPACK),
        (b"BZh", "a bzip2 file", UNPACK),
        (b"\xFD7zXZ", "an xz file", UNPACK),
        (b"\x28\xB5\x2F\xFD", "a zstd file", UNPACK),
        (b"7z\xBC\xAF", "a 7z archive", UNPACK),
        (b"Rar!", "a rar archive", UNPACK),
        (b"\xFF\xFE", "UTF-16 text", SAVE),
        (b"\xFE\xFF", "UTF-16 text", SAVE),
        (b"\x89PNG", "a PNG image", DOWNLOAD),
        (b"\xFF\xD8\xFF", "a JPEG image", DOWNLOAD),
        (b"%PDF", "a PDF document", DOWNLOAD),
    ];
    if start.starts_with(b"version https://git-lfs") {
        return Some(("a Git LFS pointer", "fetch the data with `git lfs pull`"));
    }
    let text = start.strip_prefix(BOM).unwrap_or(start).trim_ascii_start();
    if text.starts_with(b"<") {
        return Some(("a web page (HTML or XML)", DOWNLOAD));
    }
    if text.starts_with(b"{") || text.starts_with(b"[") {
        return Some(("JSON", DOWNLOAD));
    }
    TABLE.iter().find(|(magic, ..)| start.starts_with(magic)).map(|&(_, found, advice)| (found, advice))
}
