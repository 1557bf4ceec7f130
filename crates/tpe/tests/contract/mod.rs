//! What every storage promises.

mod admission;
mod lifecycle;
mod numbers;
mod studies;

use std::panic::{AssertUnwindSafe, catch_unwind};

use tpe::storage::{Admission, Admitted, NewTrial, Storage, StudyId};
use tpe::{Direction, Distribution, Param, State, TrialId, Value};

/// What not every storage can keep, because of the files' format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trait {
    /// −0.0 as a number (as a choice it is kept everywhere).
    SignedZero,
    /// NaN as a result of a finished trial.
    NanResults,
    /// Steps beyond 32 bits.
    WideSteps,
}

type Case = (&'static str, fn(&dyn Storage, &[Trait]));

/// Checks all of it, each case on a new storage.
pub fn check<S: Storage>(traits: &[Trait], mut open: impl FnMut() -> S) {
    let cases = [studies::CASES, lifecycle::CASES, admission::CASES, numbers::CASES];
    let mut failed = Vec::new();
    for &(name, case) in cases.iter().copied().flatten() {
        let storage = open();
        if catch_unwind(AssertUnwindSafe(|| case(&storage, traits))).is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "these cases failed: {failed:?}");
}

fn study(storage: &dyn Storage) -> StudyId {
    storage.create_study("a study", &[Direction::Minimize]).unwrap()
}

fn create(storage: &dyn Storage, study: StudyId, new: &NewTrial) -> TrialId {
    match storage.create_trial(study, new, Admission::default()).unwrap() {
        Admitted::Created { id, .. } => id,
        other => panic!("not created: {other:?}"),
    }
}

fn running(storage: &dyn Storage, study: StudyId) -> TrialId {
    create(storage, study, &NewTrial::new(State::Running))
}

fn float(name: &str, internal: f64) -> (String, Param) {
    let distribution = Distribution::Float { low: -2.0, high: 2.0, log: false, step: None };
    (name.to_owned(), Param { internal, distribution })
}

fn choice(name: &str, internal: f64, choices: &[Value]) -> (String, Param) {
    let distribution = Distribution::Categorical { choices: choices.to_vec() };
    (name.to_owned(), Param { internal, distribution })
}
