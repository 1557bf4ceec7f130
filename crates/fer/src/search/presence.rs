//! Which processes work on a search: each holds a lock in the search's folder for as long as it lives.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::layout::STATES;
use crate::lock::Lock;

/// What the names of the folders begin with.
const PREFIX: &str = "process-";

/// The file in such a folder that its process holds.
const LOCK: &str = "run.lock";

/// Whether a process can have this name.
fn is_name(name: &str) -> bool {
    let parts = name.split_once('-');
    parts.is_some_and(|(id, time)| id.parse::<u32>().is_ok() && u128::from_str_radix(time, 16).is_ok())
}

/// A process that works on a search, or has done so and is dead.
#[derive(Debug)]
pub(super) struct Presence {
    /// The process's name, which no other one has.
    pub name: String,
    folder: PathBuf,
    _lock: Lock,
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
        let lock = Lock::take(&folder, LOCK).ok()?;
        Some(Self { name, folder, _lock: lock })
    }

    /// Those that have left a folder in `folder` and are dead.
    pub fn dead(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let dead =
            entries.filter(|entry| entry.file_type().is_ok_and(|file| file.is_dir())).filter_map(|entry| {
                let name =
                    entry.file_name().to_str()?.strip_prefix(PREFIX).filter(|name| is_name(name))?.to_owned();
                let lock = Lock::take(&entry.path(), LOCK).ok()?;
                Some(Self { name, folder: entry.path(), _lock: lock })
            });
        dead.collect()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // What remains does no harm. The folder around goes with its last content.
        let _ = STATES.remove(&self.folder);
        let _ = self.folder.parent().map(fs::remove_dir);
    }
}
