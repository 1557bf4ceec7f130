//! Reads FER-2013 from CSV files, plain or gzip-compressed.
//!
//! Accepted are a folder with `Q1_Train_Data.csv`, `Q1_Validation_Data.csv` and `Q1_Test_Data.csv`, a folder
//! with Kaggle's `fer2013.csv` or `icml_face_data.csv`, or one file with a `Usage` column (`Training`,
//! `PublicTest`, `PrivateTest`). Columns are found by name, so their order does not matter. Other writings of the same
//! thing are read, too: semicolons or tabs between columns, `3.0` for 3, brackets and commas around and between pixels.
//!
//! While one batch of lines is read, the one before it is parsed on all cores; apart from the faces
//! themselves only two batches are in memory. Nothing in a file makes the reader panic: whatever is wrong is
//! a [`DataError`] that names file, line, column, value and what was expected.

mod error;
mod folder;
mod kind;
mod lines;
mod record;
mod write;

use std::path::Path;

use rayon::prelude::*;

pub use error::{DataError, LineError};
pub use write::{write_rows, write_rows_with_usage};

use self::folder::{Layout, find};
use self::lines::{Batch, Lines};
use self::record::Columns;
use super::{Dataset, Faces, PIXELS, Source, Split, Warning, audit};

/// Bounds on what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most bytes of a line; a row of 2,304 three-digit pixels has 9,220.
    pub max_line: usize,
    /// Most rows of a file; each takes 2,305 bytes of memory.
    pub max_rows: usize,
    /// Most bytes of a file, unpacked.
    pub max_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_line: 64 * 1024, max_rows: 1_000_000, max_bytes: 10 << 30 }
    }
}

/// The files of the three splits when each has one of its own.
pub const SPLIT_FILES: [&str; 3] = ["Q1_Train_Data.csv", "Q1_Validation_Data.csv", "Q1_Test_Data.csv"];

const SINGLE_FILES: [&str; 2] = ["fer2013.csv", "icml_face_data.csv"];

/// Loads the dataset at `path`, a folder or a file, and audits it.
///
/// # Errors
/// The first problem, in the order of the files and their lines.
pub fn load(path: &Path, options: &Options) -> Result<Dataset, DataError> {
    let mut splits = [(); 3].map(|()| Faces::new());
    let mut named = None;
    let paths = match find(path)? {
        Layout::PerSplit(paths) => {
            for ((path, split), faces) in paths.iter().zip(Split::ALL).zip(&mut splits) {
                read(path, options, Some(split), |_, image, label| faces.push(image, label))?;
                refuse_empty(path, split, faces, false)?;
            }
            paths.to_vec()
        }
        Layout::Single(path) => {
            read(&path, options, None, |split, image, label| splits[split as usize].push(image, label))?;
            for (faces, split) in splits.iter().zip(Split::ALL) {
                refuse_empty(&path, split, faces, true)?;
            }
            let is_it = |name: &&str| path.file_name().is_some_and(|file| file == *name);
            named = SPLIT_FILES.into_iter().find(is_it).map(|file| Warning::NamedForSplit { file });
            vec![path]
        }
    };
    splits.iter_mut().for_each(Faces::shrink);
    let [train, val, test] = splits;
    let mut dataset = Dataset { train, val, test, source: Source::Csv { paths }, warnings: Vec::new() };
    dataset.warnings = named.into_iter().chain(audit::audit(&dataset)).collect();
    Ok(dataset)
}

/// Reads one file and hands each row to `keep(split, image, label)` in the order of the file.
///
/// All rows belong to `split` if it is given, and a `Usage` column may not say otherwise; if it is not, that column
/// decides.
fn read(
    path: &Path,
    options: &Options,
    split: Option<Split>,
    mut keep: impl FnMut(Split, &[u8], u8),
) -> Result<(), DataError> {
    let wrong = |line, problem| DataError::Line { path: path.to_owned(), line, problem };
    let mut lines = Lines::open(path, options.max_line, options.max_bytes)?;
    let Some(header) = lines.next_line()? else {
        return Err(DataError::Empty { path: path.to_owned() });
    };
    let columns = Columns::find(&header).map_err(|problem| wrong(header.number, problem))?;
    if split.is_none() && !columns.has_usage() {
        return Err(wrong(header.number, LineError::NoUsage));
    }
    let mut rows = 0;
    let mut batch = lines.next_batch();
    loop {
        let (parsed, next) = rayon::join(
            || parse(&batch, &columns),
            || if batch.end.is_none() { lines.next_batch() } else { Batch::default() },
        );
        for (line, (image, result)) in batch.lines.iter().zip(parsed) {
            let (label, usage) = result.map_err(|problem| wrong(line.number, problem))?;
            if let (Some(expected), Some(found)) = (split, usage)
                && found != expected
            {
                return Err(wrong(line.number, LineError::OtherSplit { found, expected }));
            }
            rows += 1;
            if rows > options.max_rows {
                return Err(DataError::TooManyRows {
                    path: path.to_owned(),
                    line: line.number,
                    limit: options.max_rows,
                });
            }
            keep(split.or(usage).unwrap_or(Split::Train), &image[..], label);
        }
        if let Some(end) = batch.end {
            return end;
        }
        batch = next;
    }
}

type Row = (Box<[u8; PIXELS]>, Result<(u8, Option<Split>), LineError>);

fn parse(batch: &Batch, columns: &Columns) -> Vec<Row> {
    let row = |line| {
        let mut image = Box::new([0; PIXELS]);
        let result = record::parse(line, columns, &mut image[..]);
        (image, result)
    };
    batch.lines.par_iter().map(row).collect()
}

fn refuse_empty(path: &Path, split: Split, faces: &Faces, by_usage: bool) -> Result<(), DataError> {
    match faces.is_empty() {
        true => Err(DataError::NoRows { path: path.to_owned(), split, by_usage }),
        false => Ok(()),
    }
}
