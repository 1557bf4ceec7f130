//! Studies in an SQLite file.

mod open;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, ToSql, TransactionBehavior};

use super::StorageError;
use super::sql::{Cell, Database, Dialect, Row, Sql, Transaction, time_text};

/// Studies in a file that Optuna and its dashboard open as `sqlite:///path`, shared by threads and processes.
///
/// The file is in SQLite's mode WAL: while it is in use there are two more beside it, `-wal` and `-shm`. A writer waits
/// for the other one, half a minute at most. It does not belong on a network drive.
///
/// All numbers come back with the same bits but one: for −0.0 SQLite stores 0.0.
pub type Sqlite = Sql<SqliteFile>;

impl Sqlite {
    /// Opens the studies in the file at `path`, or creates it with none.
    ///
    /// # Errors
    /// If there is no such folder, if it or the file cannot be read and written, and if the file is something else,
    /// cut short, or written by an Optuna whose tables were different.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        open::open(path.as_ref()).map(Sql)
    }
}

/// An SQLite file with Optuna's tables.
#[derive(Debug)]
pub struct SqliteFile {
    path: PathBuf,
    place: String,
    connection: Mutex<Connection>,
}

impl SqliteFile {
    /// Runs `work` in a transaction.
    fn transaction<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        // A thread that panicked with the lock rolled its transaction back.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |error| failure(&self.path, error);
        let transaction = connection.transaction_with_behavior(behavior).map_err(failed)?;
        let result = work(&mut Running { storage: self, connection: &transaction })?;
        transaction.commit().map_err(failed)?;
        Ok(result)
    }
}

impl Database for SqliteFile {
    fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.transaction(TransactionBehavior::Deferred, work)
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.transaction(TransactionBehavior::Immediate, work)
    }
}

struct Running<'a> {
    storage: &'a SqliteFile,
    connection: &'a Connection,
}

impl Running<'_> {
    fn prepare(&self, sql: &str, values: &[Cell<'_>]) -> rusqlite::Result<CachedStatement<'_>> {
        let mut statement = self.connection.prepare_cached(sql)?;
        for (value, i) in values.iter().zip(1..) {
            statement.raw_bind_parameter(i, value)?;
        }
        Ok(statement)
    }
}

impl Transaction for Running<'_> {
    fn place(&self) -> &str {
        &self.storage.place
    }

    fn dialect(&self) -> Dialect {
        Dialect { among: "IN (SELECT value FROM json_each($1))", for_update: "" }
    }

    fn query(
        &mut self,
        sql: &str,
        values: &[Cell<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let failed = |error| failure(&self.storage.path, error);
        let mut statement = self.prepare(sql, values).map_err(failed)?;
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        while let Some(found) = rows.next().map_err(failed)? {
            let cells: rusqlite::Result<Vec<_>> =
                (0..columns).map(|i| Ok(Cell::try_from(found.get_ref(i)?)?)).collect();
            row(&Row(&cells.map_err(failed)?))?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<(), StorageError> {
        let run = || self.prepare(sql, values)?.raw_execute();
        run().map(drop).map_err(|error| failure(&self.storage.path, error))
    }
}

impl<'a> TryFrom<ValueRef<'a>> for Cell<'a> {
    type Error = rusqlite::types::FromSqlError;

    fn try_from(value: ValueRef<'a>) -> Result<Self, Self::Error> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Real(value) => Self::Real(value),
            ValueRef::Text(_) | ValueRef::Blob(_) => Self::Text(value.as_str()?),
        })
    }
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match *self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Int(value) => value.into(),
            Self::Real(value) => value.into(),
            Self::Text(value) => value.into(),
            Self::Time(value) => time_text(value).into(),
            Self::Ids(ids) => serde_json::Value::from(ids).to_string().into(),
        })
    }
}

/// The error of a file at `path`.
fn failure(path: &Path, error: rusqlite::Error) -> StorageError {
    let place = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StorageError::Foreign { path: path.to_owned(), why: "it is not an SQLite database".into() }
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            StorageError::Damaged { place, what: "the database".into(), why: error.to_string() }
        }
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            let source = format!("{error}; the file and its folder must be writable");
            StorageError::Backend { place, source: source.into() }
        }
        _ => StorageError::Backend { place, source: error.into() },
    }
}
