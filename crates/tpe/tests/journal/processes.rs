//! Processes on one journal. The test binary runs itself again for each of them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tpe::State;
use tpe::storage::{Admission, Admitted, Journal, Known, Storage};

use super::{create, lines, place, running, with_study};

const PATH: &str = "TPE_TEST_JOURNAL";

fn process(test: &str, path: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(PATH, path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn eight_processes_share_a_budget() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let workers: Vec<_> = (0..8).map(|_| process("processes::worker", &path)).collect();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let trials = journal.trials(study, &Known::default()).unwrap();
    let numbers: Vec<_> = trials.iter().map(|trial| trial.number).collect();
    assert_eq!(numbers, (0..400).collect::<Vec<_>>());
    assert!(trials.iter().all(|trial| trial.state == State::Complete && trial.values.len() == 1));
    let processes: BTreeSet<_> = trials.iter().map(|trial| trial.values[0] as u32).collect();
    assert_eq!(processes.len(), 8, "each process had a part in it");
    let more = Admission { number: Some(400), budget: Some(400) };
    assert_eq!(journal.create_trial(study, &running(0.5), more).unwrap(), Admitted::BudgetSpent);
    assert!(fs::symlink_metadata(path.with_extension("log.lock")).is_err());
}

/// Fifty trials, each with the number that follows what this process has seen.
#[test]
fn worker() {
    let Ok(path) = env::var(PATH) else { return };
    let journal = Journal::open(path).unwrap();
    let study = journal.study("study").unwrap().unwrap().id;
    let mut mine = 0;
    while mine < 50 {
        let seen = journal.trials(study, &Known::default()).unwrap().len() as u64;
        let admission = Admission { number: Some(seen), budget: Some(400) };
        match journal.create_trial(study, &running(0.5), admission).unwrap() {
            Admitted::Created { id, number } => {
                assert_eq!(number, seen);
                assert!(journal.finish(id, State::Complete, &[f64::from(std::process::id())]).unwrap());
                mine += 1;
            }
            Admitted::NumberTaken => {}
            Admitted::BudgetSpent => panic!("400 trials before this process had its 50"),
        }
    }
}

#[test]
fn a_budget_is_not_exceeded_by_those_who_do_not_look() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let admission = Admission { number: None, budget: Some(30) };
    let created: usize = thread::scope(|scope| {
        let worker = || {
            let journal = Journal::open(&path).unwrap();
            let create = || journal.create_trial(study, &running(0.5), admission).unwrap();
            (0..20).filter(|_| create() != Admitted::BudgetSpent).count()
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(created, 30);
    assert_eq!(journal.trials(study, &Known::default()).unwrap().len(), 30);
}

/// Writes until it is killed, but not for ever.
#[test]
fn restless() {
    let Ok(path) = env::var(PATH) else { return };
    let journal = Journal::open(path).unwrap();
    let study = journal.study("study").unwrap().unwrap().id;
    for _ in 0..5000 {
        create(&journal, study, &running(0.5));
    }
}

#[cfg(unix)]
#[test]
fn the_lock_of_a_killed_writer_is_released() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let lock = path.with_extension("log.lock");
    let mut writer = process("processes::restless", &path);
    let id = writer.id().to_string();
    let signal = |name: &str| {
        let done = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(done.success());
    };
    // Stopped at a moment at which it holds the lock.
    loop {
        assert!(writer.try_wait().unwrap().is_none(), "the writer has ended");
        if fs::symlink_metadata(&lock).is_ok() {
            signal("-STOP");
            thread::sleep(Duration::from_millis(5));
            if fs::symlink_metadata(&lock).is_ok() {
                break;
            }
            signal("-CONT");
        }
        thread::yield_now();
    }
    signal("-KILL");
    writer.wait().unwrap();
    let target = fs::canonicalize(&lock).ok();
    assert_eq!(target, fs::canonicalize(&path).ok(), "Optuna's workers follow the link");
    let before = journal.trials(study, &Known::default()).unwrap().len();
    let grace = Duration::from_millis(400);
    let journal = journal.with_grace(grace);
    let begun = Instant::now();
    create(&journal, study, &running(0.25));
    assert!(begun.elapsed() >= grace, "the lock was not respected");
    assert!(fs::symlink_metadata(&lock).is_err());
    let trials = journal.trials(study, &Known::default()).unwrap();
    assert_eq!(trials.len(), before + 1);
    assert_eq!(lines(&path).len(), 1 + trials.len());
}
