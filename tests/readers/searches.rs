//! What searches read: spaces, journals, databases.

use std::fs;

use tpe::Space;
use tpe::storage::{Journal, Known, Sqlite, Storage};

use super::common::{Outcome, file, message, path};

/// A space in TOML or JSON.
pub fn space(bytes: &[u8]) -> Outcome {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("not text".into()) };
    let read = [Space::from_toml(text), Space::from_json(text)];
    for space in read.iter().flatten() {
        let (toml, json) = (space.to_toml(), space.to_json());
        // In words, for NaN differs from itself.
        let same = |again: Result<Space, _>| format!("{again:?}") == format!("Ok({space:?})");
        assert!(same(Space::from_toml(&toml)), "{toml}");
        assert!(same(Space::from_json(&json)), "{json}");
        let point = space.walk(|node| space.nodes()[node].domain().bounds().0);
        space.params(&point);
    }
    match read {
        [Err(toml), Err(json)] => Err(format!("{} {}", message(toml), message(json))),
        [toml, json] => Ok(format!("{toml:?} {json:?}")),
    }
}

/// A journal of studies.
pub fn journal(bytes: &[u8]) -> Outcome {
    let path = file("study.journal", bytes);
    let journal = Journal::open(&path).map_err(message)?;
    all_trials(&journal)
}

/// A database of studies.
pub fn sqlite(bytes: &[u8]) -> Outcome {
    // What an earlier database left beside it is no part of this one.
    for beside in ["study.db-wal", "study.db-shm", "study.db-journal"] {
        let _ = fs::remove_file(path(beside));
    }
    let path = file("study.db", bytes);
    let database = Sqlite::open(&path).map_err(message)?;
    all_trials(&database)
}

fn all_trials(storage: &dyn Storage) -> Outcome {
    let mut told = String::new();
    for study in storage.studies().map_err(message)? {
        told += &format!("{study:?}");
        match storage.trials(study.id, &Known::default()) {
            Ok(trials) => told += &format!("{trials:?}"),
            Err(error) => told += &message(error),
        }
    }
    Ok(told)
}
