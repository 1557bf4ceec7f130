//! Journals: the verbs, workers side by side, writes cut short, files that are no journals, and Optuna.

mod errors;
mod mutations;
mod optuna;
mod processes;
mod torn;
mod verbs;

use std::fs;
use std::path::{Path, PathBuf};

use tpe::storage::{Admission, Admitted, Journal, NewTrial, Storage, StudyId};
use tpe::{Direction, Distribution, Param, State, TrialId};

/// A folder for a journal, and the journal's path.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.log");
    (folder, path)
}

/// A journal with one study to be minimised.
fn with_study(path: &Path) -> (Journal, StudyId) {
    let journal = Journal::open(path).unwrap();
    let study = journal.create_study("study", &[Direction::Minimize]).unwrap();
    (journal, study)
}

/// Creates a trial without conditions.
fn create(storage: &dyn Storage, study: StudyId, new: &NewTrial) -> TrialId {
    match storage.create_trial(study, new, Admission::default()).unwrap() {
        Admitted::Created { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

/// A running trial with a parameter `x`.
fn running(x: f64) -> NewTrial {
    NewTrial { params: vec![("x".into(), float(x))], ..NewTrial::new(State::Running) }
}

fn float(x: f64) -> Param {
    Param { internal: x, distribution: Distribution::Float { low: 0.0, high: 1.0, log: false, step: None } }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}
