//! A study of 100,000 trials is opened and continued in a time that grows with it, not with its square.

#![cfg(feature = "sqlite")]

use std::fmt::Write;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tpe::sampler::{Joint, Random};
use tpe::space::{Space, categorical, float, int};
use tpe::storage::{Journal, Memory, Sqlite};
use tpe::study::StudyBuilder;
use tpe::{Distribution, Study};

const MANY: usize = 100_000;

/// Far more than it takes, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(300);

fn space() -> Space {
    Space::new([categorical("c", ["a", "b"]), float("x", 0.0, 1.0), int("n", 1, 64).log()]).unwrap()
}

fn distributions() -> [(&'static str, String); 3] {
    let choices = Distribution::Categorical { choices: vec!["a".into(), "b".into()] };
    let float = Distribution::Float { low: 0.0, high: 1.0, log: false, step: None };
    let int = Distribution::Int { low: 1, high: 64, log: true, step: 1 };
    [("c", choices.to_json()), ("x", float.to_json()), ("n", int.to_json())]
}

/// The value of each parameter in a trial, and the result.
fn trial(number: usize) -> ([f64; 3], f64) {
    let x = (number as f64 * 0.618_033_988_749_894_9).fract();
    ([(number % 2) as f64, x, (1 + number % 64) as f64], (x - 0.3).abs())
}

/// Opens the study, and asks and tells a few times.
fn continues(name: &str, open: impl FnOnce() -> StudyBuilder) {
    let begin = Instant::now();
    let study = open().sampler(Joint::default()).open().unwrap();
    for _ in 0..3 {
        study.optimize(1, |trial| Ok(trial.float("x"))).unwrap();
    }
    assert_eq!(study.trials().unwrap().len(), MANY + 3);
    assert!(study.best().unwrap().is_some());
    println!("{name}: {:?}", begin.elapsed());
    assert!(begin.elapsed() < LIMIT, "{name}: {:?}", begin.elapsed());
}

#[test]
fn in_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.db");
    Sqlite::open(&path).unwrap();
    let mut connection = Connection::open(&path).unwrap();
    let all = connection.transaction().unwrap();
    all.execute_batch(
        "INSERT INTO studies VALUES (1, 'study'); INSERT INTO study_directions VALUES (1, 'MINIMIZE', 1, 0);",
    )
    .unwrap();
    for number in 0..MANY {
        let (point, value) = trial(number);
        let id = number as i64 + 1;
        let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
            all.prepare_cached(sql).unwrap().execute(values).unwrap();
        };
        run("INSERT INTO trials VALUES (?, ?, 1, 'COMPLETE', NULL, NULL)", &[&id, &(id - 1)]);
        run(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            &[&id, &value],
        );
        for ((name, text), x) in distributions().iter().zip(point) {
            let sql = "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)";
            run(sql, &[&id, name, &x, text]);
        }
    }
    all.commit().unwrap();
    continues("SQLite", || Study::builder(space()).storage(Sqlite::open(&path).unwrap()));
}

#[test]
fn in_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.log");
    let mut text =
        "{\"op_code\": 0, \"worker_id\": \"w\", \"study_name\": \"study\", \"directions\": [1]}\n".to_owned();
    let quoted = distributions().map(|(name, text)| (name, serde_json::Value::from(text).to_string()));
    for number in 0..MANY {
        let (point, value) = trial(number);
        let at = "\"2026-01-01T00:00:00\"";
        writeln!(text, "{{\"op_code\": 4, \"worker_id\": \"w\", \"study_id\": 0, \"datetime_start\": {at}}}")
            .unwrap();
        for ((name, distribution), x) in quoted.iter().zip(point) {
            writeln!(
                text,
                "{{\"op_code\": 5, \"worker_id\": \"w\", \"trial_id\": {number}, \"param_name\": \"{name}\", \
                 \"param_value_internal\": {x:?}, \"distribution\": {distribution}}}"
            )
            .unwrap();
        }
        writeln!(
            text,
            "{{\"op_code\": 6, \"worker_id\": \"w\", \"trial_id\": {number}, \"state\": 1, \"values\": [{value:?}], \
             \"datetime_complete\": {at}}}"
        )
        .unwrap();
    }
    std::fs::write(&path, text).unwrap();
    continues("journal", || Study::builder(space()).storage(Journal::open(&path).unwrap()));
}

#[test]
fn made_one_after_the_other() {
    let time = |trials: usize| {
        let begin = Instant::now();
        let study = Study::builder(space()).storage(Memory::new()).sampler(Random).budget(trials as u64);
        let study = study.open().unwrap();
        study.run().start(|trial| Ok(trial.float("x"))).unwrap();
        assert_eq!(study.trials().unwrap().len(), trials);
        begin.elapsed()
    };
    let (few, many) = (time(MANY / 5), time(MANY));
    println!("made: {few:?} and {many:?}");
    // In proportion it is five times as much, and by the square 25 times.
    assert!(many < 15 * few + Duration::from_secs(2), "{few:?} and {many:?}");
}
