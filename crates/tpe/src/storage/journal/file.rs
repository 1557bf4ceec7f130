//! Reading on in a journal, and appending to it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{failed, line};
use crate::objection::Objection;
use crate::storage::StorageError;
use crate::storage::tables::Tables;

/// How Optuna and this crate begin each line. A first line without an end is part of a journal only if it begins so.
const BEGINNING: &[u8] = b"{\"op_code\":";

/// No line is as long as this. What is longer comes of damage, and would fill the memory.
const LONGEST: u64 = 1 << 26;

/// How far a journal has been read.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    /// The end of the last complete line that was read.
    offset: u64,
    /// How many lines that are.
    lines: usize,
    /// The first of them, which tells one journal from another: it names its writer.
    first: Vec<u8>,
    /// The last of them. If it is not in its place any more, its writer has taken it back.
    last: Vec<u8>,
}

/// Creates the file unless it exists, and returns its absolute path.
pub(super) fn create(path: &Path) -> Result<PathBuf, StorageError> {
    let path = std::path::absolute(path).map_err(failed(path))?;
    match fs::metadata(&path) {
        Ok(found) if found.is_file() => return Ok(path),
        Ok(found) if found.is_dir() => return Err(foreign(&path, "this is a folder, not a journal")),
        Ok(_) => return Err(foreign(&path, "this is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&path)(error)),
    }
    OpenOptions::new().append(true).create(true).open(&path).map_err(failed(&path))?;
    if let Some(Ok(folder)) = path.parent().map(File::open) {
        // So that the name outlives a power cut; where folders cannot be flushed they need not be.
        let _ = folder.sync_all();
    }
    Ok(path)
}

impl Cursor {
    /// Applies the complete lines that have not been read yet.
    pub(super) fn read_on(&mut self, path: &Path, tables: &mut Tables) -> Result<(), StorageError> {
        let mut file = File::open(path).map_err(failed(path))?;
        if !self.finds(&mut file, self.offset - self.last.len() as u64, &self.last).map_err(failed(path))? {
            if !self.finds(&mut file, 0, &self.first).map_err(failed(path))? {
                return Err(foreign(path, "another file has taken the journal's place"));
            }
            (*self, *tables) = (Self::default(), Tables::default());
        }
        file.seek(SeekFrom::Start(self.offset)).map_err(failed(path))?;
        let mut reader = BufReader::new(file);
        if self.lines == 0 {
            let start = reader.fill_buf().map_err(failed(path))?;
            if start.starts_with(b"SQLite format 3\0") {
                return Err(foreign(path, "this is an SQLite database, not a journal"));
            }
            if start.first().is_some_and(|&first| first != BEGINNING[0]) {
                return Err(foreign(path, "this is not a journal, the first line is no operation"));
            }
        }
        let mut text = Vec::new();
        loop {
            text.clear();
            (&mut reader).take(LONGEST).read_until(b'\n', &mut text).map_err(failed(path))?;
            if text.len() as u64 == LONGEST {
                let what = format!("line {}", self.lines + 1);
                let why = format!("it has more than {LONGEST} bytes");
                return Err(StorageError::Damaged { place: path.display().to_string(), what, why });
            }
            if !text.ends_with(b"\n") {
                let common = text.len().min(BEGINNING.len());
                if self.lines == 0 && text[..common] != BEGINNING[..common] {
                    return Err(foreign(path, "this is not a journal, it has no line of one"));
                }
                return Ok(());
            }
            self.apply(path, &text, tables)?;
        }
    }

    fn apply(&mut self, path: &Path, text: &[u8], tables: &mut Tables) -> Result<(), StorageError> {
        match line::read(text) {
            Ok(Some(operation)) => tables.apply(operation),
            Ok(None) => {}
            Err(Objection { why, healthy: false }) if self.lines == 0 => {
                return Err(foreign(
                    path,
                    &format!("this is not a journal, the first line is no operation: {why}"),
                ));
            }
            Err(objection) => {
                let what = format!("line {}", self.lines + 1);
                return Err(objection.about(&path.display().to_string(), &what));
            }
        }
        if self.lines == 0 {
            self.first = text.to_vec();
        }
        self.last.clear();
        self.last.extend_from_slice(text);
        self.offset += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    /// Whether `text` stands at `offset`.
    fn finds(&self, file: &mut File, offset: u64, text: &[u8]) -> io::Result<bool> {
        let mut found = Vec::with_capacity(text.len());
        file.seek(SeekFrom::Start(offset))?;
        file.take(text.len() as u64).read_to_end(&mut found)?;
        Ok(found == text)
    }

    /// Puts `lines` at the end of the file and on the disk. Whoever calls holds the lock and has read on, so that what
    /// lies behind the last line read is no complete line: it goes. If writing fails the file is as before.
    pub(super) fn append(&self, path: &Path, lines: &str) -> Result<(), StorageError> {
        let mut file = OpenOptions::new().append(true).open(path).map_err(failed(path))?;
        let put = |file: &mut File| {
            if file.metadata()?.len() > self.offset {
                file.set_len(self.offset)?;
            }
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        };
        put(&mut file).map_err(|error| {
            // Should this fail too, the error that is reported is still the reason for both.
            let _ = file.set_len(self.offset).and_then(|()| file.sync_all());
            failed(path)(error)
        })
    }
}

fn foreign(path: &Path, why: &str) -> StorageError {
    StorageError::Foreign { path: path.to_owned(), why: why.to_owned() }
}
