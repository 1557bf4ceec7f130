//! Where a search's trials are kept.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tpe::storage::{Journal, Postgres, PostgresOptions, Sqlite, Storage, StorageError};

use crate::discreet::{discreet, is_revealing};
use crate::settings::SettingsError;

/// Where studies live. It is shown without the password of a database's address.
#[derive(Clone)]
pub enum Place {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A journal.
    Journal(PathBuf),
    /// A PostgreSQL database, by its address.
    Postgres(String),
}

impl Place {
    /// The place that a user names: a file by its ending, or an address.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(given: &OsStr) -> Result<Self, SettingsError> {
        let expected =
            "a file ending in .db, .sqlite, .sqlite3, .journal or .log, or an address postgresql://...";
        let wrong = |value: String| SettingsError::Value { name: "study", value, expected: expected.into() };
        let text = given.to_string_lossy();
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.split('+').next().unwrap_or(scheme));
        if let Some("postgres" | "postgresql") = scheme {
            return Ok(Self::Postgres(text.into_owned()));
        }
        if is_revealing(&text) {
            return Err(wrong(discreet(&text)));
        }
        let path = Path::new(given);
        match path.extension().and_then(OsStr::to_str) {
            Some("db" | "sqlite" | "sqlite3") => Ok(Self::Sqlite(path.into())),
            Some("journal" | "log") => Ok(Self::Journal(path.into())),
            _ => Err(wrong(path.display().to_string())),
        }
    }

    /// Opens the storage; a file is created if it does not exist. `waiting` is called with the address of a server that does
    /// not answer at once, without user and password, whenever it is waited for; the wait is given up if it returns false.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn open(
        &self,
        waiting: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Arc<dyn Storage>, StorageError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(Sqlite::open(path)?),
            Self::Journal(path) => Arc::new(Journal::open(path)?),
            Self::Postgres(address) => {
                let options = PostgresOptions { on_wait: Box::new(waiting), ..PostgresOptions::default() };
                Arc::new(Postgres::connect_with(address, options)?)
            }
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) | Self::Journal(path) => path.display().fmt(f),
            Self::Postgres(_) => f.write_str("the PostgreSQL database"),
        }
    }
}
