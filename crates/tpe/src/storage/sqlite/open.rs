//! Opening a file without harm to one that is not ours.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};

use super::{SqliteFile, failure};
use crate::storage::StorageError;
use crate::storage::sql::{Found, inspect};

/// How long a verb waits for the writer before it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many statements are kept prepared; more than the verbs have for one shape of trials.
const STATEMENTS: usize = 64;

const SCHEMA: &str = include_str!("schema.sql");

pub(super) fn open(path: &Path) -> Result<SqliteFile, StorageError> {
    // A whole path: SQLite gives names such as ":memory:" a meaning of their own.
    let path = &std::path::absolute(path).map_err(|error| trouble(path, error))?;
    check_file(path)?;
    let mut connection = connect(path).map_err(|error| failure(path, error))?;
    if look(path, &connection)? == Found::Nothing {
        create(path, &mut connection)?;
    }
    write_ahead(&connection).map_err(|error| failure(path, error))?;
    Ok(SqliteFile {
        path: path.clone(),
        place: path.display().to_string(),
        connection: Mutex::new(connection),
    })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Looks at the file before SQLite does: SQLite follows whatever it is given, and does not see that a last page is
/// cut short.
fn check_file(path: &Path) -> Result<(), StorageError> {
    let foreign = |why: &str| StorageError::Foreign { path: path.to_owned(), why: why.into() };
    let about = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return check_folder(path),
        about => about.map_err(|error| trouble(path, error))?,
    };
    if about.is_dir() {
        return Err(foreign("it is a folder; a file belongs here"));
    }
    if !about.is_file() {
        return Err(foreign("it is not a file"));
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(18).read_to_end(&mut head));
    read.map_err(|error| trouble(path, error))?;
    if head.is_empty() {
        return Ok(());
    }
    let Some((b"SQLite format 3\0", size)) = head.split_first_chunk::<16>() else {
        return Err(foreign("it is not an SQLite database"));
    };
    // The size of a page, 65536 as 1. While there is a journal, the file may be in the midst of a change.
    let page = size.first_chunk().map_or(1, |size| u64::from(u16::from_be_bytes(*size)));
    let page = if page == 1 { 65536 } else { page };
    if about.len() < 100 || (about.len() % page.max(1) != 0 && !has_journal(path)) {
        return Err(StorageError::Damaged {
            place: path.display().to_string(),
            what: "the database".into(),
            why: format!(
                "the file is cut short: {} bytes are no whole number of pages of {page}",
                about.len()
            ),
        });
    }
    Ok(())
}

fn check_folder(path: &Path) -> Result<(), StorageError> {
    match path.parent() {
        Some(folder) if !folder.is_dir() => {
            let why = format!("there is no folder {}", folder.display());
            Err(trouble(path, io::Error::new(ErrorKind::NotFound, why)))
        }
        _ => Ok(()),
    }
}

fn has_journal(path: &Path) -> bool {
    ["-wal", "-journal"].iter().any(|end| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        fs::metadata(name).is_ok_and(|about| about.len() > 0)
    })
}

/// What the database holds, if it is ours or empty.
fn look(path: &Path, connection: &Connection) -> Result<Found, StorageError> {
    let foreign = |why| StorageError::Foreign { path: path.to_owned(), why };
    let tables = tables(connection).map_err(|error| failure(path, error))?;
    let version = || {
        connection
            .query_row("SELECT version_num FROM alembic_version", [], |row| row.get(0))
            .optional()
            .map_err(|error| failure(path, error))
    };
    match (inspect(&tables, version)?.map_err(foreign)?, tables.first()) {
        (Found::Nothing, Some(other)) => Err(foreign(format!(
            "it is a database of another program: it has a table {other:?} and none of Optuna's"
        ))),
        (found, _) => Ok(found),
    }
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// Creates the tables, unless another process has done so in the meantime.
fn create(path: &Path, connection: &mut Connection) -> Result<(), StorageError> {
    let failed = |error| failure(path, error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    if look(path, &transaction)? == Found::Nothing {
        transaction.execute_batch(SCHEMA).map_err(failed)?;
    }
    transaction.commit().map_err(failed)
}

/// Turns on write-ahead logging. SQLite does not wait for others here, so we do.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if busy(&error) && start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}

fn busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn trouble(path: &Path, error: io::Error) -> StorageError {
    StorageError::Backend { place: path.display().to_string(), source: error.into() }
}
