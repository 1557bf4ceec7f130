//! A connection with its prepared statements.

use std::collections::HashMap;

use postgres::{Client, Config, IsolationLevel, NoTls, Statement, Transaction};

use super::failure;
use crate::storage::StorageError;
use crate::storage::sql::{Found, inspect};

const SCHEMA: &str = include_str!("schema.sql");

/// The statements that the server knows already, by their text.
pub(super) type Statements = HashMap<String, Statement>;

pub(super) struct Session {
    client: Client,
    statements: Statements,
}

impl Session {
    pub(super) fn open(config: &Config, place: &str) -> Result<Self, StorageError> {
        let client = config.connect(NoTls).map_err(|error| failure(place, error))?;
        Ok(Self { client, statements: Statements::new() })
    }

    /// Begins a transaction; one that `reads` sees the database as it is now, whatever others do meanwhile.
    pub(super) fn begin(
        &mut self,
        reads: bool,
    ) -> Result<(Transaction<'_>, &mut Statements), postgres::Error> {
        let level = if reads { IsolationLevel::RepeatableRead } else { IsolationLevel::ReadCommitted };
        let transaction = self.client.build_transaction().isolation_level(level).read_only(reads).start()?;
        Ok((transaction, &mut self.statements))
    }

    /// Creates Optuna's tables unless they are there.
    pub(super) fn create_tables(&mut self, place: &str) -> Result<(), StorageError> {
        let failed = |error| failure(place, error);
        let mut transaction = self.client.transaction().map_err(failed)?;
        // One process at a time. The number only has to be the same for all of them.
        transaction.batch_execute("SELECT pg_advisory_xact_lock(728905)").map_err(failed)?;
        let tables = tables(&mut transaction).map_err(failed)?;
        let found = inspect(&tables, || version(&mut transaction).map_err(failed))?;
        let found = found.map_err(|why| StorageError::Foreign { path: place.into(), why })?;
        if found == Found::Nothing {
            transaction.batch_execute(SCHEMA).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }
}

fn tables(transaction: &mut Transaction<'_>) -> Result<Vec<String>, postgres::Error> {
    let sql = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()";
    transaction.query(sql, &[])?.iter().map(|row| row.try_get(0)).collect()
}

fn version(transaction: &mut Transaction<'_>) -> Result<Option<String>, postgres::Error> {
    let row = transaction.query_opt("SELECT version_num FROM alembic_version LIMIT 1", &[])?;
    row.map(|row| row.try_get(0)).transpose()
}
