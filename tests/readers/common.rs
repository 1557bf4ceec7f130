//! What the readers have in common.

use std::fmt::Display;
use std::path::PathBuf;

/// What was read, or why it was not.
pub type Outcome = Result<String, String>;

/// Inputs have up to 64 KiB, of which a message may show each byte in two.
const LONGEST_MESSAGE: usize = 140_000;

/// Larger numbers than this in a description make a network that is described but not built.
const MOST_DIGITS: usize = 2;

thread_local! {
    static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("there is a folder for temporary files");
}

/// A path in a folder of this thread.
pub fn path(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}

/// A file of that name with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    std::fs::write(&path, bytes).expect("a small file can be written");
    path
}

/// The message of an error. It may repeat what it found, but not more of it than there is.
pub fn message(error: impl Display) -> String {
    let message = error.to_string();
    assert!(!message.is_empty() && message.len() <= LONGEST_MESSAGE, "a message of {} bytes", message.len());
    message
}

/// Whether a description asks for nothing large: no number has many digits, and there are not many of them.
pub fn is_small(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    text.len() < 4096 && numbers.clone().all(|digits| digits.len() <= MOST_DIGITS) && numbers.count() < 60
}
