//! Files that are no journals, folders that cannot be written, disks that are full.

use std::path::Path;
use std::{env, fs};

use tpe::State;
use tpe::storage::{Journal, Known, Storage, StorageError};

use super::{create, float, lines, place, running, with_study};

fn refusal(path: &Path) -> String {
    let error = Journal::open(path).unwrap_err();
    let (StorageError::Foreign { .. } | StorageError::Backend { .. }) = &error else { panic!("{error:?}") };
    let text = error.to_string();
    assert!(text.starts_with(path.to_str().unwrap()), "{text}");
    text
}

#[test]
fn a_file_of_another_kind_is_refused_and_left_alone() {
    let (_folder, path) = place();
    let files: [(&[u8], &str); 8] = [
        (b"SQLite format 3\0\x10\0 and so on", "SQLite"),
        (b"name,value\nx,1\n", "not a journal"),
        (b"a line without a break", "not a journal"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a journal"),
        (b"\0\0\0\0", "not a journal"),
        (b"{\"a\": 1}", "not a journal"),
        (b"{\"a\": 1}\n", "\"op_code\" is missing"),
        (b"{\n  \"op_code\": 0\n}\n", "no operation"),
    ];
    for (bytes, why) in files {
        fs::write(&path, bytes).unwrap();
        let text = refusal(&path);
        assert!(text.contains(why), "{text}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let (folder, path) = place();
    assert!(refusal(folder.path()).contains("folder"));
    refusal(&folder.path().join("missing").join("journal.log"));
    fs::write(&path, "").unwrap();
    refusal(&path.join("journal.log"));
    #[cfg(unix)]
    {
        let full = folder.path().join("full.log");
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        assert!(refusal(&full).contains("regular"));
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, path) = place();
    let (journal, study) = with_study(&path);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(folder.path().join("probe"), "").is_ok() {
        println!("skipped: a_folder_that_cannot_be_written (needs a user who is bound by permissions)");
        return;
    }
    refusal(&folder.path().join("other.log"));
    assert_eq!(Journal::open(&path).unwrap().studies().unwrap().len(), 1, "it can be read");
    let error = journal.create_study("other", &[]).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}.lock", path.display())), "{error}");
    assert!(journal.trials(study, &Known::default()).unwrap().is_empty());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_journal_that_disappears_or_is_replaced() {
    let (_folder, path) = place();
    let (journal, study) = with_study(&path);
    let trial = create(&journal, study, &running(0.5));
    fs::remove_file(&path).unwrap();
    for error in [journal.trial(trial).unwrap_err(), journal.report(trial, 0, 1.0).unwrap_err()] {
        assert!(matches!(error, StorageError::Backend { .. }), "{error}");
        assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    }
    assert!(!path.exists() && !path.with_extension("log.lock").exists());
    let (other, _) = with_study(&path);
    for x in [0.1, 0.2] {
        create(&other, study, &running(x));
    }
    let error = journal.finish(trial, State::Complete, &[1.0]).unwrap_err();
    assert!(error.to_string().contains("another file"), "{error}");
    assert_eq!(other.trial(trial).unwrap().state, State::Running);
}

const PATH: &str = "TPE_TEST_SMALL_DISK";

/// The limit on the size of files acts like a full disk: the write puts down what fits and then fails.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_nothing() {
    use std::process::Command;
    let (_folder, path) = place();
    for kilobytes in [4, 5, 16] {
        let _ = fs::remove_file(&path);
        let limited = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", 2 * kilobytes);
        // Through a pipe: the limit would also stop what is written to a log file.
        let output = Command::new("sh")
            .args(["-c", &limited])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "errors::until_the_disk_is_full", "--nocapture"])
            .env(PATH, &path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(fs::read(&path).unwrap().len() <= 1024 * kilobytes);
        let journal = Journal::open(&path).unwrap();
        let study = journal.study("study").unwrap().unwrap().id;
        let done = journal.trials(study, &Known::default()).unwrap().len();
        create(&journal, study, &running(0.5));
        assert_eq!(journal.trials(study, &Known::default()).unwrap().len(), done + 1);
    }
}

/// Runs trials until writing fails, and checks that every one that was finished is in the file.
#[test]
fn until_the_disk_is_full() {
    let Ok(path) = env::var(PATH) else { return };
    let path = Path::new(&path);
    let (journal, study) = with_study(path);
    let many: Vec<_> = (0..9).map(|i| (format!("p{i}"), float(0.5))).collect();
    let mut finished = Vec::new();
    let (before, error) = loop {
        let before = fs::read(path).unwrap();
        let trial = match journal.create_trial(study, &running(0.5), Default::default()) {
            Ok(tpe::storage::Admitted::Created { id, .. }) => id,
            Ok(other) => panic!("{other:?}"),
            Err(error) => break (before, error),
        };
        let before = fs::read(path).unwrap();
        if let Err(error) = journal.set_params(trial, &many) {
            break (before, error);
        }
        let before = fs::read(path).unwrap();
        match journal.finish(trial, State::Complete, &[1.0]) {
            Ok(done) => assert!(done),
            Err(error) => break (before, error),
        }
        finished.push(trial);
    };
    assert!(!finished.is_empty());
    assert!(matches!(error, StorageError::Backend { .. }), "{error}");
    assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    assert_eq!(fs::read(path).unwrap(), before, "the file is as it was");
    assert!(lines(path).iter().all(|line| line.ends_with('\n')));
    let again = Journal::open(path).unwrap();
    for journal in [&journal, &again] {
        for &trial in &finished {
            assert_eq!(journal.trial(trial).unwrap().state, State::Complete);
        }
    }
}
