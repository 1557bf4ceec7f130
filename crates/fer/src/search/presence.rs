//! Which processes work on a search: each holds a lock in the search's folder for as long as it lives.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::run::lock;

/// What the names of the folders begin with.
const PREFIX: &str = "process-";

/// A process that works on a search, or has done so and is dead.
#[derive(Debug)]
pub(super) struct Presence {
    /// The process's name, which no other one has.
    pub name: String,
    folder: PathBuf,
    _lock: Arc<File>,
}

impl Presence {
    /// This process, in a folder of its own in `folder`. Nothing if that cannot be written: then others have to wait until
    /// the lease of a trial is over before they know that this process is dead.
    pub fn announce(folder: &Path) -> Option<Self> {
        // Between its creation and its lock a folder looks as if its process were dead, and may be removed.
        const ATTEMPTS: usize = 3;
        (0..ATTEMPTS).find_map(|_| Self::lock(folder))
    }

    fn lock(folder: &Path) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = format!("{}-{:x}", process::id(), now.as_nanos());
        let folder = folder.join(format!("{PREFIX}{name}"));
        fs::create_dir_all(&folder).ok()?;
        let lock = lock(&folder).ok()?;
        Some(Self { name, folder, _lock: lock })
    }

    /// Those that have left a folder in `folder` and are dead.
    pub fn dead(folder: &Path) -> Vec<Self> {
        let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let dead = folders.filter_map(|folder| {
            let name = folder.file_name()?.to_str()?.strip_prefix(PREFIX)?.to_owned();
            let lock = lock(&folder).ok()?;
            Some(Self { name, folder, _lock: lock })
        });
        dead.collect()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // What remains does no harm. The folder around goes with its last content.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = self.folder.parent().map(fs::remove_dir);
    }
}
