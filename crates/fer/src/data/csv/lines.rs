//! A data file as a sequence of numbered lines, in bounded memory.
//!
//! In these files a record is one line: no field may hold a line break. That is what makes line numbers
//! exact, lets threads share the work, and keeps a stray quote from swallowing the rest of the file.
//! Lines end in a line feed, in both, or, as old Macs wrote them, in a carriage return alone.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::{DataError, LineError};
use super::kind::{BOM, GZIP, LOOKED_AT, foreign};

/// Lines handed out at a time: about 2 MiB of real data.
const BATCH: usize = 256;

const BUFFER: usize = 256 * 1024;

/// Most bytes of blank lines in a row: a small compressed file may hold gigabytes of them.
const MOST_BLANK: u64 = 1 << 20;

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
    /// The byte that ends a line.
    line_break: u8,
    number: u64,
    /// Bytes read so far.
    read: u64,
    max_line: usize,
    max_bytes: u64,
}

impl Lines {
    /// Opens `path`, whose lines may have up to `max_line` bytes, and all together, unpacked, `max_bytes`.
    ///
    /// # Errors
    /// If it is not a regular file, cannot be read, is empty, or its first bytes are those of something
    /// else than text or gzip.
    pub fn open(path: &Path, max_line: usize, max_bytes: u64) -> Result<Lines, DataError> {
        let failed = |source| DataError::Read { path: path.to_owned(), source };
        regular_file(path)?;
        let mut plain = BufReader::with_capacity(BUFFER, File::open(path).map_err(failed)?);
        let compressed = plain.fill_buf().map_err(failed)?.starts_with(GZIP);
        let reader: Box<dyn BufRead + Send> = if compressed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        let path = path.to_owned();
        let mut lines =
            Lines { path, reader, compressed, line_break: b'\n', number: 0, read: 0, max_line, max_bytes };
        lines.check_start()?;
        Ok(lines)
    }

    /// The next line that is not blank, or `None` at the end.
    ///
    /// # Errors
    /// If reading fails, the line is too long, or there is no end of blank ones.
    pub fn next_line(&mut self) -> Result<Option<Line>, DataError> {
        let mut blank = 0;
        loop {
            self.number += 1;
            let mut text = Vec::new();
            let limit = self.max_line as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(self.line_break, &mut text);
            let read = read.map_err(|error| self.failed(error))? as u64;
            if text.is_empty() {
                return Ok(None);
            }
            self.read += read;
            if self.read > self.max_bytes {
                return Err(self.wrong(LineError::TooMuch { limit: self.max_bytes }));
            }
            let cut = text.pop_if(|byte| *byte == self.line_break).is_none();
            if text.len() > self.max_line {
                return Err(self.wrong(LineError::TooLong { limit: self.max_line }));
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(Line { number: self.number, text, cut }));
            }
            blank += read;
            if blank > MOST_BLANK {
                return Err(self.wrong(LineError::Blank { limit: MOST_BLANK }));
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

    /// Refuses files of other kinds, steps over a UTF-8 byte order mark, and finds out what ends a line.
    fn check_start(&mut self) -> Result<(), DataError> {
        let mut start = Vec::new();
        let read = self.reader.by_ref().take(LOOKED_AT as u64).read_to_end(&mut start);
        // What is wrong further on is told when that place is reached.
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let rest = match read {
            Ok(_) => rest,
            Err(error) if start.is_empty() => {
                self.number = 1;
                return Err(self.failed(error));
            }
            Err(error) => Box::new(BufReader::new(Fails(Some(error)))),
        };
        if start.is_empty() {
            return Err(DataError::Empty { path: self.path.clone() });
        }
        if let Some((found, advice)) = foreign(&start) {
            return Err(DataError::Foreign { path: self.path.clone(), found, advice });
        }
        if start.starts_with(BOM) {
            start.drain(..BOM.len());
        }
        let alone = |pair: &[u8]| pair[0] == b'\r' && !matches!(pair[1], b'\r' | b'\n');
        if !start.contains(&b'\n') && start.windows(2).any(alone) {
            self.line_break = b'\r';
        }
        self.reader = Box::new(Cursor::new(start).chain(rest));
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

/// Where reading ends in an error.
struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
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
