//! Files whose trials stand in another order than they were made in, as after a repair or a merge.

#![cfg(feature = "sqlite")]

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tpe::Study;
use tpe::space::{Space, float};
use tpe::storage::Sqlite;

fn study(path: &Path, budget: u64) -> Study {
    let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
    Study::builder(space).storage(Sqlite::open(path).unwrap()).budget(budget).open().unwrap()
}

/// A file with four trials to which `sql` happened.
fn file(sql: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    study(&path, 4).run().start(|trial| Ok(trial.float("x"))).unwrap();
    Connection::open(&path).unwrap().execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    (folder, path)
}

/// Gives trial `from` the identity `to`.
fn moved(from: i64, to: i64) -> String {
    let tables = ["trials", "trial_params", "trial_values", "trial_system_attributes"];
    tables.map(|table| format!("UPDATE {table} SET trial_id = {to} WHERE trial_id = {from};")).concat()
}

#[test]
fn a_study_goes_on_whatever_its_identities_and_numbers_are() {
    let cases = [
        (moved(1, 9), &[0, 1, 2, 3, 4, 5, 6][..]),
        (moved(4, 0), &[0, 1, 2, 3, 4, 5, 6]),
        (moved(2, -7), &[0, 1, 2, 3, 4, 5, 6]),
        ("UPDATE trials SET number = 3 - number".to_owned(), &[0, 1, 2, 3, 4, 5, 6]),
        ("DELETE FROM trials WHERE number = 1".to_owned(), &[0, 2, 3, 4, 5, 6, 7]),
        ("UPDATE trials SET number = 10 WHERE number = 2".to_owned(), &[0, 1, 3, 10, 11, 12, 13]),
        ("UPDATE trials SET number = 1 WHERE number = 2".to_owned(), &[0, 1, 3, 4, 5, 6]),
    ];
    for (sql, expected) in cases {
        let (_folder, path) = file(&sql);
        study(&path, 7).run().start(|trial| Ok(trial.float("x"))).unwrap();
        let trials = study(&path, 7).trials().unwrap();
        let numbers: Vec<_> = trials.iter().map(|trial| trial.number).collect();
        assert_eq!(numbers, expected, "{sql}");
        assert!(trials.iter().all(|trial| trial.params.len() == 1 && trial.values.len() == 1), "{sql}");
    }
}

#[test]
fn trials_that_are_enqueued_get_numbers_of_their_own() {
    let (_folder, path) = file(&moved(1, 9));
    let study = study(&path, 6);
    study.enqueue([("x", 0.5)]).unwrap();
    study.run().start(|trial| Ok(trial.float("x"))).unwrap();
    let numbers: Vec<_> = study.trials().unwrap().iter().map(|trial| trial.number).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
}
