//! Runs that are killed, interrupted or damaged, and resumed: through the binary, compared with a run in one go.

#![cfg(unix)]

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nn_core::rng::{Purpose, Stream};
use sha2::{Digest, Sha256};

use program::end_before;

/// Batch normalisation, dropout and a penalty, trained in a moment.
const NETWORK: &str = r#"{"name": "tiny", "input_shape": [48, 48, 1], "layers": [
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 5, "strides": 3}},
    {"class_name": "BatchNormalization", "config": {}},
    {"class_name": "Activation", "config": {"activation": "relu"}},
    {"class_name": "MaxPooling2D", "config": {"pool_size": 2}},
    {"class_name": "Flatten", "config": {}},
    {"class_name": "Dropout", "config": {"rate": 0.1}},
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax", "kernel_regularizer": {"l2": 1e-4}}}]}"#;

/// 7 steps in each of 12 epochs, and early stopping in wait.
const TRAIN: [&str; 12] = [
    "train",
    "tiny.json",
    "--epochs",
    "12",
    "--batch",
    "32",
    "--limit",
    "210",
    "--patience",
    "8",
    "--run",
    "run",
];
const RESUME: [&str; 4] = ["train", "--resume", "--run", "run"];
/// After every step.
const OFTEN: [&str; 2] = ["--checkpoint-minutes", "0"];

/// A `fer` command that says nothing.
fn fer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = program::fer(folder, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn output(mut command: Command) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stderr), String::from_utf8_lossy(&stdout));
    assert!(!text.contains("panicked"), "{text}");
    (status.code(), text)
}

#[track_caller]
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let (code, text) = output(fer(folder, arguments));
    assert_eq!(code, Some(0), "{arguments:?}: {text}");
    text
}

#[track_caller]
fn fails(command: Command, code: i32, fragments: &[&str]) {
    let (got, text) = output(command);
    assert_eq!(got, Some(code), "{text}");
    for fragment in fragments {
        assert!(text.contains(fragment), "{fragment:?} is not in: {text}");
    }
}

fn folder_with_network() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.json"), NETWORK).unwrap();
    folder
}

/// What must not depend on interruptions: checksums of the weights, the log without times, the result without its time.
fn left(run: &Path) -> Vec<String> {
    let sha256 = |file: &str| format!("{file} {:?}", Sha256::digest(fs::read(run.join(file)).unwrap()));
    let mut left = vec![sha256("last.safetensors"), sha256("best.safetensors"), sha256("predictions.csv")];
    let log = fs::read_to_string(run.join("metrics.csv")).unwrap();
    left.extend(log.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned()));
    let result = fs::read_to_string(run.join("result.json")).unwrap();
    left.extend(result.lines().filter(|line| !line.contains("seconds")).map(str::to_owned));
    left
}

/// What a run in one go leaves, and how long it takes.
fn in_one_go() -> (Vec<String>, Duration) {
    let folder = folder_with_network();
    let start = Instant::now();
    succeeds(folder.path(), &[&TRAIN[..], &OFTEN].concat());
    (left(&folder.path().join("run")), start.elapsed())
}

fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(run.join("checkpoints")) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    files
}

/// Starts a run, sends it a signal when it has two checkpoints, and returns its exit code.
fn interrupted(folder: &Path, arguments: &[&str], signal: &str) -> Option<i32> {
    let mut child = fer(folder, arguments).spawn().unwrap();
    wait_until(|| checkpoints(&folder.join("run")).len() >= 2);
    kill(&child, signal);
    child.wait().unwrap().code()
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < deadline, "two minutes were not enough");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_run_that_is_killed_at_random_moments_ends_with_the_same_bits() {
    const KILLS: usize = 50;
    let (expected, time) = in_one_go();
    // On a busy machine most of the time would be waiting.
    let time = time.min(Duration::from_millis(1500));
    let mut stream = Stream::new(2013, Purpose::Subset, 0, 0);
    let (mut kills, mut finished) = (0, 0);
    while kills < KILLS {
        let folder = folder_with_network();
        let run = folder.path().join("run");
        loop {
            // Killed before it had a file, a run has not begun.
            let begun = run.join("config.toml").exists();
            let arguments = if begun { &RESUME[..] } else { &TRAIN[..] };
            let mut child =
                fer(folder.path(), &[arguments, &OFTEN].concat()).stderr(Stdio::piped()).spawn().unwrap();
            let moment = Instant::now() + time.mul_f64(if kills < KILLS { stream.unit() } else { 1e3 });
            match end_before(&mut child, moment) {
                Some(status) if status.success() => break,
                Some(status) => {
                    let text = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
                    panic!("after {kills} kills: {status}: {text}");
                }
                None => kills += 1,
            }
        }
        assert_eq!(left(&run), expected, "after {kills} kills");
        let files: Vec<_> = fs::read_dir(&run).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(files.iter().all(|name| !name.to_string_lossy().contains("tmp")), "{files:?}");
        finished += 1;
    }
    println!("{kills} kills, {finished} runs");
}

#[test]
fn an_interrupted_run_exits_with_130_and_goes_on_with_other_threads() {
    let (expected, _) = in_one_go();
    for (signal, threads) in [("-INT", "1"), ("-TERM", "3")] {
        let folder = folder_with_network();
        let folder = folder.path();
        assert_eq!(interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), signal), Some(130));
        let run = folder.join("run");
        assert!(!run.join("result.json").exists());
        let config = fs::read(run.join("config.toml")).unwrap();
        // The settings are the run's: not those of the environment, not a file that has changed.
        fs::remove_file(folder.join("tiny.json")).unwrap();
        let mut resume = fer(folder, &[&RESUME[..], &["--threads", threads]].concat());
        resume.env("FER_EPOCHS", "3").env("FER_SEED", "5").env("FER_DATA", "nowhere");
        let (code, text) = output(resume);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("resuming in epoch"), "{text}");
        assert_eq!(left(&run), expected);
        assert_eq!(fs::read(run.join("config.toml")).unwrap(), config);

        let result = fs::read_to_string(run.join("result.json")).unwrap();
        let again = succeeds(folder, &[&RESUME[..], &["--json"]].concat());
        assert!(again.contains("the run in run is finished") && again.contains(result.trim()), "{again}");
    }
}

#[test]
fn the_time_of_all_parts_adds_up() {
    let folder = folder_with_network();
    let folder = folder.path();
    interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), "-INT");
    let newest = checkpoints(&folder.join("run")).pop().unwrap();
    let state = nn_core::train::TrainingState::<f32>::load(&newest).unwrap();
    // Epochs before the checkpoint keep the time that they took.
    let seconds = |line: &str| line.rsplit_once(',').unwrap().1.to_owned();
    succeeds(folder, &RESUME);
    let log = fs::read_to_string(folder.join("run/metrics.csv")).unwrap();
    for (line, epoch) in log.lines().skip(1).zip(state.history()) {
        assert_eq!(seconds(line), format!("{:.3}", epoch.seconds));
    }
    let sum: f64 = log.lines().skip(1).map(|line| seconds(line).parse::<f64>().unwrap()).sum();
    let result: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run/result.json")).unwrap()).unwrap();
    // Each line is rounded to a millisecond.
    assert!(result["seconds"].as_f64().unwrap() >= sum - 0.012, "{result} {log}");
}

#[test]
fn damaged_checkpoints_are_passed_over_and_named() {
    let (expected, _) = in_one_go();
    let folder = folder_with_network();
    let folder = folder.path();
    assert_eq!(interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), "-INT"), Some(130));
    let files = checkpoints(&folder.join("run"));
    assert_eq!(files.len(), 2);
    let good: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let name = |i: usize| files[i].file_name().unwrap().to_str().unwrap();

    let log = fs::read(folder.join("run/metrics.csv")).unwrap();
    files.iter().for_each(|file| fs::write(file, "").unwrap());
    fails(fer(folder, &RESUME), 1, &["no usable checkpoint", name(0), name(1)]);
    assert_eq!(
        fs::read(folder.join("run/metrics.csv")).unwrap(),
        log,
        "what cannot be resumed is left as it is"
    );

    fs::write(&files[0], &good[0]).unwrap();
    let mut flipped = good[1].clone();
    flipped[good[1].len() / 2] ^= 4;
    fs::write(&files[1], flipped).unwrap();
    let text = succeeds(folder, &RESUME);
    assert!(text.contains("warning") && text.contains(name(1)) && !text.contains(name(0)), "{text}");
    assert_eq!(left(&folder.join("run")), expected);
}

#[test]
fn only_one_process_writes_a_run() {
    let folder = folder_with_network();
    let folder = folder.path();
    let forever: Vec<_> = TRAIN.iter().map(|&a| if a == "12" { "1000000" } else { a }).collect();
    let forever: Vec<_> = forever.into_iter().filter(|&a| a != "--patience" && a != "8").collect();
    let mut first = fer(folder, &[&forever[..], &OFTEN].concat()).spawn().unwrap();
    wait_until(|| checkpoints(&folder.join("run")).len() >= 2);
    let process = format!("process {}", first.id());
    fails(fer(folder, &RESUME), 1, &["run is in use by", &process]);
    fails(fer(folder, &TRAIN), 1, &["never overwritten"]);
    first.kill().unwrap();
    first.wait().unwrap();
    // A dead process holds no lock, though its lock file is still there.
    assert!(folder.join("run/run.lock").exists());
    let mut second = fer(folder, &RESUME).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(second.stderr.take().unwrap()).lines();
    let said: Vec<_> =
        lines.map(Result::unwrap).take_while(|line| !line.contains("resuming in epoch")).collect();
    second.kill().unwrap();
    second.wait().unwrap();
    assert!(said.iter().any(|line| line.contains("run folder: run")), "{said:?}");
}

#[test]
fn a_full_disk_is_an_error_that_leaves_the_last_checkpoint() {
    let (expected, _) = in_one_go();
    let folder = folder_with_network();
    let folder = folder.path();
    assert_eq!(interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), "-INT"), Some(130));
    let before = checkpoints(&folder.join("run"));
    // The limit on the size of files acts like a full disk: a checkpoint of this network has some 20 kB.
    assert!(before.iter().all(|file| file.metadata().unwrap().len() > 10_240));
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 20; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_fer")]);
    limited.args(RESUME).args(OFTEN).current_dir(folder);
    fails(limited, 1, &["checkpoints", ".safetensors", "too large"]);
    assert_eq!(checkpoints(&folder.join("run")), before);
    succeeds(folder, &RESUME);
    assert_eq!(left(&folder.join("run")), expected);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder_with_network();
    let folder = folder.path();
    assert_eq!(interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), "-INT"), Some(130));
    let run = folder.join("run");
    for path in [run.join("checkpoints"), run.clone()] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
        if fs::write(path.join("probe"), "").is_ok() {
            println!("skipped: a_folder_that_cannot_be_written_is_an_error (needs a user other than root)");
            return;
        }
        fails(fer(folder, &[&RESUME[..], &OFTEN].concat()), 1, &["run", "denied"]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    succeeds(folder, &RESUME);
}

#[test]
fn what_cannot_be_resumed_is_refused() {
    let folder = folder_with_network();
    let folder = folder.path();
    let with = |extra: &[&'static str]| fer(folder, &[&RESUME[..], extra].concat());
    fails(fer(folder, &["train", "--resume"]), 2, &["--run"]);
    fails(with(&[]), 1, &["run holds no run to resume"]);
    fails(fer(folder, &[&TRAIN[..], &["--checkpoint-minutes=-1"]].concat()), 2, &["at least 0"]);
    fails(fer(folder, &[&TRAIN[..], &["--checkpoint-minutes", "nan"]].concat()), 2, &["at least 0"]);
    assert_eq!(interrupted(folder, &[&TRAIN[..], &OFTEN].concat(), "-INT"), Some(130));
    for setting in
        [&["--epochs", "3"][..], &["--seed", "1"], &["tiny.json"], &["--config", "run/config.toml"]]
    {
        fails(with(setting), 2, &["--resume", "does not go with it"]);
    }
    fails(fer(folder, &["finetune", "--resume", "--run", "run"]), 1, &["fer train"]);
    // The run of another configuration: its checkpoints do not fit.
    let config = fs::read_to_string(folder.join("run/config.toml")).unwrap();
    let log = fs::read(folder.join("run/metrics.csv")).unwrap();
    for (from, to, fragment) in [
        ("batch = 32", "batch = 16", "batch_size"),
        ("limit = 210", "limit = 140", "210"),
        ("seed = 0", "seed = 1", "seed"),
        ("optimizer = \"adam\"", "optimizer = \"sgd\"", "optimiser"),
    ] {
        assert!(config.contains(from), "{config}");
        fs::write(folder.join("run/config.toml"), config.replace(from, to)).unwrap();
        fails(with(&[]), 1, &["cannot continue", fragment]);
        assert_eq!(fs::read(folder.join("run/metrics.csv")).unwrap(), log);
    }
}

#[test]
fn fine_tuning_can_be_resumed() {
    let arguments = [
        "finetune",
        "ft2",
        "--weights",
        "random",
        "--limit",
        "70",
        "--epochs",
        "4",
        "--cache",
        "cache",
        "--run",
        "run",
    ];
    let folder = tempfile::tempdir().unwrap();
    let once = folder.path().join("once");
    let parts = folder.path().join("parts");
    fs::create_dir_all(&once).unwrap();
    fs::create_dir_all(&parts).unwrap();
    succeeds(&once, &arguments);
    let mut child = fer(&parts, &arguments).spawn().unwrap();
    wait_until(|| !checkpoints(&parts.join("run")).is_empty());
    kill(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    succeeds(&parts, &["finetune", "--resume", "--run", "run", "--no-cache"]);
    assert_eq!(left(&parts.join("run")), left(&once.join("run")));
}
