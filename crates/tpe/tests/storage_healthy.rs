//! Whatever Optuna stores is opened, or refused with the reason; only what is damaged is called so.

#![cfg(feature = "sqlite")]

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempDir;
use tpe::space::{Space, float};
use tpe::storage::{Journal, Known, Sqlite, Storage, StorageError};
use tpe::{Study, Trial, Value};

/// A database and a journal with one trial of one parameter `p`, with this value and distribution.
fn files(internal: &str, distribution: &str) -> (TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["s.db", "s.log"].map(|name| folder.path().join(name));
    Sqlite::open(&paths[0]).unwrap();
    let row = distribution.replace('\'', "''");
    let sql = format!(
        "INSERT INTO studies VALUES (1, 's'); INSERT INTO study_directions VALUES (1, 'MINIMIZE', 1, 0);
         INSERT INTO trials VALUES (1, 0, 1, 'COMPLETE', NULL, NULL);
         INSERT INTO trial_values VALUES (1, 1, 0, 0.5, 'FINITE');
         INSERT INTO trial_params VALUES (1, 1, 'p', {internal}, '{row}');"
    );
    Connection::open(&paths[0]).unwrap().execute_batch(&sql).unwrap();
    let text = serde_json::to_string(distribution).unwrap();
    let lines = format!(
        "{{\"op_code\": 0, \"worker_id\": \"w\", \"study_name\": \"s\", \"directions\": [1]}}\n\
         {{\"op_code\": 4, \"worker_id\": \"w\", \"study_id\": 0, \"datetime_start\": \"2026-01-01T00:00:00\"}}\n\
         {{\"op_code\": 5, \"worker_id\": \"w\", \"trial_id\": 0, \"param_name\": \"p\", \
           \"param_value_internal\": {internal}, \"distribution\": {text}}}\n\
         {{\"op_code\": 6, \"worker_id\": \"w\", \"trial_id\": 0, \"state\": 1, \"values\": [0.5]}}\n"
    );
    std::fs::write(&paths[1], lines).unwrap();
    (folder, paths)
}

fn read(path: &Path) -> Result<Vec<Trial>, StorageError> {
    let storage: Box<dyn Storage> = match path.extension().is_some_and(|end| end == "db") {
        true => Box::new(Sqlite::open(path)?),
        false => Box::new(Journal::open(path)?),
    };
    let study = storage.study("s")?.expect("it was written");
    storage.trials(study.id, &Known::default())
}

#[test]
fn every_value_of_optuna_is_read() {
    let class = |name: &str, fields: &str| format!("{{\"name\": \"{name}\", \"attributes\": {{{fields}}}}}");
    let choices = class(
        "CategoricalDistribution",
        "\"choices\": [[16], [16, 32], {\"a\": null}, 18446744073709551615]",
    );
    let cases = [
        ("1.0", choices.clone(), vec![16, 32].into()),
        ("2.0", choices.clone(), Value::Map([("a".to_owned(), Value::None)].into())),
        ("3.0", choices, u64::MAX.into()),
        (
            "9.488460128634374e+18",
            class(
                "IntDistribution",
                "\"log\": false, \"step\": 1, \"low\": 0, \"high\": 18446744073709551615",
            ),
            Value::Int(9488460128634374144),
        ),
        (
            "1e+20",
            class(
                "IntDistribution",
                &format!("\"log\": false, \"step\": 1, \"low\": 0, \"high\": {}", 1i128 << 70),
            ),
            Value::Int(100000000000000000000),
        ),
        ("0.5", class("UniformDistribution", "\"low\": 0.0, \"high\": 1.0"), 0.5.into()),
        ("0.5", class("LogUniformDistribution", "\"low\": 0.1, \"high\": 1.0"), 0.5.into()),
        ("0.5", class("DiscreteUniformDistribution", "\"low\": 0.0, \"high\": 1.0, \"q\": 0.25"), 0.5.into()),
        ("4.0", class("IntUniformDistribution", "\"low\": 0, \"high\": 8, \"step\": 2"), 4.into()),
        ("4.0", class("IntLogUniformDistribution", "\"low\": 1, \"high\": 8, \"step\": 1"), 4.into()),
        ("4.0", "{\"type\": \"int\", \"low\": 1, \"high\": 8}".to_owned(), 4.into()),
    ];
    for (internal, distribution, expected) in cases {
        let (_folder, paths) = files(internal, &distribution);
        for path in paths {
            let trials = read(&path).unwrap_or_else(|error| panic!("{distribution}: {error}"));
            assert_eq!(trials[0].param("p"), Some(expected.clone()), "{distribution}");
            // And the study goes on, with a parameter of another name.
            let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
            let builder = Study::builder(space).name("s");
            let study = match path.extension().is_some_and(|end| end == "db") {
                true => builder.storage(Sqlite::open(&path).unwrap()).open().unwrap(),
                false => builder.storage(Journal::open(&path).unwrap()).open().unwrap(),
            };
            study.optimize(2, |trial| Ok(trial.float("x"))).unwrap();
            assert_eq!(study.importance().unwrap().len(), 2);
        }
    }
}

#[test]
fn only_what_is_damaged_is_called_so() {
    let huge = "9".repeat(400);
    let int = format!("{{\"name\": \"IntDistribution\", \"attributes\": {{\"low\": 0, \"high\": {huge}}}}}");
    let kind = "{\"name\": \"NormalDistribution\", \"attributes\": {}}".to_owned();
    for (distribution, words, healthy) in [
        (int, "128 bits", true),
        (kind, "NormalDistribution", true),
        ("{\"name\": \"FloatDistribution\"}".to_owned(), "\"log\" is missing", false),
        ("{\"name\"".to_owned(), "ends too early", false),
    ] {
        let (_folder, paths) = files(
            "0.5",
            &distribution
                .replace("FloatDistribution\"}", "FloatDistribution\", \"attributes\": {\"log\": 3}}"),
        );
        for path in paths {
            let error = read(&path).unwrap_err();
            let message = error.to_string();
            assert_eq!(matches!(error, StorageError::Unsupported { .. }), healthy, "{message}");
            assert_eq!(message.contains("damaged"), !healthy, "{message}");
            assert!(message.contains(words) && message.len() < 400, "{message}");
        }
    }
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.log");
    std::fs::write(
        &path,
        "{\"op_code\": 0, \"worker_id\": \"w\", \"study_name\": \"s\", \"directions\": [1]}\n",
    )
    .unwrap();
    let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.set_len(5 << 30).unwrap();
    let message = Journal::open(&path).unwrap_err().to_string();
    assert!(message.contains("line 2") && message.contains("bytes"), "{message}");
}
