//! Locks on folders: only one process writes a run.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::layout::check_in_place;
use crate::run::RunError;

/// A file in a folder, locked by this process. The system frees the lock when the process ends, however it ends; the file
/// stays, for removing it would take the lock from under whoever has opened it.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: File,
}

impl Lock {
    /// Locks the file `name` in `folder`, which then has this process's id.
    ///
    /// # Errors
    /// If another process holds it, there is something else than a file of ours, or the system refuses.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<Self, RunError> {
        let path = folder.join(name);
        check_in_place(&path)?;
        let io = |source| RunError::Io { path: path.clone(), source };
        let mut file =
            File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut process = String::new();
                // Where locks keep others from reading, the process has no name.
                let _ = file.take(20).read_to_string(&mut process);
                let id = process.trim().parse::<u32>().map_or("(unknown)".into(), |id| id.to_string());
                return Err(RunError::InUse { path: folder.into(), process: id });
            }
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(io)?;
        Ok(Self { path, file })
    }

    /// Makes sure that the file is still the one that was locked: who removes or replaces it lets another process in.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let held = self.file.metadata().ok();
        let found = fs::symlink_metadata(&self.path).ok();
        match held.zip(found) {
            Some((held, found)) if is_same(&held, &found) => Ok(()),
            _ => Err(RunError::LockLost(self.path.clone())),
        }
    }
}

#[cfg(unix)]
fn is_same(held: &Metadata, found: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (held.dev(), held.ino()) == (found.dev(), found.ino())
}

/// Here a locked file cannot be removed.
#[cfg(not(unix))]
fn is_same(_held: &Metadata, _found: &Metadata) -> bool {
    true
}
