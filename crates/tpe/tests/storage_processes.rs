//! Several processes on one storage. The workers are this test program itself, run with [`ADDRESS`] set.

#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod server;

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use server::Server;
use tpe::storage::{
    Admission, Admitted, AttrKind, FAILED_TRIAL, Known, NewTrial, Postgres, Sqlite, Storage, StorageError,
};
use tpe::{Direction, Distribution, Param, State};

/// The storage, for a worker.
const ADDRESS: &str = "TPE_TEST_WORKER";

const WORKERS: usize = 8;
const BUDGET: u64 = 400;
/// The first trials wait to be claimed.
const WAITING: u64 = 40;
/// The next ones were lost by a worker before and are to be repeated.
const LOST: u64 = 10;

fn open(address: &str) -> Box<dyn Storage> {
    if address.contains("://") {
        Box::new(Postgres::connect(address).unwrap())
    } else {
        Box::new(Sqlite::open(address).unwrap())
    }
}

/// Not a test of its own: what each process does.
#[test]
fn worker() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let storage = open(&address);
    match storage.create_study("shared", &[Direction::Minimize]) {
        Ok(_) => {
            // One creates the study and the waiting trials; the others wait for them.
            let study = storage.study("shared").unwrap().unwrap().id;
            for (state, count) in [(State::Waiting, WAITING), (State::Running, LOST)] {
                for _ in 0..count {
                    storage.create_trial(study, &NewTrial::new(state), Admission::default()).unwrap();
                }
            }
            storage.set_study_attr(study, AttrKind::User, "ready", &json!(true)).unwrap();
        }
        Err(StorageError::StudyExists(_)) => {}
        Err(error) => panic!("{error}"),
    }
    let study = loop {
        let study = storage.study("shared").unwrap().unwrap();
        if study.user_attrs.contains_key("ready") {
            break study.id;
        }
        sleep(Duration::from_millis(10));
    };
    let mut claimed = Vec::new();
    for trial in storage.trials(study, &Known::default()).unwrap() {
        if trial.number < WAITING && storage.claim(trial.id, &Default::default()).unwrap() {
            claimed.push(trial.number);
            storage.finish(trial.id, State::Complete, &[0.0]).unwrap();
        }
    }
    let distribution = Distribution::Float { low: 0.0, high: 1.0, log: false, step: None };
    let mut new = NewTrial::new(State::Running);
    new.params = vec![("x".into(), Param { internal: 0.5, distribution })];
    let admission = Admission { number: None, budget: Some(BUDGET) };
    let mut created = Vec::new();
    while let Admitted::Created { id, number } = storage.create_trial(study, &new, admission).unwrap() {
        storage.report(id, 0, 1.0).unwrap();
        storage.set_trial_attr(id, AttrKind::User, "worker", &json!(std::process::id())).unwrap();
        assert!(storage.finish(id, State::Complete, &[number as f64]).unwrap());
        created.push(number);
    }
    let mut again = NewTrial::new(State::Waiting);
    again.system_attrs.insert(FAILED_TRIAL.into(), json!(0));
    let mut repeated = Vec::new();
    for trial in storage.trials(study, &Known::default()).unwrap() {
        if (WAITING..WAITING + LOST).contains(&trial.number) && storage.repeat(trial.id, &again).unwrap() {
            repeated.push(trial.number);
        }
    }
    println!("{}", json!({"claimed": claimed, "created": created, "repeated": repeated}));
}

/// Runs the workers and checks that each number was given once.
fn share(address: &str) {
    let program = std::env::current_exe().unwrap();
    let workers: Vec<_> = (0..WORKERS)
        .map(|_| {
            Command::new(&program)
                .args(["worker", "--exact", "--nocapture"])
                .env(ADDRESS, address)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut done = ["claimed", "created", "repeated"].map(|key| (key, Vec::new()));
    for worker in workers {
        let output = worker.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        let start = text.find("{\"claimed\"").unwrap();
        let line = text[start..].lines().next().unwrap();
        let report: serde_json::Value = serde_json::from_str(line).unwrap();
        for (key, numbers) in &mut done {
            numbers.extend(serde_json::from_value::<Vec<u64>>(report[*key].clone()).unwrap());
        }
    }
    let [claimed, created, repeated] = done.map(|(_, mut numbers)| {
        numbers.sort_unstable();
        numbers
    });
    assert!(claimed.iter().copied().eq(0..WAITING), "{claimed:?}");
    assert!(created.iter().copied().eq(WAITING + LOST..BUDGET), "{created:?}");
    assert!(repeated.iter().copied().eq(WAITING..WAITING + LOST), "{repeated:?}");

    let storage = open(address);
    let study = storage.study("shared").unwrap().unwrap();
    let trials = storage.trials(study.id, &Known::default()).unwrap();
    assert!(trials.iter().map(|trial| trial.number).eq(0..BUDGET + LOST));
    for trial in trials {
        let (state, rows) = match trial.number {
            number if number < WAITING => (State::Complete, 0),
            number if number < WAITING + LOST => (State::Fail, 0),
            number if number < BUDGET => (State::Complete, 1),
            _ => (State::Waiting, 0),
        };
        assert_eq!(trial.state, state, "trial {}", trial.number);
        assert_eq!([trial.params.len(), trial.user_attrs.len(), trial.intermediate.len()], [rows; 3]);
    }
}

#[test]
fn processes_share_an_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    share(folder.path().join("study.db").to_str().unwrap());
    let left: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["study.db"], "the last one to close the file takes the others away");
}

#[test]
fn processes_share_a_postgresql_database() {
    let Some(server) = Server::start("processes_share_a_postgresql_database") else { return };
    share(&server.new_database());
}
