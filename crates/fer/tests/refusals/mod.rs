//! Files that must be refused, and what must be said of them.

use std::fs;
use std::path::Path;

use fer::data::csv::{self, Options};

use super::rows::row;

/// The message of the error with which loading `path` fails.
pub fn message(path: &Path) -> String {
    match csv::load(path, &Options::default()) {
        Ok(_) => panic!("{} was accepted", path.display()),
        Err(error) => match std::error::Error::source(&error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    }
}

/// Checks that a file with `content` is refused and that the message has all `fragments`.
pub fn refused(name: &str, content: impl AsRef<[u8]>, fragments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, content).unwrap();
    let message = message(&path);
    for fragment in fragments.iter().chain(&["faces.csv"]) {
        assert!(message.contains(fragment), "{name}: {message:?} lacks {fragment:?}");
    }
    assert!(message.len() < 600 && !message.contains('\n'), "{name}: {message:?}");
}

/// Checks that a good file whose fourth line is replaced by `line` is refused, naming line 4.
pub fn line_refused(name: &str, line: impl AsRef<[u8]>, fragments: &[&str]) {
    let mut content =
        format!("emotion,pixels,Usage\n{}{}", row(0, "Training"), row(1, "PublicTest")).into_bytes();
    content.extend_from_slice(line.as_ref());
    content.extend_from_slice(b"\n");
    content.extend_from_slice(row(2, "PrivateTest").as_bytes());
    let fragments: Vec<_> = fragments.iter().copied().chain([", line 4: "]).collect();
    refused(name, content, &fragments);
}

/// Line 4 with these pixels.
pub fn pixels_refused(name: &str, pixels: &str, fragments: &[&str]) {
    line_refused(name, format!("3,{pixels},Training"), fragments);
}
