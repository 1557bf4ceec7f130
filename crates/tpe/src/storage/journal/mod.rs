//! Studies in a file of Optuna's journal format: one operation a line, appended for ever.
//!
//! `line` is the format, `file` reads on and appends, `lock` keeps writers apart. Everything else is
//! what the tables do. Optuna's workers (`JournalStorage(JournalFileBackend(path))`) and its dashboard may use the
//! file at the same time.

mod file;
mod line;
mod lock;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use self::file::Cursor;
use self::lock::Lock;
use super::StorageError;
use super::tables::{Operation, Replica, Tables};

/// Studies in a journal, a file that workers on one machine or on a network file system share.
///
/// A verb that changes something takes the lock beside the file (`PATH.lock`, a symbolic link), reads what others
/// appended, checks, appends all of its lines in one write and waits until they are on the disk. Only what is new in
/// the file is ever read.
///
/// - The end of a file without a line break is the rest of a write that did not come to its end, or one under way. It
///   is not read, and the next writer removes it.
/// - A write that fails, on a full disk say, is taken back.
/// - Verbs of several lines write them in an order in which a part does no harm; see
///   [`Storage`](super::Storage)'s implementation.
/// - A lock whose holder died is released after a grace of 30 s.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    grace: Duration,
    /// Who writes, in every line.
    worker: String,
    replica: Mutex<(Cursor, Tables)>,
}

impl Journal {
    /// Opens a journal and reads all of it; creates it if there is none.
    ///
    /// # Errors
    /// [`StorageError::Backend`] where the file cannot be read or created; [`StorageError::Foreign`] for something
    /// that is no journal; [`StorageError::Damaged`] with the number of a line that is no operation.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        let path = file::create(path.as_ref())?;
        let (mut cursor, mut tables) = (Cursor::default(), Tables::default());
        cursor.read_on(&path, &mut tables)?;
        let worker = Uuid::new_v4().to_string();
        Ok(Self { path, grace: Duration::from_secs(30), worker, replica: Mutex::new((cursor, tables)) })
    }

    /// Lets locks of others stand for `grace` before they count as left behind. All workers should agree.
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// What has been read. It is never ahead of its cursor, so a thread that panicked does not matter.
    fn replica(&self) -> MutexGuard<'_, (Cursor, Tables)> {
        self.replica.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replica for Journal {
    fn look<T>(&self, look: impl FnOnce(&Tables) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let (cursor, tables) = &mut *self.replica();
        cursor.read_on(&self.path, tables)?;
        look(tables)
    }

    fn change<T>(
        &self,
        decide: impl FnOnce(&Tables) -> Result<(Vec<Operation>, T), StorageError>,
    ) -> Result<T, StorageError> {
        let (cursor, tables) = &mut *self.replica();
        let lock = Lock::take(&self.path, self.grace)?;
        cursor.read_on(&self.path, tables)?;
        let (operations, answer) = decide(tables)?;
        if !operations.is_empty() {
            let lines: String =
                operations.iter().map(|operation| line::write(operation, &self.worker)).collect();
            lock.check()?;
            cursor.append(&self.path, &lines)?;
            // Others see what is in the file, so this one does too.
            cursor.read_on(&self.path, tables)?;
        }
        Ok(answer)
    }
}

/// The error for `path` where the file system has failed.
fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> StorageError {
    move |source| StorageError::Backend { place: path.display().to_string(), source: source.into() }
}
