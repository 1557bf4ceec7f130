//! A connection with its prepared statements.

use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, IsolationLevel, NoTls, Statement};

use super::link::Link;
use super::{Server, failure};
use crate::storage::StorageError;
use crate::storage::sql::{Cell, Dialect, Found, Row, Transaction, inspect};

const SCHEMA: &str = include_str!("schema.sql");

/// The statements that the server knows already, by their text.
type Statements = HashMap<String, Statement>;

pub(super) struct Session {
    link: Link,
    client: Client,
    statements: Statements,
}

impl Session {
    pub(super) fn open(server: &Server) -> Result<Self, StorageError> {
        let link = Link::new(&server.place)?;
        let limit = server.config.get_connect_timeout().copied().unwrap_or(server.options.connect);
        let mut config = server.config.clone();
        config.connect_timeout(limit);
        let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(u32::MAX);
        let wait = limit.saturating_mul(hosts);
        let connected = link.wait(&server.place, &server.options, wait, config.connect(NoTls))?;
        let (client, connection) = connected.map_err(|error| failure(&server.place, error))?;
        // What ends it is seen by whoever asks next.
        link.spawn(async { drop(connection.await) });
        let session = Self { link, client, statements: Statements::new() };
        // The server keeps to the same limits: it gives up what nobody waits for any more, and the locks of a worker that
        // stands still in the middle of a transaction.
        let millis = millis(server.options.statement);
        let limits =
            format!("SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis}");
        session.ask(server, session.client.batch_execute(&limits))?;
        Ok(session)
    }

    /// Whether nothing can be asked any more.
    pub(super) fn is_over(&self) -> bool {
        self.link.is_silent() || self.client.is_closed()
    }

    fn ask<T>(
        &self,
        server: &Server,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StorageError> {
        ask(&self.link, server, work)
    }

    /// Begins a transaction; one that `reads` sees the database as it is now, whatever others do meanwhile.
    pub(super) fn begin<'a>(
        &'a mut self,
        server: &'a Server,
        reads: bool,
    ) -> Result<Running<'a>, StorageError> {
        let Self { link, client, statements } = self;
        let level = if reads { IsolationLevel::RepeatableRead } else { IsolationLevel::ReadCommitted };
        let begin = client.build_transaction().isolation_level(level).read_only(reads).start();
        let transaction = ask(link, server, begin)?;
        Ok(Running { link, server, reads, transaction, statements })
    }

    /// Creates Optuna's tables unless they are there.
    pub(super) fn create_tables(&mut self, server: &Server) -> Result<(), StorageError> {
        let mut running = self.begin(server, false)?;
        let created = running.create_tables();
        running.end(created)
    }
}

/// A transaction under way.
pub(super) struct Running<'a> {
    link: &'a Link,
    server: &'a Server,
    reads: bool,
    transaction: tokio_postgres::Transaction<'a>,
    statements: &'a mut Statements,
}

impl Running<'_> {
    /// Makes all of it count if `result` is one, and otherwise nothing.
    pub(super) fn end<T>(self, result: Result<T, StorageError>) -> Result<T, StorageError> {
        let Self { link, server, transaction, .. } = self;
        match result {
            Ok(result) => ask(link, server, transaction.commit()).map(|()| result),
            Err(error) => {
                if !link.is_silent() {
                    // Should this fail too, the error that is reported is still the reason for both.
                    let _ = ask(link, server, transaction.rollback());
                }
                Err(error)
            }
        }
    }

    fn ask<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, StorageError> {
        ask(self.link, self.server, work)
    }

    fn rows(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<Vec<tokio_postgres::Row>, StorageError> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.ask(self.transaction.prepare(sql))?;
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.ask(self.transaction.query(&statement, &values))
    }

    fn create_tables(&mut self) -> Result<(), StorageError> {
        // One process at a time. The number only has to be the same for all of them.
        self.ask(self.transaction.batch_execute("SELECT pg_advisory_xact_lock(728905)"))?;
        let found = inspect(&self.tables()?, || self.version())?;
        let path = self.server.place.as_str().into();
        match found.map_err(|why| StorageError::Foreign { path, why })? {
            Found::Nothing => self.ask(self.transaction.batch_execute(SCHEMA)),
            Found::Studies => Ok(()),
        }
    }

    fn tables(&self) -> Result<Vec<String>, StorageError> {
        let sql = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()";
        let rows = self.ask(self.transaction.query(sql, &[]))?;
        rows.iter().map(|row| row.try_get(0).map_err(|error| failure(&self.server.place, error))).collect()
    }

    fn version(&self) -> Result<Option<String>, StorageError> {
        let sql = "SELECT version_num FROM alembic_version LIMIT 1";
        let row = self.ask(self.transaction.query_opt(sql, &[]))?;
        row.map(|row| row.try_get(0).map_err(|error| failure(&self.server.place, error))).transpose()
    }
}

impl Transaction for Running<'_> {
    fn place(&self) -> &str {
        &self.server.place
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
        for found in self.rows(sql, values)? {
            let cells: Result<Vec<_>, _> = (0..found.len()).map(|i| found.try_get(i)).collect();
            row(&Row(&cells.map_err(|error| failure(&self.server.place, error))?))?;
        }
        Ok(())
    }

    fn execute(&mut self, sql: &str, values: &[Cell<'_>]) -> Result<(), StorageError> {
        self.rows(sql, values).map(drop)
    }
}

/// What the server answers to a statement.
fn ask<T>(
    link: &Link,
    server: &Server,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, StorageError> {
    let answer = link.wait(&server.place, &server.options, server.options.statement, work)?;
    answer.map_err(|error| failure(&server.place, error))
}

/// A time in the unit of the server's settings, at most what they hold.
fn millis(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1)
}
