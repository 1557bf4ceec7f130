//! Folders that came from elsewhere: whatever stands in the place of a file of ours is refused by name, before anything is
//! written, and what others own is left alone.

#![cfg(unix)]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{end_before, fer};

/// Trained in a moment.
const NETWORK: &str = r#"{"name": "tiny", "input_shape": [48, 48, 1], "layers": [
    {"class_name": "Flatten", "config": {}},
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;
const TRAIN: [&str; 8] = ["train", "tiny.json", "--epochs", "1", "--limit", "70", "--run", "run"];
const RESUME: [&str; 4] = ["train", "--resume", "--run", "run"];
const SEARCH: [&str; 9] =
    ["search", "--resume", "--trials", "1", "--epochs", "1", "--limit", "70", "--retrain=0"];

/// Runs a command that must end by itself; its exit code and what it said.
#[track_caller]
fn run(mut command: Command) -> (Option<i32>, String) {
    let said = tempfile::NamedTempFile::new().unwrap();
    let stderr = said.reopen().unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let end = end_before(&mut child, Instant::now() + Duration::from_secs(120));
    let text = fs::read_to_string(said.path()).unwrap();
    let end = end.unwrap_or_else(|| panic!("{command:?} does not end: {text}"));
    assert!(!text.contains("panicked") && !text.contains('\u{1b}'), "{text}");
    (end.code(), text)
}

#[track_caller]
fn refused(command: Command, fragments: &[&str]) {
    let (code, text) = run(command);
    assert_eq!(code, Some(1), "{text}");
    for fragment in fragments {
        assert!(text.contains(fragment), "{fragment:?} is not in: {text}");
    }
}

#[track_caller]
fn succeeds(command: Command) -> String {
    let (code, text) = run(command);
    assert_eq!(code, Some(0), "{text}");
    text
}

/// A folder with the finished run `run`.
fn with_run() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.json"), NETWORK).unwrap();
    succeeds(fer(folder.path(), &TRAIN));
    folder
}

/// Every regular file below a folder with its content; links by where they lead.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            all.extend(content(&path));
        } else if kind.is_symlink() {
            all.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else if kind.is_file() {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

/// Puts something else in the place of a file, which it moves away.
fn put(path: &Path, what: &str, elsewhere: &Path) {
    let there = path.exists();
    if there {
        fs::rename(path, elsewhere).unwrap();
    } else {
        fs::write(elsewhere, "precious").unwrap();
    }
    match what {
        "a link" => symlink(elsewhere, path).unwrap(),
        "a folder" => fs::create_dir(path).unwrap(),
        "a pipe" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        "a hard link" => fs::hard_link(elsewhere, path).unwrap(),
        _ => unreachable!(),
    }
    if !there && what == "a hard link" {
        assert!(path.is_file());
    }
}

/// Tries what `refuse` says for each file and each thing that may stand in its place.
fn nothing_else_is_accepted(folder: &Path, files: &[&str], command: impl Fn() -> Command, kinds: &[&str]) {
    let elsewhere = folder.join("elsewhere");
    for file in files {
        for what in kinds {
            let path = folder.join(file);
            let there = path.exists();
            put(&path, what, &elsewhere);
            let before = content(folder);
            let name = path.file_name().unwrap().to_str().unwrap();
            refused(command(), &[name, what, "nothing was written"]);
            assert!(content(folder) == before, "{file} as {what}: something was written");
            if *what == "a folder" {
                fs::remove_dir(&path).unwrap()
            } else {
                fs::remove_file(&path).unwrap()
            }
            if there {
                fs::rename(&elsewhere, &path).unwrap();
            } else {
                fs::remove_file(&elsewhere).unwrap();
            }
        }
    }
}

#[test]
fn a_run_is_resumed_only_with_files_of_its_own() {
    let folder = with_run();
    let folder = folder.path();
    fs::remove_file(folder.join("run/result.json")).unwrap();
    let resume = || fer(folder, &RESUME);
    let replaced = [
        "config.toml",
        "network.json",
        "transform.json",
        "statistics.safetensors",
        "env.json",
        "summary.txt",
        "best.safetensors",
        "last.safetensors",
        "predictions.csv",
        "confusion.csv",
    ]
    .map(|name| format!("run/{name}"));
    let replaced: Vec<&str> = replaced.iter().map(String::as_str).collect();
    nothing_else_is_accepted(folder, &replaced, resume, &["a link", "a folder", "a pipe"]);
    let in_place = ["run/metrics.csv", "run/run.lock"];
    nothing_else_is_accepted(folder, &in_place, resume, &["a link", "a folder", "a pipe", "a hard link"]);

    // States elsewhere are neither read nor removed.
    let states = folder.join("states");
    fs::rename(folder.join("run/checkpoints"), &states).unwrap();
    symlink(&states, folder.join("run/checkpoints")).unwrap();
    let before = content(folder);
    refused(resume(), &["checkpoints is a link, expected a folder"]);
    assert!(content(folder) == before);
    fs::remove_file(folder.join("run/checkpoints")).unwrap();
    fs::rename(&states, folder.join("run/checkpoints")).unwrap();

    // What has a name of its own stays, whatever it is.
    symlink("/nowhere", folder.join("run/link")).unwrap();
    fs::write(folder.join("run/.notes.tmp.7"), "mine").unwrap();
    fs::write(folder.join("run/checkpoints/notes"), "mine").unwrap();
    succeeds(resume());
    assert_eq!(fs::read(folder.join("run/.notes.tmp.7")).unwrap(), b"mine");
    assert_eq!(fs::read(folder.join("run/checkpoints/notes")).unwrap(), b"mine");
    assert!(folder.join("run/result.json").is_file());
}

#[test]
fn a_search_is_resumed_only_with_files_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let search = || fer(folder, &[&SEARCH[..], &["--out", "s"]].concat());
    succeeds(search());
    let replaced = ["s/trials.csv", "s/importances.csv", "s/network.json", "s/best.toml", "s/result.json"];
    nothing_else_is_accepted(folder, &replaced, search, &["a link", "a folder", "a pipe"]);
    let in_place = ["s/study.db", "s/study.db-wal", "s/search.lock"];
    nothing_else_is_accepted(folder, &in_place, search, &["a link", "a folder", "a pipe", "a hard link"]);
    fs::create_dir_all(folder.join("outside")).unwrap();
    for name in ["s/checkpoints", "s/best-0"] {
        symlink(folder.join("outside"), folder.join(name)).unwrap();
        refused(search(), &[name, "is a link, expected a folder"]);
        fs::remove_file(folder.join(name)).unwrap();
    }
    // A folder that only looks like that of a process, or of a trial, is nobody's to remove.
    let own =
        ["s/checkpoints/process-notes/text", "s/checkpoints/trial-7/text", "s/checkpoints/process-1-a/text"];
    for path in own.map(|path| folder.join(path)) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    succeeds(search());
    for path in own {
        assert_eq!(fs::read(folder.join(path)).unwrap(), b"mine", "{path}");
    }
}

#[test]
fn a_study_is_resumed_only_with_files_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let study = |extra: &[&str]| {
        let arguments = ["study", "--only", "explore", "--out", "s"];
        fer(folder, &[&arguments[..], extra].concat())
    };
    succeeds(study(&["--limit", "70"]));
    let resume = || study(&["--resume"]);
    nothing_else_is_accepted(folder, &["s/study.toml"], resume, &["a link"]);
    let files = ["s/measures.csv", "s/report.html", "s/report.md"];
    nothing_else_is_accepted(folder, &files, resume, &["a link", "a folder", "a pipe"]);
    fs::create_dir_all(folder.join("outside/cnn1")).unwrap();
    for name in ["s/fnn", "s/search", "s/augment"] {
        symlink(folder.join("outside"), folder.join(name)).unwrap();
        refused(resume(), &[name, "is a link, expected a folder"]);
        fs::remove_file(folder.join(name)).unwrap();
    }
    fs::create_dir(folder.join("s/cnn")).unwrap();
    symlink(folder.join("outside/cnn1"), folder.join("s/cnn/cnn1")).unwrap();
    refused(resume(), &["s/cnn/cnn1 is a link"]);
    fs::remove_file(folder.join("s/cnn/cnn1")).unwrap();
    fs::write(folder.join("s/cnn/notes.txt"), "mine").unwrap();
    succeeds(resume());
}

#[test]
fn the_name_of_a_network_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("a/b");
    fs::create_dir_all(&work).unwrap();
    let names = ["../../escaped", "", ".", "..", "/tmp/escaped", "a/b", "a\\b", ".hidden", "a."];
    let train = ["train", "x.json", "--epochs", "1", "--limit", "70"];
    // No network may have these, wherever its run is kept.
    let nowhere = ["a\u{1b}[2Jb", &"n".repeat(300)];
    for name in names.iter().chain(&nowhere) {
        let json = serde_json::to_string(name).unwrap();
        fs::write(work.join("x.json"), NETWORK.replace("\"tiny\"", &json)).unwrap();
        if nowhere.contains(name) {
            refused(
                fer(&work, &[&train[..], &["--run", "run"]].concat()),
                &["its name is longer than 200 bytes or contains a control character"],
            );
        } else {
            refused(fer(&work, &train), &["cannot name a file", "--run DIR"]);
        }
        assert_eq!(content(folder.path()).len(), 1, "{name:?}");
    }
    fs::write(work.join("x.json"), NETWORK.replace("tiny", "a/b")).unwrap();
    succeeds(fer(&work, &[&train[..], &["--run", "run"]].concat()));
    assert!(work.join("run/result.json").is_file());
}

#[test]
fn what_is_no_free_folder_is_told_truly() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("file"), "mine").unwrap();
    fs::write(folder.join("tiny.json"), NETWORK).unwrap();
    for arguments in [
        &["train", "tiny.json", "--run", "file"][..],
        &["search", "--out", "file"],
        &["search", "--resume", "--out", "file"],
        &["study", "--out", "file"],
    ] {
        refused(fer(folder, arguments), &["file is not a folder"]);
    }
    refused(fer(folder, &["train", "tiny.json", "--run", "file/run"]), &["file/run: Not a directory"]);
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"mine");
}

#[test]
fn who_loses_the_lock_stops() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("tiny.json"), NETWORK).unwrap();
    let train = ["train", "tiny.json", "--epochs", "1000000", "--limit", "70", "--run", "run"];
    let said = fs::File::create(folder.join("said")).unwrap();
    let mut first = fer(folder, &train).stdout(Stdio::null()).stderr(said).spawn().unwrap();
    let begin = Instant::now();
    while fs::read(folder.join("run/metrics.csv")).unwrap_or_default().split(|&b| b == b'\n').count() < 3 {
        assert!(begin.elapsed() < Duration::from_secs(120), "no epoch");
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::remove_file(folder.join("run/run.lock")).unwrap();
    let mut second = fer(folder, &RESUME).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = end_before(&mut first, Instant::now() + Duration::from_secs(120));
    let said = fs::read_to_string(folder.join("said")).unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(1), "{said}");
    assert!(said.contains("run.lock was removed or replaced"), "{said}");
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn a_run_is_continued_with_the_instruction_set_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("tiny.json"), NETWORK).unwrap();
    let with = |isa: Option<&str>, arguments: &[&str]| {
        let mut command = fer(folder, arguments);
        match isa {
            Some(isa) => command.env("NN_ISA", isa),
            None => command.env_remove("NN_ISA"),
        };
        command
    };
    succeeds(with(Some("portable"), &TRAIN));
    fs::remove_file(folder.join("run/result.json")).unwrap();
    let environment = fs::read_to_string(folder.join("run/env.json")).unwrap();
    assert!(environment.contains("\"instruction_set\": \"portable\""), "{environment}");
    if *nn_core::kernels::Isa::available().last().unwrap() != nn_core::kernels::Isa::Portable {
        let weights = || fs::read(folder.join("run/last.safetensors")).unwrap();
        let before = weights();
        refused(with(None, &RESUME), &["begun with the instruction set portable", "NN_ISA=portable"]);
        assert!(weights() == before && !folder.join("run/result.json").exists());
    }
    succeeds(with(Some("portable"), &RESUME));
    // One that this machine does not have cannot be asked for.
    let other = if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" };
    fs::remove_file(folder.join("run/result.json")).unwrap();
    fs::write(folder.join("run/env.json"), environment.replace("portable", other)).unwrap();
    let text = succeeds(with(None, &RESUME));
    assert!(
        text.contains(&format!("warning: the run in run was begun with the instruction set {other}")),
        "{text}"
    );
}

#[test]
fn a_file_that_is_none_is_told_at_once() {
    let folder = with_run();
    let folder = folder.path();
    let elsewhere = folder.join("elsewhere");
    let commands: [(&str, &[&str]); 9] = [
        ("run/network.json", &["eval", "run"]),
        ("run/network.json", &["runs", "show", "run"]),
        ("run/transform.json", &["eval", "run"]),
        ("run/config.toml", &["eval", "run"]),
        ("run/config.toml", &["runs", "show", "run"]),
        ("run/result.json", &["runs", "show", "run"]),
        ("run/env.json", &["runs", "show", "run"]),
        ("run/metrics.csv", &["runs", "show", "run"]),
        ("tiny.json", &["train", "tiny.json", "--run", "new"]),
    ];
    for (file, arguments) in commands {
        let path = folder.join(file);
        fs::rename(&path, &elsewhere).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let limited = || {
            let mut command = Command::new("sh");
            command.args(["-c", "ulimit -v 3000000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fer")]);
            command.args(arguments).current_dir(folder).env_remove("FER_DATA").env("RAYON_NUM_THREADS", "2");
            command
        };
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        refused(limited(), &[name, "is a pipe, expected a regular file"]);
        fs::remove_file(&path).unwrap();
        symlink("/dev/zero", &path).unwrap();
        refused(limited(), &[name, "is a device, expected a regular file"]);
        fs::remove_file(&path).unwrap();
        // Its length is said to be 0.
        symlink("/proc/self/status", &path).unwrap();
        refused(limited(), &[name]);
        fs::remove_file(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(5 << 30).unwrap();
        refused(limited(), &[name, "MiB"]);
        fs::remove_file(&path).unwrap();
        fs::rename(&elsewhere, &path).unwrap();
    }
}
