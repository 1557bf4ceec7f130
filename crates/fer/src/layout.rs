//! What the folders of runs, searches and studies may hold: the one place that says so.
//!
//! A folder may have come from anywhere. A link in the place of a file of ours would send what is written there elsewhere,
//! and a pipe would wait for a reader; so [`Layout::check`] refuses such a folder before anything in it is written. Files
//! under other names are their owner's: they are neither read, written nor removed.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use nn_core::files::{is_temporary, kind};

use crate::run::{CHECKPOINTS, RunError};

/// The names that a kind of folder gives to what is in it. One that ends in `*` stands for all that begin so.
#[derive(Debug)]
pub struct Layout(&'static [(&'static str, Content)]);

/// What stands under a name.
#[derive(Debug, Clone, Copy)]
enum Content {
    /// A file that is written next to its place and then renamed.
    File,
    /// A file that is written in its place: whatever other name the same file had would change with it.
    InPlace,
    /// A folder of ours.
    Folder(&'static Layout),
    /// Folders of ours, and files of others.
    Folders(&'static Layout),
}

use Content::{File, Folder, Folders, InPlace};

/// States of training, and the lock of the process that writes them.
pub(crate) const STATES: Layout = Layout(&[("epoch-*", File), ("run.lock", InPlace)]);

/// A run.
pub const RUN: Layout = Layout(&[
    ("config.toml", File),
    ("network.json", File),
    ("transform.json", File),
    ("statistics.safetensors", File),
    ("env.json", File),
    ("summary.txt", File),
    ("metrics.csv", InPlace),
    ("best.safetensors", File),
    ("last.safetensors", File),
    ("result.json", File),
    ("predictions.csv", File),
    ("confusion.csv", File),
    (CHECKPOINTS, Folder(&STATES)),
    ("run.lock", InPlace),
]);

/// A search.
pub const SEARCH: Layout = Layout(&[
    ("study.db", InPlace),
    ("study.db-*", InPlace),
    ("trials.csv", File),
    ("importances.csv", File),
    ("network.json", File),
    ("best.toml", File),
    ("result.json", File),
    ("search.lock", InPlace),
    (CHECKPOINTS, Folder(&Layout(&[("trial-*", Folder(&STATES)), ("process-*", Folder(&STATES))]))),
    ("best-*", Folder(&RUN)),
]);

/// A study.
pub const STUDY: Layout = Layout(&[
    ("study.toml", File),
    ("measures.csv", File),
    ("report.html", File),
    ("report.md", File),
    ("report-data", Folder(&Layout(&[]))),
    ("fnn", Folder(&RUNS)),
    ("cnn", Folder(&RUNS)),
    ("finetune", Folder(&RUNS)),
    ("augment", Folder(&RUNS)),
    ("search", Folder(&Layout(&[("*", Folders(&SEARCH))]))),
]);

/// A part of a study.
const RUNS: Layout = Layout(&[("*", Folders(&RUN))]);

impl Layout {
    /// Makes sure that in a folder, if it exists, everything that has a name of ours is a regular file or a folder, in each
    /// folder of ours as well: no link, pipe or device, and of files that are written in their place no second name.
    ///
    /// # Errors
    /// If something is not, by name; and if a folder cannot be read.
    pub fn check(&self, folder: &Path) -> Result<(), RunError> {
        let io = |source| RunError::Io { path: folder.into(), source };
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(io)?,
        };
        for entry in entries {
            let entry = entry.map_err(io)?;
            if let Some(content) = self.content(&entry.file_name()) {
                content.check(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes what is ours in a folder that was [checked](Self::check), and the folder, if nothing else is in it.
    ///
    /// # Errors
    /// If the system refuses.
    pub(crate) fn remove(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            match self.content(&entry.file_name()) {
                Some(Folder(layout) | Folders(layout)) if entry.file_type()?.is_dir() => {
                    layout.remove(&entry.path())?;
                }
                Some(File | InPlace) if entry.file_type()?.is_file() => fs::remove_file(entry.path())?,
                None if is_temporary(&entry.file_name()) => fs::remove_file(entry.path())?,
                _ => {}
            }
        }
        fs::remove_dir(folder)
    }

    fn content(&self, name: &OsStr) -> Option<Content> {
        let name = name.to_string_lossy();
        let is_of = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        };
        self.0.iter().find(|(pattern, _)| is_of(pattern)).map(|&(_, content)| content)
    }
}

impl Content {
    fn check(self, path: &Path) -> Result<(), RunError> {
        let found = match fs::symlink_metadata(path) {
            // Removed by another process meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found.map_err(|source| RunError::Io { path: path.into(), source })?,
        };
        let foreign = |found, expected| RunError::Foreign { path: path.into(), found, expected };
        match self {
            File | InPlace if !found.is_file() => Err(foreign(kind(found.file_type()), "a regular file")),
            InPlace if has_other_names(&found) => {
                Err(foreign("a file with a second name (a hard link)", "a file of its own"))
            }
            Folders(_) if found.is_file() => Ok(()),
            Folder(_) | Folders(_) if !found.is_dir() => Err(foreign(kind(found.file_type()), "a folder")),
            Folder(layout) | Folders(layout) => layout.check(path),
            File | InPlace => Ok(()),
        }
    }
}

/// Refuses what cannot be written in its place, if there is something.
pub(crate) fn check_in_place(path: &Path) -> Result<(), RunError> {
    InPlace.check(path)
}

fn has_other_names(file: &Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(file) > 1;
    #[cfg(not(unix))]
    return false;
}
