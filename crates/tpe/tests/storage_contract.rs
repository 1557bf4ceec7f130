//! Every storage keeps the same contract.

#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod contract;
mod server;

use contract::{Trait, check};
use server::Server;
use tpe::storage::{Journal, Memory, Postgres, Sqlite};

#[test]
fn memory() {
    check(&[Trait::SignedZero, Trait::NanResults, Trait::WideSteps], Memory::new);
}

#[test]
fn journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = (0..).map(|i| folder.path().join(format!("{i}.log")));
    check(&[Trait::SignedZero, Trait::NanResults, Trait::WideSteps], || {
        Journal::open(files.next().unwrap()).unwrap()
    });
}

#[test]
fn sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = (0..).map(|i| folder.path().join(format!("{i}.db")));
    check(&[Trait::WideSteps], || Sqlite::open(files.next().unwrap()).unwrap());
}

#[test]
fn postgres() {
    let Some(server) = Server::start("postgres") else { return };
    check(&[Trait::SignedZero], || Postgres::connect(&server.new_database()).unwrap());
}
