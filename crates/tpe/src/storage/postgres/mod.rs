//! Studies on a PostgreSQL server.

mod cells;
mod link;
mod session;
mod url;

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_postgres::{Config, Error};

use self::session::Session;
use super::StorageError;
use super::sql::{Database, Sql, Transaction};

/// Studies in a database that Optuna and its dashboard open under the same address, shared by threads and processes.
///
/// The connection is not encrypted; an address that asks for it (`sslmode=require`) is refused. If the connection was
/// lost, the next verb connects once more. A server that says nothing is not waited for longer than
/// [`PostgresOptions`] allow.
pub type Postgres = Sql<PostgresServer>;

/// How long a server may be silent.
pub struct PostgresOptions {
    /// How long it may take to let us in, where the address has no `connect_timeout`; half a minute if not given.
    pub connect: Duration,
    /// How long it may take to answer a statement, two minutes if not given. The server gives statements up after this
    /// time, too, and transactions of workers that stand still.
    pub statement: Duration,
    /// Called with the server's address, without user and password, every three seconds that it is waited for; the wait is
    /// given up if it returns false.
    pub on_wait: Box<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let (connect, statement) = (Duration::from_secs(30), Duration::from_secs(120));
        Self { connect, statement, on_wait: Box::new(|_| true) }
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { connect, statement, .. } = self;
        f.debug_struct("PostgresOptions").field("connect", connect).field("statement", statement).finish()
    }
}

impl Postgres {
    /// Connects to the database at `url`, `postgresql://user:password@host:port/database`, and creates Optuna's tables
    /// if there are none. SQLAlchemy's form `postgresql+driver://` means the same.
    ///
    /// # Errors
    /// If `url` is no such address, if the server does not let us in or says nothing, and if the tables are those of
    /// another version. No error shows the password.
    pub fn connect(url: &str) -> Result<Self, StorageError> {
        Self::connect_with(url, PostgresOptions::default())
    }

    /// As [`connect`](Self::connect), with other limits.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, options: PostgresOptions) -> Result<Self, StorageError> {
        let config = url::parse(url)?;
        let server = Server { place: url::place(&config), config, options };
        let mut session = Session::open(&server)?;
        session.create_tables(&server)?;
        Ok(Sql(PostgresServer { server, session: Mutex::new(session) }))
    }
}

/// How a server is reached.
struct Server {
    config: Config,
    place: String,
    options: PostgresOptions,
}

/// A database on a PostgreSQL server with Optuna's tables.
pub struct PostgresServer {
    server: Server,
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
        if !session.is_over()
            && let Ok(mut running) = session.begin(&self.server, reads)
        {
            let result = work(&mut running);
            return running.end(result);
        }
        *session = Session::open(&self.server)?;
        let mut running = session.begin(&self.server, reads)?;
        let result = work(&mut running);
        running.end(result)
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

/// The error of a server. Its own words say little; what they stand for is in the source.
fn failure(place: &str, error: Error) -> StorageError {
    let what = error.to_string();
    let from_server = error.as_db_error().is_some();
    let source = match error.into_source() {
        Some(source) if from_server => source,
        Some(source) => format!("{what}: {source}").into(),
        None => what.into(),
    };
    StorageError::Backend { place: place.to_owned(), source }
}
