//! What can be wrong with a data file, in words that say where and what was expected.

use std::io;
use std::path::PathBuf;

use crate::data::{PIXELS, Split};

/// Why a dataset could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A pipe, a device or a socket.
    #[error("{}: is {kind}; expected a regular file or a folder", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        kind: &'static str,
    },
    /// A folder in which no known file lies.
    #[error(
        "{}: holds no FER-2013 data; expected Q1_Train_Data.csv, Q1_Validation_Data.csv and Q1_Test_Data.csv, \
         or fer2013.csv, or icml_face_data.csv (each may end in .gz); {found}",
        folder.display()
    )]
    NoFiles {
        /// The folder.
        folder: PathBuf,
        /// What is there instead, and what to do about it.
        found: String,
    },
    /// A folder with one or two of the three files.
    #[error("{}: {file} is missing (neither plain nor .gz), though a file of the same set is there", folder.display())]
    MissingFile {
        /// The folder.
        folder: PathBuf,
        /// The file that is not there.
        file: &'static str,
    },
    /// A file of another kind.
    #[error("{}: is {found}, not a CSV file; {advice}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        found: &'static str,
        /// What to do about it.
        advice: &'static str,
    },
    /// Nothing in the file, not even a header.
    #[error("{}: is empty; expected a header line such as \"emotion,pixels\"", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// No row of a split.
    #[error("{}: has no row for the {split} split{}", path.display(), usage_hint(*by_usage, *split))]
    NoRows {
        /// The file.
        path: PathBuf,
        /// The split that stayed empty.
        split: Split,
        /// Whether a Usage column decides which split a row belongs to.
        by_usage: bool,
    },
    /// More rows than are plausible.
    #[error("{}, line {line}: more than {limit} rows; the limit keeps memory bounded", path.display())]
    TooManyRows {
        /// The file.
        path: PathBuf,
        /// The first line too many, counted from 1.
        line: u64,
        /// The most rows that are read from a file.
        limit: usize,
    },
    /// A line that cannot be used.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: LineError,
    },
}

/// What is wrong with a line of a CSV file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// A header without a column that is needed.
    #[error(
        "the header has no column \"{column}\"; found {found}; expected emotion, pixels and, in a single file, Usage"
    )]
    MissingColumn {
        /// The column.
        column: &'static str,
        /// The columns that are there, shortened.
        found: String,
    },
    /// The first line holds no names.
    #[error(
        "the first line holds {found}; expected a header line with the columns emotion, pixels and, in a single file, \
         Usage"
    )]
    NoHeader {
        /// What is there instead.
        found: &'static str,
    },
    /// The votes of FERPlus.
    #[error(
        "these are the votes of FERPlus, which name images and hold no pixels; expected the file that they go with, \
         fer2013.csv"
    )]
    Votes,
    /// Each pixel has a column.
    #[error(
        "the header has {columns} columns, one for each pixel; expected one column \"pixels\" that holds all {PIXELS}, \
         separated by spaces"
    )]
    PixelColumns {
        /// The columns.
        columns: usize,
    },
    /// A header that names a column twice.
    #[error("the header has two columns \"{column}\"; expected one")]
    RepeatedColumn {
        /// The column.
        column: &'static str,
    },
    /// A single file that does not say which split its rows belong to.
    #[error(
        "the header has no column \"Usage\"; a single file needs one (Training, PublicTest or PrivateTest), \
         otherwise give the folder that holds Q1_Train_Data.csv, Q1_Validation_Data.csv and Q1_Test_Data.csv"
    )]
    NoUsage,
    /// A row of another split than the file's name says.
    #[error(
        "column \"Usage\": this row belongs to the {found} split, the name of the file says {expected}; rename the file, \
         or give it by itself if it holds all three splits"
    )]
    OtherSplit {
        /// What the row says.
        found: Split,
        /// What the name of the file says.
        expected: Split,
    },
    /// A row that has more or fewer fields than the header.
    #[error("found {found} columns; expected {expected} as in the header{}", cut_hint(*cut))]
    FieldCount {
        /// Fields in the row.
        found: usize,
        /// Columns of the header.
        expected: usize,
        /// Whether the file ends inside this line.
        cut: bool,
    },
    /// A field that is not what its column holds.
    #[error("column \"{column}\": found {value}; expected {expected}")]
    Value {
        /// The column.
        column: &'static str,
        /// The field, quoted and shortened.
        value: String,
        /// What the column holds.
        expected: String,
    },
    /// A pixel that is not a byte.
    #[error(
        "column \"pixels\": pixel {position} of {PIXELS} is {value}; expected a whole number from 0 to 255"
    )]
    Pixel {
        /// Which pixel, counted from 1.
        position: usize,
        /// The pixel, quoted and shortened.
        value: String,
    },
    /// An image of another size.
    #[error(
        "column \"pixels\": found {found} pixels{}; expected {PIXELS} (48x48), separated by spaces{}",
        square(*found),
        cut_hint(*cut)
    )]
    PixelCount {
        /// Pixels in the row.
        found: usize,
        /// Whether the file ends inside this line.
        cut: bool,
    },
    /// Pixels that were left out in writing.
    #[error(
        "column \"pixels\": found \"...\" after {found} pixels; NumPy has left out the others: write them with \
         ' '.join(map(str, pixels))"
    )]
    LeftOut {
        /// Pixels before.
        found: usize,
    },
    /// A quoted field that does not end on its line.
    #[error("column {column}: the quote is not closed on this line; expected all of an image on one line")]
    OpenQuote {
        /// The column, counted from 1.
        column: usize,
    },
    /// Text between a closing quote and the next comma.
    #[error(
        "column {column}: found {value} after the closing quote; expected a comma or the end of the line"
    )]
    AfterQuote {
        /// The column, counted from 1.
        column: usize,
        /// The text, quoted and shortened.
        value: String,
    },
    /// A NUL byte.
    #[error("found a NUL byte; expected text (UTF-8, not UTF-16, not binary)")]
    Nul,
    /// A line longer than any row of a data file.
    #[error("the line is longer than {limit} bytes; expected lines of about 8,000")]
    TooLong {
        /// The most bytes a line may have.
        limit: usize,
    },
    /// Blank lines without end.
    #[error("more than {} MiB of blank lines; expected rows", limit >> 20)]
    Blank {
        /// The most bytes of blank lines that are stepped over.
        limit: u64,
    },
    /// A file longer than any data file.
    #[error("the file is longer than {} GiB, unpacked; the limit keeps time bounded", limit >> 30)]
    TooMuch {
        /// The most bytes that are read of a file.
        limit: u64,
    },
    /// Compressed data that ends early or is damaged.
    #[error("the gzip data {what} here ({reason}); is the download complete?")]
    Gzip {
        /// "ends early" or "is damaged".
        what: &'static str,
        /// The decompressor's words.
        reason: String,
    },
}

/// `text` in quotes, control characters escaped, cut after 24 characters.
pub(super) fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 24;
    // Four bytes a character at most: the rest of a long field need not be decoded.
    let text = String::from_utf8_lossy(&text[..text.len().min(4 * SHOWN + 4)]);
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().count() > SHOWN {
        shown.push_str("...");
    }
    format!("\"{shown}\"")
}

/// The size of an image of other sides.
fn square(pixels: usize) -> String {
    match pixels.isqrt() {
        side if side > 1 && side * side == pixels => format!(" ({side}x{side})"),
        _ => String::new(),
    }
}

fn cut_hint(cut: bool) -> &'static str {
    if cut { " (the file ends inside this line: is the download complete?)" } else { "" }
}

fn usage_hint(by_usage: bool, split: Split) -> &'static str {
    match (by_usage, split) {
        (false, _) => "; expected one row per image below the header",
        (true, Split::Train) => "; expected rows with the Usage Training",
        (true, Split::Val) => "; expected rows with the Usage PublicTest",
        (true, Split::Test) => "; expected rows with the Usage PrivateTest",
    }
}
