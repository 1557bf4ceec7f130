//! Studies in files and on a server: over restarts, by several processes, and after a worker was killed. The workers are
//! this test program itself, run with [`ADDRESS`] set.

#![cfg(all(feature = "sqlite", feature = "postgres"))]

mod server;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use server::Server;
use tpe::space::{Space, categorical, float, int};
use tpe::storage::{Journal, Memory, Postgres, Sqlite, Storage};
use tpe::study::{Evaluation, Interrupt, Study, reasons};
use tpe::{State, Trial};

/// Where the study is, for a worker.
const ADDRESS: &str = "TPE_TEST_STUDY";

/// Set for a worker that does not come to an end.
const HANGS: &str = "TPE_TEST_HANGS";

const LEASE: Duration = Duration::from_secs(2);

fn storage(address: &str) -> Arc<dyn Storage> {
    match address {
        _ if address.contains("://") => Arc::new(Postgres::connect(address).unwrap()),
        _ if address.ends_with(".log") => Arc::new(Journal::open(address).unwrap()),
        _ => Arc::new(Sqlite::open(address).unwrap()),
    }
}

fn open(storage: Arc<dyn Storage>, budget: u64) -> Study {
    let space =
        [categorical("kind", ["a", "b"]), float("x", 1e-3, 1e3).log(), int("n", 0, 9).when("kind", "b")];
    let study = Study::builder(Space::new(space).unwrap()).shared_storage(storage);
    study.budget(budget).lease(LEASE).open().unwrap()
}

fn objective(trial: &Evaluation<'_>) -> Result<f64, Interrupt> {
    let n = trial.get("n").and_then(|n| n.as_f64()).unwrap_or(20.0);
    Ok(trial.float("x").ln().powi(2) + n)
}

/// Not a test of its own: what each process does.
#[test]
fn worker() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let budget = std::env::var("TPE_TEST_BUDGET").unwrap().parse().unwrap();
    let hangs = std::env::var_os(HANGS).is_some();
    let study = open(storage(&address), budget);
    let work = |trial: &Evaluation<'_>| {
        println!("trial {}", trial.number());
        if hangs {
            sleep(Duration::from_secs(3600));
        }
        objective(trial)
    };
    study.run().trials(50).start(work).unwrap();
}

fn start(address: &str, budget: u64, hangs: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["worker", "--exact", "--nocapture"]).env(ADDRESS, address);
    command.env("TPE_TEST_BUDGET", budget.to_string()).stdout(Stdio::piped());
    if hangs {
        command.env(HANGS, "1");
    }
    command.spawn().unwrap()
}

/// The numbers of the trials that a worker evaluated.
fn evaluated(worker: Child) -> Vec<u64> {
    let output = worker.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    // The first line may follow what the test harness has written.
    text.split("trial ").skip(1).map(|rest| rest.lines().next().unwrap().parse().unwrap()).collect()
}

/// Runs a check on each kind of storage.
fn everywhere(test: &str, check: impl Fn(&str)) {
    let folder = tempfile::tempdir().unwrap();
    for file in ["study.db", "study.log"] {
        check(folder.path().join(file).to_str().unwrap());
    }
    let Some(server) = Server::start(test) else { return };
    check(&server.new_database());
}

#[test]
fn eight_processes_share_four_hundred_trials() {
    everywhere("eight_processes_share_four_hundred_trials", |address| {
        let workers: Vec<_> = (0..8).map(|_| start(address, 400, false)).collect();
        let mut numbers: Vec<_> = workers.into_iter().flat_map(evaluated).collect();
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..400), "{address}: {numbers:?}");
        let trials = open(storage(address), 400).trials().unwrap();
        assert!(trials.iter().map(|trial| trial.number).eq(0..400));
        assert!(trials.iter().all(|trial| trial.state == State::Complete && trial.value().is_some()));
    });
}

#[test]
fn the_trial_of_a_killed_worker_is_run_exactly_once_more() {
    everywhere("the_trial_of_a_killed_worker_is_run_exactly_once_more", |address| {
        let mut killed = start(address, 6, true);
        let lines = BufReader::new(killed.stdout.take().unwrap()).lines();
        let begun = lines.map(Result::unwrap).find(|line| line.contains("trial 0"));
        assert!(begun.is_some());
        // SIGKILL: it has no chance to say anything.
        killed.kill().unwrap();
        killed.wait().unwrap();
        sleep(LEASE + Duration::from_millis(200));

        let workers: Vec<_> = (0..3).map(|_| start(address, 6, false)).collect();
        let mut numbers: Vec<_> = workers.into_iter().flat_map(evaluated).collect();
        numbers.sort_unstable();
        assert_eq!(numbers.len(), 6, "{address}: five others and the repetition: {numbers:?}");
        let trials = open(storage(address), 6).trials().unwrap();
        assert_eq!(trials[0].state, State::Fail);
        let repetitions: Vec<_> =
            trials.iter().filter(|trial| trial.system_attrs.contains_key("failed_trial")).collect();
        assert_eq!(repetitions.len(), 1);
        assert_eq!((&repetitions[0].params, repetitions[0].state), (&trials[0].params, State::Complete));
        assert_eq!(trials.iter().filter(|trial| trial.state == State::Complete).count(), 6);
    });
}

#[test]
fn fifteen_trials_are_seven_and_eight_after_a_restart() {
    let facts = |trials: Vec<Trial>| -> Vec<String> {
        trials
            .iter()
            .map(|t| format!("{} {:?} {:?} {:?}", t.number, t.values, t.params, reasons(t)))
            .collect()
    };
    let whole = open(Arc::new(Memory::new()), 15);
    whole.optimize(15, objective).unwrap();
    let expected = facts(whole.trials().unwrap());
    everywhere("fifteen_trials_are_seven_and_eight_after_a_restart", |address| {
        for trials in [7, 8] {
            open(storage(address), 15).optimize(trials, objective).unwrap();
        }
        assert_eq!(facts(open(storage(address), 15).trials().unwrap()), expected, "{address}");
    });
}
