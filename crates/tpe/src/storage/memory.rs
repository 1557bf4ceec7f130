//! Studies that end with the process.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::StorageError;
use super::tables::{Operation, Replica, Tables};

/// Studies in memory, shared by the threads of a process.
#[derive(Debug, Default)]
pub struct Memory {
    tables: Mutex<Tables>,
}

impl Memory {
    /// An empty storage.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tables. No operation leaves them half changed, so a thread that panicked elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Replica for Memory {
    fn look<T>(&self, look: impl FnOnce(&Tables) -> Result<T, StorageError>) -> Result<T, StorageError> {
        look(&self.lock())
    }

    fn change<T>(
        &self,
        decide: impl FnOnce(&Tables) -> Result<(Vec<Operation>, T), StorageError>,
    ) -> Result<T, StorageError> {
        let mut tables = self.lock();
        let (operations, answer) = decide(&tables)?;
        for operation in operations {
            tables.apply(operation);
        }
        Ok(answer)
    }
}
