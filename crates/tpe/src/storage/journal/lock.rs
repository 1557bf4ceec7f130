//! The lock that keeps writers of a journal apart, by Optuna's protocol.
//!
//! To hold the lock is to have created `PATH.lock`, a symbolic link, which no two can do, on network file systems
//! either. To release it is to rename and then remove it.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, thread};

use uuid::Uuid;

use super::failed;
use crate::storage::StorageError;

/// Waiting between two attempts doubles from the first of these to the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

/// A lock that is held. It is released when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    link: PathBuf,
    born: SystemTime,
}

impl Lock {
    /// Waits for the lock of the journal at `path`. A lock that others hold without change for longer than `grace` is
    /// taken to be left behind by a dead process and released.
    pub(super) fn take(path: &Path, grace: Duration) -> Result<Self, StorageError> {
        let link = beside(path, ".lock");
        let mut seen = (None, Instant::now());
        let mut pause = PAUSES.0;
        loop {
            match create(path, &link) {
                Ok(()) => match born(&link) {
                    Some(born) => return Ok(Self { link, born }),
                    None => continue,
                },
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(&link)(error)),
            }
            let born = born(&link);
            if born != seen.0 {
                seen = (born, Instant::now());
            } else if born.is_some() && seen.1.elapsed() > grace {
                release(&link).map_err(failed(&link))?;
                pause = PAUSES.0;
                continue;
            }
            thread::sleep(pause);
            pause = (2 * pause).min(PAUSES.1);
        }
    }

    /// Fails if another worker has released this lock meanwhile.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        if self.is_held() {
            return Ok(());
        }
        Err(failed(&self.link)(io::Error::other(
            "the lock was held for too long, and another worker has released it",
        )))
    }

    fn is_held(&self) -> bool {
        born(&self.link) == Some(self.born)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.is_held() {
            // A link that cannot be removed is one for the others' grace.
            let _ = release(&self.link);
        }
    }
}

/// When the link itself was made, which tells one holder from the next: another cannot take over before the grace is
/// over.
fn born(link: &Path) -> Option<SystemTime> {
    fs::symlink_metadata(link).and_then(|link| link.modified()).ok()
}

/// The link points to the journal's bare name: Optuna's workers follow it, from the folder that it lies in.
#[cfg(unix)]
fn create(path: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(path.file_name().unwrap_or(path.as_os_str()), link)
}

/// A file in the place of the link is what Optuna's other lock makes, where links need privileges.
#[cfg(not(unix))]
fn create(_: &Path, link: &Path) -> io::Result<()> {
    fs::File::create_new(link).map(drop)
}

/// Renaming, unlike removing, fails for all but one of several that try.
fn release(link: &Path) -> io::Result<()> {
    let renamed = beside(link, &format!("{}.rename", Uuid::new_v4()));
    match fs::rename(link, &renamed) {
        Ok(()) => fs::remove_file(&renamed),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
