//! Studies on a PostgreSQL server.

mod cells;
mod session;
mod url;

use std::sync::{Mutex, MutexGuard, PoisonError};

use postgres::Config;
use postgres::types::ToSql;

use self::session::{Session, Statements};
use super::StorageError;
use super::sql::{Cell, Database, Dialect, Row, Sql, Transaction};

/// Studies in a database that Optuna and its dashboard open under the same address, shared by threads and processes.
///
/// The connection is not encrypted. If it was lost, the next verb connects once more.
pub type Postgres = Sql<PostgresServer>;

impl Postgres {
    /// Connects to the database at `url`, `postgresql://user:password@host:port/database`, and creates Optuna's tables
    /// if there are none. SQLAlchemy's form `postgresql+driver://` means the same.
    ///
    /// # Errors
    /// If `url` is no such address, if the server does not let us in, and if the tables are those of another version.
    /// No error shows the password.
    pub fn connect(url: &str) -> Result<Self, StorageError> {
        let config = url::parse(url)?;
        let place = url::place(&config);
        let mut session = Session::open(&config, &place)?;
        session.create_tables(&place)?;
        Ok(Sql(PostgresServer { config, place, session: Mutex::new(session) }))
    }
}

/// A database on a PostgreSQL server with Optuna's tables.
pub struct PostgresServer {
    config: Config,
    place: String,
    session: Mutex<Session>,
}

impl PostgresServer {
    fn session(&self) -> MutexGuard<'_, Session> {
        // A thread that panicked with the lock rolled its transaction back.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in a transaction, on a new connection if the old one does not even begin one.
    fn transaction<T>(
        &self,
        reads: bool,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut session = self.session();
        if let Ok((transaction, statements)) = session.begin(reads) {
            return self.run(reads, transaction, statements, work);
        }
        *session = Session::open(&self.config, &self.place)?;
        let (transaction, statements) = session.begin(reads).map_err(|error| failure(&self.place, error))?;
        self.run(reads, transaction, statements, work)
    }

    fn run<T>(
        &self,
        reads: bool,
        transaction: postgres::Transaction<'_>,
        statements: &mut Statements,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut running = Running { place: &self.place, reads, transaction, statements };
        let result = work(&mut running)?;
        running.transaction.commit().map_err(|error| failure(&self.place, error))?;
        Ok(result)
    }
}

impl Database for PostgresServer {
    fn read<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.transaction(true, work)
    }

    fn write<T>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.transaction(false, work)
    }
}

struct Running<'a> {
    place: &'a str,
    reads: bool,
    transaction: postgres::Transaction<'a>,
    statements: &'a mut Statements,
}

impl Running<'_> {
    fn rows(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<postgres::Row>, postgres::Error> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.transaction.prepare(sql)?;
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.transaction.query(&statement, &values)
    }
}

impl Transaction for Running<'_> {
    fn place(&self) -> &str {
        self.place
    }

    fn dialect(&self) -> Dialect {
        Dialect {
            among: "= ANY (CAST($1 AS BIGINT[]))",
            for_update: if self.reads { "" } else { " FOR UPDATE" },
        }
    }

    fn query(
        &mut self,
        sql: &str,
        values: &[Cell<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let rows = self.rows(sql, values).map_err(|error| failure(self.place, error))?;
        for found in rows {
            let cells: Result<Vec<_>, _> = (0..found.len()).map(|i| found.try_get(i)).collect();
            row(&Row(&cells.map_err(|error| failure(self.place, error))?))?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<(), StorageError> {
        self.rows(sql, values).map(drop).map_err(|error| failure(self.place, error))
    }
}

/// The error of a server. Its own words say little; what they stand for is in the source.
fn failure(place: &str, error: postgres::Error) -> StorageError {
    let what = error.to_string();
    let from_server = error.as_db_error().is_some();
    let source = match error.into_source() {
        Some(source) if from_server => source,
        Some(source) => format!("{what}: {source}").into(),
        None => what.into(),
    };
    StorageError::Backend { place: place.to_owned(), source }
}
