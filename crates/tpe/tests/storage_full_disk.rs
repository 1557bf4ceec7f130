//! A disk that fills up under an SQLite file: the error says so, and no finished trial is lost.

#![cfg(all(unix, feature = "sqlite"))]

use std::process::Command;

use tpe::Study;
use tpe::space::{Space, float};
use tpe::storage::Sqlite;

/// The file, for the process whose files may not grow.
const PATH: &str = "TPE_TEST_FULL_DISK";

fn study(path: &str) -> Study {
    let space = Space::new([float("x", 0.0, 1.0)]).unwrap();
    Study::builder(space).storage(Sqlite::open(path).unwrap()).open().unwrap()
}

/// Not a test of its own: runs trials until one cannot be stored, and says how many were and what the error is.
#[test]
fn until_the_disk_is_full() {
    let Ok(path) = std::env::var(PATH) else { return };
    let study = study(&path);
    let mut ended = 0;
    loop {
        match study.ask().map_err(|error| error.to_string()) {
            Ok(trial) => match study.tell(&trial.unwrap(), tpe::study::Ending::Complete(1.0)) {
                Ok(_) => ended += 1,
                Err(error) => return println!("ended {ended} then {error}"),
            },
            Err(error) => return println!("ended {ended} then {error}"),
        }
    }
}

#[test]
fn a_full_disk_loses_no_finished_trial() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.db");
    let path = path.to_str().unwrap();
    study(path);
    // The limit on the size of files acts like a full disk: 512 KiB of the file or of its log hold a dozen trials.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "until_the_disk_is_full", "--nocapture"])
        .env(PATH, path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text
        .split("ended ")
        .nth(1)
        .unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
    let (ended, error) = said.split_once(" then ").unwrap();
    let ended: usize = ended.parse().unwrap();
    assert!(ended > 5, "{said}");
    assert!(error.contains(path) && (error.contains("full") || error.contains("I/O")), "{error}");

    let study = study(path);
    let complete = study.trials().unwrap().iter().filter(|trial| trial.value() == Some(1.0)).count();
    assert!(complete >= ended, "{complete} of {ended}");
    study.optimize(1, |_| Ok(2.0)).unwrap();
}
