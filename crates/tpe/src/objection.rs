//! Why a piece of a stored study is not read.

use crate::storage::StorageError;

/// What is wrong with a piece of a study.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objection {
    /// The reason.
    pub why: String,
    /// Whether the piece makes sense all the same, and only this crate cannot hold it.
    pub healthy: bool,
}

impl Objection {
    /// To a piece that this crate cannot hold.
    pub fn beyond(why: impl Into<String>) -> Self {
        Self { why: why.into(), healthy: true }
    }

    /// The same, about a part named `part`.
    pub fn in_part(self, part: &str) -> Self {
        Self { why: format!("{part}: {}", self.why), ..self }
    }

    /// The error about `what` in the file or on the server `place`.
    pub fn about(self, place: &str, what: &str) -> StorageError {
        let (place, what, why) = (place.to_owned(), what.to_owned(), self.why);
        match self.healthy {
            true => StorageError::Unsupported { place, what, why },
            false => StorageError::Damaged { place, what, why },
        }
    }
}

impl From<String> for Objection {
    /// To a damaged piece.
    fn from(why: String) -> Self {
        Self { why, healthy: false }
    }
}

/// The first forty characters of a text from outside, for messages.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A text from outside on one line: without control characters, which terminals obey.
pub(crate) fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}
