//! What the SQL storages share: the verbs of [`Storage`](super::Storage), written once over Optuna's tables.
//!
//! A statement is the same text for both databases. Its parameters are `$1`, `$2`, ..., and each appears for the first
//! time in this order, because SQLite numbers them by appearance. What differs is in [`Dialect`].

mod lock;
mod names;
mod read;
mod schema;
mod verbs;
mod write;

use jiff::Timestamp;

#[cfg(feature = "sqlite")]
pub(super) use names::time_text;
pub(super) use schema::{Found, inspect};

use super::StorageError;
use crate::objection::{Objection, shortened};

/// A parameter of a statement, or a field of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Null,
    /// A whole number, of any width.
    Int(i64),
    /// A finite number.
    Real(f64),
    /// A text or the name of an enumeration's value.
    Text(&'a str),
    /// A point in time; SQLite returns it as text.
    Time(Timestamp),
    /// Identities, for [`Dialect::among`]; never in a row.
    Ids(&'a [i64]),
}

/// Where the two databases do not speak alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The condition on a column that its value is among [`Cell::Ids`], parameter `$1`.
    pub among: &'static str,
    /// The end of a query whose rows nobody else may change until the end of the transaction; empty in one that
    /// only reads.
    pub for_update: &'static str,
}

/// A transaction under way.
pub(super) trait Transaction {
    /// The file or the server.
    fn place(&self) -> &str;

    /// How it speaks.
    fn dialect(&self) -> Dialect;

    /// Runs a statement and passes its rows on.
    fn query(
        &mut self,
        sql: &str,
        values: &[Cell<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError>;

    /// Runs a statement without rows.
    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<(), StorageError>;
}

/// Studies in the tables of a database, by the names of `Sqlite` and `Postgres`.
#[derive(Debug)]
pub struct Sql<D>(pub(super) D);

/// A database with Optuna's tables.
pub(super) trait Database: Send + Sync {
    /// Runs `work` in a transaction that sees one state of the database throughout.
    fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError>;

    /// Runs `work` in a transaction that changes the database, or leaves it alone if `work` fails.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError>;
}

/// The fields of a row. Its methods say why a field is not what it should be.
pub(super) struct Row<'a>(pub &'a [Cell<'a>]);

impl<'a> Row<'a> {
    fn cell(&self, column: usize) -> Cell<'a> {
        self.0.get(column).copied().unwrap_or(Cell::Null)
    }

    fn int(&self, column: usize) -> Result<i64, String> {
        self.optional_int(column)?.ok_or_else(|| Cell::Null.instead_of("a whole number"))
    }

    fn optional_int(&self, column: usize) -> Result<Option<i64>, String> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Int(value) => Ok(Some(value)),
            other => Err(other.instead_of("a whole number")),
        }
    }

    fn real(&self, column: usize) -> Result<Option<f64>, String> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Real(value) => Ok(Some(value)),
            Cell::Int(value) => Ok(Some(value as f64)),
            other => Err(other.instead_of("a number")),
        }
    }

    fn text(&self, column: usize) -> Result<&'a str, String> {
        match self.cell(column) {
            Cell::Text(value) => Ok(value),
            other => Err(other.instead_of("a text")),
        }
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, String> {
        match self.cell(column) {
            Cell::Null => Ok(None),
            Cell::Time(value) => Ok(Some(value)),
            Cell::Text(text) => names::time(text).map(Some),
            other => Err(other.instead_of("a date and a time")),
        }
    }
}

impl Cell<'_> {
    /// What is wrong with this in a field for something else.
    fn instead_of(&self, expected: &str) -> String {
        let found = match self {
            Self::Null => "nothing".to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Real(value) => format!("{value:?}"),
            Self::Text(text) => format!("the text {:?}", shortened(text)),
            Self::Time(time) => format!("the time {time}"),
            Self::Ids(_) => "a list".to_owned(),
        };
        format!("{found} where {expected} belongs")
    }
}

impl dyn Transaction + '_ {
    /// Runs a query over `table` and passes its rows on.
    fn rows(
        &mut self,
        table: &str,
        sql: &str,
        values: &[Cell<'_>],
        mut row: impl FnMut(&Row<'_>) -> Result<(), Objection>,
    ) -> Result<(), StorageError> {
        let place = self.place().to_owned();
        self.query(sql, values, &mut |cells| {
            row(cells).map_err(|objection| objection.about(&place, &format!("table {table}")))
        })
    }

    /// What `read` makes of the first row, if there is one.
    fn first<T, E: Into<Objection>>(
        &mut self,
        table: &str,
        sql: &str,
        values: &[Cell<'_>],
        read: impl Fn(&Row<'_>) -> Result<T, E>,
    ) -> Result<Option<T>, StorageError> {
        let mut first = None;
        self.rows(table, sql, values, |row| {
            if first.is_none() {
                first = Some(read(row).map_err(Into::into)?);
            }
            Ok(())
        })?;
        Ok(first)
    }
}
