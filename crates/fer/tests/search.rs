//! `fer search` from end to end, through the binary.

mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tpe::storage::{Sqlite, Storage};

use nn_core::rng::{Purpose, Stream};

use program::{end_despite_kills, fer};

/// A search that takes a moment: `arguments` are separated by spaces.
fn search(folder: &Path, arguments: &str) -> Command {
    let arguments: Vec<_> = ["search", "--limit", "30"].into_iter().chain(arguments.split(' ')).collect();
    fer(folder, &arguments)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn keys(value: &Value) -> String {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys.join(" ")
}

/// The columns of `trials.csv` that do not depend on the time of day.
fn trials(folder: &Path) -> Vec<String> {
    let csv = fs::read_to_string(folder.join("trials.csv")).unwrap();
    let timeless = |line: &str| {
        let cells: Vec<_> =
            line.split(',').enumerate().filter(|(i, _)| *i != 8).map(|(_, cell)| cell).collect();
        cells.join(",")
    };
    csv.lines().map(timeless).collect()
}

#[test]
fn a_search_leaves_its_trials_and_a_network_that_can_be_trained() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let output = search(folder, "--trials 3 --epochs 1 --retrain 2 --json").output().unwrap();
    let result = json(&output);
    assert_eq!(
        keys(&result),
        "batch best epochs importances pruner published retrained sampler seconds seed study test_acc trials \
         unweighed_trials"
    );
    let rows = result["trials"].as_array().unwrap();
    assert_eq!(
        keys(&rows[0]),
        "activation_fn conv_kernel_size dropout_prob epochs failure optimizer repeats seconds seed status trial val_acc"
    );
    for (number, row) in rows.iter().enumerate() {
        assert_eq!((&row["trial"], &row["status"]), (&number.into(), &"complete".into()));
        assert!([1, 3, 5].map(Value::from).contains(&row["conv_kernel_size"]), "{row}");
        assert!((0.1..=0.35).contains(&row["dropout_prob"].as_f64().unwrap()), "{row}");
    }
    assert_eq!((rows.len(), &result["published"]), (3, &Value::Null));
    assert_eq!(
        result["importances"],
        serde_json::json!([]),
        "three trials tell of no parameter that it matters"
    );
    let best = rows.iter().map(|row| row["val_acc"].as_f64().unwrap()).fold(0.0, f64::max);
    assert_eq!(result["best"]["val_acc"], best);

    let out = folder.join("runs/search");
    let stored: Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    assert_eq!(stored, result);
    assert_eq!(
        (trials(&out).len(), fs::read_to_string(out.join("importances.csv")).unwrap().lines().count()),
        (4, 1)
    );
    let stderr = text(&output.stderr);
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("trial ")).collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains("best: ")), "{stderr}");

    // The runs of the best network are those that its configuration gives.
    let runs = result["retrained"].as_array().unwrap();
    let accuracies: Vec<_> = runs.iter().map(|run| run["test_acc"].as_f64().unwrap()).collect();
    assert_eq!((runs[0]["seed"].clone(), runs[1]["seed"].clone()), (0.into(), 1.into()));
    assert!(
        (result["test_acc"]["mean"].as_f64().unwrap() - (accuracies[0] + accuracies[1]) / 2.0).abs() < 1e-12
    );
    let deviation = (accuracies[0] - accuracies[1]).abs() / 2f64.sqrt();
    assert!((result["test_acc"]["deviation"].as_f64().unwrap() - deviation).abs() < 1e-12);
    let train = ["train", "--config", "runs/search/best.toml", "--seed", "1", "--run", "again", "--json"];
    json(&fer(folder, &train).output().unwrap());
    let weights = |run: &str| fs::read(folder.join(run).join("last.safetensors")).unwrap();
    assert!(weights("again") == weights("runs/search/best-1"), "another network");
}

#[test]
fn a_resumed_search_equals_one_in_one_go_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let run = |arguments: &str| {
        let output =
            search(folder, &format!("--epochs 1 --retrain 0 --seed 3 {arguments}")).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(run("--out whole --trials 7 --threads 1").0, Some(0));
    assert_eq!(run("--out parts --trials 3 --threads 2").0, Some(0));
    for (arguments, fragments) in [
        ("--out parts --trials 7", ["parts", "--resume"]),
        ("--out parts --trials 7 --resume --epochs 2", ["epochs = 1", "not 2"]),
        ("--out parts --trials 7 --resume --sampler random", ["sampler = \"joint\"", "not \"random\""]),
        ("--out parts --trials 7 --resume --limit 40", ["batch = 30", "not 40"]),
        ("--out new --study parts/study.db", ["\"search\"", "3 trials"]),
    ] {
        // A flag given twice would be an error of usage.
        let flags = ["--epochs", "--limit"].map(|flag| arguments.contains(flag));
        let (epochs, limit) =
            (if flags[0] { "" } else { "--epochs 1 " }, if flags[1] { "" } else { "--limit 30 " });
        let line = format!("search {epochs}{limit}--retrain 0 --seed 3 {arguments}");
        let output = fer(folder, &line.split(' ').collect::<Vec<_>>()).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {stderr}");
        assert!(fragments.iter().all(|fragment| stderr.contains(fragment)), "{arguments}: {stderr}");
    }
    assert!(!folder.join("new").exists());
    let (code, stderr) = run("--out parts --trials 7 --threads 2 --resume");
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(stderr.lines().filter(|line| line.starts_with("trial ")).count(), 4, "{stderr}");
    assert_eq!(trials(&folder.join("whole")), trials(&folder.join("parts")));
    assert_eq!(trials(&folder.join("whole")).len(), 8);
}

#[test]
fn two_processes_share_a_study_without_repeating_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let line = "--epochs 1 --trials 4 --study shared.journal --resume --threads 1 --retrain 0 --json";
    let spawn = || search(folder, line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let outputs = [spawn(), spawn()].map(|child| child.wait_with_output().unwrap());
    let mut numbers: Vec<u64> = Vec::new();
    for output in &outputs {
        let result = json(output);
        let rows = result["trials"].as_array().unwrap();
        assert!(rows.iter().map(|row| row["trial"].as_u64().unwrap()).eq(0..4), "{rows:?}");
        assert!(rows.iter().all(|row| row["status"] == "complete"), "{rows:?}");
        let stderr = text(&output.stderr);
        let lines = stderr
            .lines()
            .filter_map(|line| line.strip_prefix("trial ")?.split(':').next()?.parse::<u64>().ok());
        numbers.extend(lines);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3], "trials of both processes");
}

#[test]
fn trials_that_are_given_up_are_marked() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        search(folder.path(), "--epochs 2 --trials 6 --pruner halving --retrain 0 --json").output().unwrap();
    let result = json(&output);
    let rows = result["trials"].as_array().unwrap();
    let pruned: Vec<_> = rows.iter().filter(|row| row["status"] == "pruned").collect();
    assert!(!pruned.is_empty() && pruned.len() < 6, "{rows:?}");
    assert!(pruned.iter().all(|row| row["epochs"] == 1 && row["val_acc"].is_f64()), "{rows:?}");
    assert!(rows.iter().all(|row| row["status"] == "pruned" || row["epochs"] == 2), "{rows:?}");
    assert_eq!(text(&output.stderr).matches("given up after epoch 1").count(), pruned.len());
}

#[test]
fn fifteen_random_trials_of_hyperopt_say_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let output = search(folder.path(), "--epochs 1 --sampler hyperopt").output().unwrap();
    let stdout = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(stdout.contains("none of these 15 trials is a Bayesian step"), "{stdout}");
    assert_eq!(stdout.lines().filter(|line| line.ends_with(" |")).count(), 16, "{stdout}");
    // Published results on FER-2013 are not shown for drawn faces.
    assert!(!stdout.contains("study's"), "{stdout}");
    assert!(stdout.contains(" % (one seed)"), "{stdout}");
    let path = folder.path().join("runs/search/importances.csv");
    let mut csv = csv::Reader::from_path(&path).unwrap();
    let shares: Vec<(String, f64)> = csv.deserialize().map(Result::unwrap).collect();
    assert!(shares.len() == 4 && (shares.iter().map(|share| share.1).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(stdout.contains(&format!("importances (PED-ANOVA): {}", shares[0].0)), "{stdout}");
}

#[test]
fn three_trials_claim_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = search(folder.path(), "--trials 3 --epochs 1 --retrain 0").output().unwrap();
    let stdout = text(&output.stdout);
    assert!(stdout.contains("so none of these 3 trials is a Bayesian step"), "{stdout}");
    assert!(stdout.contains("importances: it takes 10 completed trials"), "{stdout}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_trial_is_repeated_from_where_it_was_left() {
    let whole = tempfile::tempdir().unwrap();
    let whole = json(&search(whole.path(), "--epochs 6 --trials 1 --retrain 0 --json").output().unwrap());
    for (signal, code) in [("-INT", Some(130)), ("-KILL", None)] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        // Nobody has to wait until the lease is over.
        let line = "--epochs 6 --trials 1 --lease 3600 --retrain 0 --json";
        let mut child = search(folder, line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let path = folder.join("runs/search/study.db");
        let begun = || -> Option<bool> {
            let storage = Sqlite::open(path.exists().then_some(&path)?).ok()?;
            let study = storage.study("search").ok()??;
            let trials = storage.trials(study.id, &Default::default()).ok()?;
            // The checkpoint of the first epoch is written before the second one is reported.
            Some(trials.first()?.intermediate.len() > 1)
        };
        let deadline = Instant::now() + Duration::from_secs(120);
        while begun() != Some(true) {
            assert!(Instant::now() < deadline, "no two epochs were finished in two minutes");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), code);
        let output = search(folder, &format!("{line} --resume")).output().unwrap();
        let (result, stderr) = (json(&output), text(&output.stderr));
        assert!(stderr.contains("trial 1, resuming in epoch"), "{signal}: {stderr}");
        assert!(!folder.join("runs/search/checkpoints").exists(), "what ended trials kept is removed");
        let rows = result["trials"].as_array().unwrap();
        assert_eq!(rows.len(), 2, "{rows:?}");
        assert_eq!(
            (&rows[0]["status"], &rows[1]["status"]),
            (&"repeated".into(), &"complete".into()),
            "{signal}"
        );
        assert!(rows[0]["epochs"].as_u64().unwrap() < 6 && rows[1]["epochs"] == 6, "{rows:?}");
        assert_eq!((&rows[1]["repeats"], &rows[1]["seed"]), (&0.into(), &rows[0]["seed"]));
        assert_eq!(rows[0]["dropout_prob"], rows[1]["dropout_prob"]);
        assert_eq!(rows[1]["val_acc"], whole["trials"][0]["val_acc"], "{signal}");
    }
}

/// What a search found: its complete trials without numbers and times, and the weights of its best network.
fn found(folder: &Path) -> (Vec<Value>, Vec<u8>) {
    let result = fs::read_to_string(folder.join("s/result.json")).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    let rows = result["trials"].as_array().unwrap();
    let complete = rows.iter().filter(|row| row["status"] == "complete").cloned().map(|mut row| {
        let row = row.as_object_mut().unwrap();
        ["trial", "repeats", "seconds"].iter().for_each(|name| drop(row.remove(*name)));
        Value::Object(row.clone())
    });
    (complete.collect(), fs::read(folder.join("s/best-1/last.safetensors")).unwrap())
}

#[test]
fn a_search_that_is_killed_at_random_moments_ends_like_one_in_one_go() {
    const KILLS: usize = 20;
    const SEARCH: &str = "--trials 8 --epochs 2 --seed 1 --lease 3600 --out s --resume";
    let once = tempfile::tempdir().unwrap();
    let start = Instant::now();
    json(&search(once.path(), &format!("{SEARCH} --json")).output().unwrap());
    let time = start.elapsed().div_f64(2.0);
    let expected = found(once.path());
    assert_eq!(expected.0.len(), 8);
    let mut stream = Stream::new(7, Purpose::Subset, 0, 0);
    let mut kills = 0;
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        end_despite_kills(|| search(folder.path(), SEARCH), time, &mut stream, &mut kills, KILLS);
        assert!(found(folder.path()) == expected, "after {kills} kills");
    }
}

/// The folder's files, with those in folders below.
fn listing(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.display().to_string()).collect()
}

#[test]
fn bad_input_is_refused_before_any_training() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("file"), "text").unwrap();
    fs::write(folder.join("text.db"), "this is no database at all, but a text of some length").unwrap();
    let space = tpe::Space::new([tpe::space::float("rate", 0.0, 1.0)]).unwrap();
    let storage = Sqlite::open(folder.join("other.db")).unwrap();
    let study = tpe::Study::builder(space).storage(storage).name("search").maximize().open().unwrap();
    study.optimize(1, |trial| Ok(trial.float("rate"))).unwrap();
    let space = tpe::Space::new([tpe::space::categorical("conv_kernel_size", [1, 3])]).unwrap();
    let storage = Sqlite::open(folder.join("narrow.db")).unwrap();
    let narrow = tpe::Study::builder(space).storage(storage).name("search").maximize().open().unwrap();
    narrow.optimize(1, |_| Ok(0.5)).unwrap();
    drop((study, narrow));
    let before = listing(folder);
    for (arguments, code, fragments) in [
        ("--trials 0", 2, &["trials = 0", "at least 1"][..]),
        ("--trials=-1", 2, &["--trials"]),
        ("--epochs 0", 2, &["epochs = 0"]),
        ("--batch 31", 2, &["batch = 31", "at most the 30 training images"]),
        ("--threads 0", 2, &["threads = 0"]),
        ("--lease 0", 2, &["lease = 0"]),
        ("--retrain 1001", 2, &["retrain = 1001"]),
        ("--seed 9223372036854775807", 2, &["seed", "9223372036854775807"]),
        ("--sampler annealing", 2, &["annealing", "hyperopt"]),
        ("--pruner medain", 2, &["medain", "median"]),
        ("--name=", 2, &["name = \"\""]),
        ("--data nowhere", 1, &["nowhere"]),
        ("--study study.xml", 2, &["study.xml", ".db"]),
        ("--study mysql://me:secret@host/db", 2, &["mysql://...", "postgresql://"]),
        ("--study text.db", 1, &["text.db", "not an SQLite database"]),
        ("--study nowhere/study.db", 1, &["nowhere"]),
        ("--study other.db --resume", 1, &["another space", "rate"]),
        ("--study narrow.db --resume", 1, &["another space", "conv_kernel_size"]),
        ("--study other.db", 1, &["exists already", "1 trials", "--resume"]),
        ("--out file", 1, &["file is not a folder"]),
        ("--out file/below", 1, &["file/below"]),
    ] {
        let output = search(folder, arguments).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("secret"), "{arguments}: {stderr}");
        assert!(fragments.iter().all(|fragment| stderr.contains(fragment)), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty() && !stderr.contains("trial 0"), "{arguments}: {stderr}");
        let _ = fs::remove_dir(folder.join("runs"));
        let new: Vec<_> = listing(folder).difference(&before).cloned().collect();
        assert!(
            new.iter().all(|file| file.ends_with("-wal") || file.ends_with("-shm")),
            "{arguments} left {new:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn a_folder_without_permission_is_refused_before_any_training() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(closed.join("probe"), "").is_ok() {
        println!(
            "skipped: a_folder_without_permission_is_refused_before_any_training (needs a user without privileges)"
        );
        return;
    }
    for out in ["closed", "closed/search"] {
        let output = search(folder.path(), &format!("--out {out} --study study.db")).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.contains("closed") && stderr.contains("ermission") && !stderr.contains("trial 0"),
            "{stderr}"
        );
    }
}

#[test]
fn optuna_opens_the_study() {
    let Ok(python) = std::env::var("OPTUNA_PYTHON") else {
        println!("skipped: optuna_opens_the_study (needs OPTUNA_PYTHON, a Python with optuna)");
        return;
    };
    const SCRIPT: &str = "
import json, optuna
study = optuna.load_study(study_name='search', storage='sqlite:///runs/search/study.db')
rows = [dict(t.params, trial=t.number, val_acc=t.value, status=t.state.name.lower(), seed=t.user_attrs['seed'],
             epochs=max(t.intermediate_values)) for t in study.trials]
print(json.dumps({'rows': rows, 'best': study.best_trial.number, 'direction': study.direction.name}))";
    let folder = tempfile::tempdir().unwrap();
    let line = "--epochs 2 --trials 4 --pruner halving --retrain 0 --json";
    let ours = json(&search(folder.path(), line).output().unwrap());
    let output =
        Command::new(python).args(["-W", "ignore", "-c", SCRIPT]).current_dir(folder.path()).output();
    let theirs = json(&output.unwrap());
    assert_eq!((&theirs["best"], &theirs["direction"]), (&ours["best"]["trial"], &"MAXIMIZE".into()));
    let rows = theirs["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for (theirs, ours) in rows.iter().zip(ours["trials"].as_array().unwrap()) {
        for (key, value) in theirs.as_object().unwrap() {
            assert_eq!(*value, ours[key], "{key}");
        }
    }
}
