//! Each file of a run, damaged in each way: the other runs are listed, compared and reported all the same, and the
//! damaged one is named with its reason.

mod program;

use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use program::fer;

const NETWORK: &str = r#"{"name": "tiny", "input_shape": [48, 48, 1], "layers": [
    {"class_name": "Conv2D", "config": {"filters": 4, "kernel_size": 5, "strides": 3, "activation": "relu"}},
    {"class_name": "Flatten", "config": {}},
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;

/// A folder with the finished runs `good` and `hit`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.json"), NETWORK).unwrap();
    for (run, seed) in [("runs/good", "1"), ("runs/hit", "2")] {
        let settings = ["--epochs", "2", "--limit", "70", "--seed", seed, "--run", run];
        let output = run_fer(folder.path(), &[&["train", "tiny.json"][..], &settings].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    folder
}

fn run_fer(folder: &Path, arguments: &[&str]) -> Output {
    fer(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What must be so of every command, whatever it was given.
#[track_caller]
fn is_orderly(output: &Output, what: &str) -> String {
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{what}: {:?}: {said}", output.status);
    for word in ["panicked", "Some(", "Array [", "invalid type", "expected value", "\u{1b}"] {
        assert!(!said.contains(word), "{what}: {word:?} is in: {said}");
    }
    let longest = said.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    assert!(longest < 70, "{what}: a number of {longest} digits in: {said}");
    said
}

/// Tries every command on the runs `good` and `hit`, the second of which lacks nothing, or is damaged in `file`.
fn try_all(folder: &Path, file: &str, what: &str) {
    let list = run_fer(folder, &["runs", "list", "--json"]);
    is_orderly(&list, what);
    let rows: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
    let states: Vec<_> = rows.iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), states[0]), (2, "finished"), "{what}");
    let damaged = states[1] == "damaged";
    if damaged {
        assert!(rows[1]["problem"].as_str().unwrap().contains(file), "{what}: {}", rows[1]);
        assert!(text(&list.stderr).contains(file), "{what}: {}", text(&list.stderr));
    }
    if damaged {
        let show = run_fer(folder, &["runs", "show", "runs/hit"]);
        is_orderly(&show, what);
        assert!(!show.status.success(), "{what}: {}", text(&show.stdout));
        let compare = run_fer(folder, &["runs", "compare", "runs/good", "runs/hit"]);
        let said = is_orderly(&compare, what);
        let shows = said.contains("test accuracy") && said.contains("good") && said.contains(file);
        assert!(compare.status.success() && shows, "{what}: {said}");
    }

    // Pictures of errors are what predictions are for; without them no faces are drawn.
    let errors = if file == "predictions.csv" { "3" } else { "0" };
    let report = run_fer(folder, &["report", "runs", "-o", "r.html", "--force", "--errors", errors]);
    let said = is_orderly(&report, what);
    assert!(report.status.success(), "{what}: {said}");
    let markdown = fs::read_to_string(folder.join("r.md")).unwrap();
    assert!(markdown.contains("| good | tiny |"), "{what}: {markdown}");
    // Only the report builds the network, so it may find more that is damaged.
    let told = said.contains(file) && markdown.contains("### Damaged");
    let shown = markdown.contains("| hit | ");
    assert!(told || shown && !damaged, "{what}: {said} {markdown}");
    assert!(!damaged || !shown, "{what}: {markdown}");
    assert!(markdown.len() < 100_000, "{what}: the report has {} bytes", markdown.len());
}

/// Texts in the place of a file, each of another kind.
const CONTENTS: [(&str, &[u8]); 14] = [
    ("nothing", b""),
    ("a line break", b"\n"),
    ("no text", b"\xff\xfe\x00\x01"),
    ("NUL", b"\0\0\0\0"),
    ("a list", b"[1, 2, [3]]"),
    ("a number", b"1e999"),
    ("a name", b"name"),
    ("deep", &[b'['; 100_000]),
    ("half an object", b"{\"params\": 12, \"epochs\""),
    ("an object of other kinds", b"{\"params\": \"many\", \"name\": 7, \"images\": [1, 2], \"layers\": {}}"),
    ("huge numbers", b"{\"params\": 18446744073709551616, \"test_acc\": 1e300, \"seconds\": -1e308}"),
    ("another table", b"a,b\n1,2\n"),
    ("a short line", b"epoch,accuracy,loss,val_accuracy,val_loss,seconds\n0,0.5\n"),
    ("a long line", b"index,label,predicted,p_a\n0,0,0,0.5,0.25,0.25\n"),
];

/// The files that lists, comparisons and reports read.
const READ: [&str; 7] = [
    "network.json",
    "result.json",
    "config.toml",
    "env.json",
    "metrics.csv",
    "confusion.csv",
    "predictions.csv",
];

/// Damage that only the file of that name can have.
const OF_A_FILE: [(&str, &str); 23] = [
    ("network.json", r#"{"name": "t", "input_shape": [48, 48, 1], "layers": []}"#),
    (
        "network.json",
        r#"{"name": "t", "input_shape": [0], "layers": [{"class_name": "Flatten", "config": {}}]}"#,
    ),
    (
        "network.json",
        r#"{"name": "t", "input_shape": [4], "layers": [{"class_name": "Nothing", "config": {}}]}"#,
    ),
    ("result.json", r#"{"test_acc": 1e300, "val_acc": 0.5}"#),
    ("result.json", r#"{"test_acc": -0.5}"#),
    ("result.json", r#"{"epochs": 18446744073709551615, "params": 18446744073709551615, "seconds": 1e308}"#),
    ("result.json", r#"{"train_loss": 1e308, "val_loss": -1e308, "test_loss": null}"#),
    ("env.json", r#"{"images": [18446744073709551615, 0, 0], "threads": 18446744073709551615}"#),
    ("env.json", r#"{"images": [28709, 3589]}"#),
    ("config.toml", "lr = = 1"),
    ("config.toml", "lr = 1e300\nepochs = 9223372036854775807\n"),
    (
        "metrics.csv",
        "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n18446744073709551615,0.5,1,0.5,1,1\n",
    ),
    ("metrics.csv", "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n0,0.5,1,1e300,1,1\n"),
    ("metrics.csv", "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n1,0.5,1,0.5,1,1\n0,0.5,1,0.5,1,1\n"),
    (
        "metrics.csv",
        "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n0,NaN,inf,NaN,-inf,-5\n1,nan,1e308,,-1e308,1e308\n",
    ),
    ("metrics.csv", "epoch,accuracy,loss,val_accuracy,val_loss,seconds\n0,0.5,1,0.5,1,1,7,8\n"),
    ("confusion.csv", "label,a,b\na,1,2\n"),
    ("confusion.csv", "label,a,b\na,1,2\nb,3,4\n"),
    ("confusion.csv", "label\n"),
    ("confusion.csv", "label,a,b\na,18446744073709551615,18446744073709551615\nb,18446744073709551615,1\n"),
    ("predictions.csv", "index,label,predicted,p_a,p_b\n0,0,1,0.5,NaN\n"),
    ("predictions.csv", "index,label,predicted,p_a,p_b\n1e18,0,1,0.5,0.5\n0,9,9,0.5,0.5\n"),
    (
        "predictions.csv",
        "index,label,predicted,p_a,p_b,p_c,p_d,p_e,p_f,p_g\n0,0,1,.1,.1,.1,.1,.1,.1,.1,.1,.1,.1\n",
    ),
];

#[test]
fn a_damaged_run_does_not_hide_the_others() {
    let folder = folder();
    let folder = folder.path();
    let run = folder.join("runs/hit");
    let mut files: Vec<_> = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.retain(|name| run.join(name).is_file());
    files.sort();
    assert!(files.len() > 9, "{files:?}");
    try_all(folder, "", "whole");
    for name in files.iter().map(|name| name.to_str().unwrap()) {
        let path = run.join(name);
        let whole = fs::read(&path).unwrap();
        let own =
            OF_A_FILE.into_iter().filter(|(file, _)| *file == name).map(|(_, text)| ("own", text.as_bytes()));
        let cut =
            [("cut", &whole[..whole.len() / 2]), ("cut at the end", &whole[..whole.len().saturating_sub(2)])];
        // Of a file that no report reads a few damages are enough.
        let is_read = READ.contains(&name);
        let contents = if is_read { &CONTENTS[..] } else { &CONTENTS[..1] };
        for (what, content) in contents.iter().copied().chain(own).chain(cut) {
            fs::write(&path, content).unwrap();
            try_all(
                folder,
                name,
                &format!("{name}, {what}: {}", String::from_utf8_lossy(&content[..content.len().min(90)])),
            );
        }
        fs::remove_file(&path).unwrap();
        try_all(folder, "network.json", &format!("{name} is missing"));
        fs::create_dir(&path).unwrap();
        try_all(folder, name, &format!("{name} is a folder"));
        fs::remove_dir(&path).unwrap();
        #[cfg(unix)]
        for target in ["/dev/zero", "/proc/self/status", "nowhere", name].into_iter().filter(|_| is_read) {
            std::os::unix::fs::symlink(target, &path).unwrap();
            try_all(folder, "hit", &format!("{name} is a link to {target}"));
            fs::remove_file(&path).unwrap();
        }
        #[cfg(unix)]
        {
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            try_all(folder, name, &format!("{name} is a pipe"));
            fs::remove_file(&path).unwrap();
        }
        fs::write(&path, &whole).unwrap();
    }
    try_all(folder, "", "whole again");
}

/// What asks for more memory than there is.
#[test]
fn a_network_of_any_size_does_not_hide_the_others() {
    let folder = folder();
    let folder = folder.path();
    let path = folder.join("runs/hit/network.json");
    let whole = fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("\"filters\": 4", "\"filters\": 9007199254740992"),
        ("\"filters\": 4", "\"filters\": 1000000000"),
        ("\"units\": 7", "\"units\": 18446744073709551615"),
        ("\"units\": 7", "\"units\": 1000000000"),
        (
            "\"kernel_size\": [\n          5,\n          5",
            "\"kernel_size\": [\n          5,\n          18446744073709551615",
        ),
    ] {
        assert!(whole.contains(from), "{from} is not in {whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        try_all(folder, "network.json", to);
        assert!(fs::read_to_string(folder.join("r.md")).unwrap().contains("### Damaged"), "{to}");
    }
}
