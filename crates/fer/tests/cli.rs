//! `fer data` as its users meet it: output, exit codes, messages, files.

mod rows;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// `fer` with these arguments, and no data set in the environment.
fn fer(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    command.args(arguments).env_remove("FER_DATA");
    command
}

fn run(arguments: &[&str]) -> Output {
    fer(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// Checks the exit code, that stdout is empty and that stderr has all fragments.
fn fails(output: &Output, code: i32, fragments: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(output.stdout.is_empty());
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{stderr:?} lacks {fragment:?}");
    }
    assert!(!stderr.contains("panicked") && !stderr.contains('\u{1b}'), "{stderr}");
}

#[test]
fn stats_of_the_embedded_faces() {
    let output = run(&["data", "stats"]);
    assert!(output.status.success());
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(
        stdout.contains("| Surprise |")
            && stdout.contains("| total    |  2100 | 350 |  700 |  3150 | 100.0 % |")
    );
    assert!(stdout.contains("source       synthetic faces, seed 0\nfingerprint  "));
    assert_eq!(
        stderr,
        "no --data given: using the embedded synthetic faces (2100 train, 350 val, 700 test, seed 0)\n"
    );
    assert!(!stdout.contains('\u{1b}'));
}

#[test]
fn stats_as_json_with_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faces.csv");
    fs::write(&path, rows::single_file()).unwrap();
    let path = path.to_str().unwrap();
    let output = run(&["data", "stats", "--json", "--data", path, "--limit", "1"]);
    let stats = json(&output);
    assert_eq!(stats["source"]["kind"], "csv");
    assert_eq!(stats["source"]["paths"][0], path);
    assert_eq!(stats["splits"]["train"]["images"], 1);
    assert_eq!(stats["splits"]["val"]["counts"]["Fear"], 1);
    assert_eq!(stats["fingerprint"].as_str().unwrap().len(), 64);
    let first = &stats["warnings"][0];
    assert_eq!((&first["kind"], &first["found"]), (&"row_count".into(), &2.into()));
    assert_eq!(first["message"], "train has 2 rows; FER-2013 has 28709");
    assert!(text(&output.stderr).starts_with("warning: train has 2 rows; FER-2013 has 28709\n"));
    // The environment names the data just as well.
    let through_env =
        fer(&["data", "stats", "--json", "--limit", "1"]).env("FER_DATA", path).output().unwrap();
    assert_eq!(json(&through_env), stats);
}

#[test]
fn a_reader_that_stops_is_no_failure() {
    let mut child = fer(&["data", "stats"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!text(&output.stderr).contains("error"), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = fer(&["data", "stats"]).stdout(full).output().unwrap();
    fails(&output, 1, &["error: cannot write to stdout: No space left"]);
}

#[test]
fn wrong_usage_exits_with_2() {
    fails(&run(&[]), 2, &["Usage: fer"]);
    fails(&run(&["date"]), 2, &["unrecognized subcommand 'date'", "'data'"]);
    fails(&run(&["data", "stats", "--limit", "0"]), 2, &["--limit"]);
    fails(&run(&["data", "stats", "--limit=-3"]), 2, &["--limit"]);
    fails(&run(&["data", "preview"]), 2, &["--output"]);
    fails(&run(&["data", "preview", "-o", "x.png", "--split", "valid"]), 2, &["train", "val", "test"]);
    fails(&run(&["data", "preview", "-o", "x.png", "--per-class", "0"]), 2, &["1..=100"]);
    fails(&run(&["data", "synth", "-o", "x", "--train", "0"]), 2, &["--train"]);
}

#[test]
fn bad_data_exit_with_1_and_one_readable_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad faces é.csv");
    fs::write(&path, rows::single_file().replace("PrivateTest", "Tset")).unwrap();
    let output = run(&["data", "stats", "--data", path.to_str().unwrap()]);
    let expected =
        ["error: ", "bad faces é.csv, line 5: column \"Usage\": found \"Tset\"", "did you mean PrivateTest?"];
    fails(&output, 1, &expected);
    assert_eq!(text(&output.stderr).lines().count(), 1);
    let missing = run(&["data", "stats", "--data", "/nowhere/at all"]);
    fails(&missing, 1, &["error: /nowhere/at all: cannot be read: No such file or directory"]);
    let png = folder.path().join("out.png");
    let output = fer(&["data", "preview", "-o"]).arg(&png).arg("--data").arg(&path).output().unwrap();
    fails(&output, 1, &["line 5"]);
    assert!(!png.exists());
}

#[test]
fn preview_writes_a_png() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sheet.png");
    let output = fer(&["data", "preview", "--per-class", "3", "--split", "val", "--seed", "4", "-o"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stdout).trim_end(), path.to_str().unwrap());
    let sheet = image::open(&path).unwrap();
    assert!(sheet.width() > 3 * 144 && sheet.height() > 7 * 144);
    let nowhere = fer(&["data", "preview", "-o"]).arg(folder.path().join("no/folder.png")).output().unwrap();
    fails(&nowhere, 1, &["error: cannot write", "folder.png", "No such file or directory"]);
}

#[test]
fn synth_writes_what_stats_reads_and_replaces_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("new/set");
    let synth = |extra: &[&str]| {
        let sizes = ["data", "synth", "--train", "14", "--val", "7", "--test", "7", "--seed", "5"];
        fer(&sizes).args(extra).arg("-o").arg(&target).output().unwrap()
    };
    assert!(synth(&[]).status.success());
    let names = |folder: &Path| {
        let entries =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    };
    let expected = ["Q1_Test_Data.csv", "Q1_Train_Data.csv", "Q1_Validation_Data.csv"];
    assert_eq!(names(&target), expected);
    let stats = json(&fer(&["data", "stats", "--json", "--data"]).arg(&target).output().unwrap());
    assert_eq!(stats["splits"]["train"]["counts"]["Disgust"], 2);

    let train = target.join("Q1_Train_Data.csv");
    fs::write(&train, "precious").unwrap();
    fails(&synth(&[]), 1, &["Q1_Train_Data.csv exists; give --force"]);
    assert_eq!(fs::read_to_string(&train).unwrap(), "precious");
    assert!(synth(&["--force"]).status.success());
    assert!(fs::read_to_string(&train).unwrap().starts_with("emotion,pixels\n0,"));
    assert_eq!(names(&target), expected, "temporary files are gone");
}

#[cfg(unix)]
#[test]
fn synth_gives_files_the_usual_permissions_and_keeps_them_whole() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.csv");
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    let arguments = ["data", "synth", "--single-file", "--train", "1", "--val", "1", "--test", "1", "-o"];
    assert!(fer(&arguments).arg(&path).output().unwrap().status.success());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 4);
}

#[test]
fn a_shell_is_told_of_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(&["completions", shell]);
        assert!(output.status.success(), "{shell}");
        let script = text(&output.stdout);
        for word in ["study", "finetune", "augment", "weights-dir", "completions"] {
            assert!(script.contains(word), "{word} is not in the script for {shell}");
        }
    }
    fails(&run(&["completions", "basch"]), 2, &["basch", "bash"]);
}

#[cfg(unix)]
#[test]
fn a_file_is_replaced_only_when_told_to() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mine = folder.join("best.safetensors");
    let link = folder.join("link.png");
    symlink(&mine, &link).unwrap();
    for command in [&["data", "preview"][..], &["augment", "preview", "--variant", "face", "--limit", "28"]] {
        let draw =
            |path: &Path, extra: &[&str]| fer(command).args(extra).arg("-o").arg(path).output().unwrap();
        fs::write(&mine, "precious").unwrap();
        for path in [&mine, &link] {
            fails(&draw(path, &[]), 1, &["exists; give --force to replace it"]);
        }
        fails(&draw(folder, &["--force"]), 1, &["is a folder"]);
        assert_eq!(fs::read(&mine).unwrap(), b"precious");
        assert!(draw(&link, &["--force"]).status.success());
        assert!(fs::read(&mine).unwrap().starts_with(b"\x89PNG"), "a link is followed");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "and stays");
        // A device is written to, not replaced.
        assert!(draw(Path::new("/dev/null"), &[]).status.success());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        fails(&draw(Path::new("/dev/full"), &[]), 1, &["cannot write /dev/full"]);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["--help"][..], &["--version"], &["help", "train"], &["data", "preview", "-h"]] {
        fails(
            &fer(arguments).stdout(full()).output().unwrap(),
            1,
            &["cannot write to stdout: No space left"],
        );
        let mut child = fer(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn names_do_not_act_on_a_terminal() {
    let bad = "x\u{1b}[2J\u{7}\u{202e}\u{9b}y";
    let commands: [&[&str]; 7] = [
        &[bad],
        &["data", "stats", bad],
        &["data", "stats", "--data", bad],
        &["data", "preview", "-o", bad, "--split", bad],
        &["train", bad],
        &["runs", "list", bad],
        &["search", "--study", bad],
    ];
    for arguments in commands {
        let output = run(arguments);
        let said = [text(&output.stderr), text(&output.stdout)].concat();
        assert!(!output.status.success() && said.contains('x'), "{arguments:?}: {said}");
        let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!said.contains(acts), "{arguments:?}: {said:?}");
    }
    // Data, too: results are what others have named.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{bad}.csv"));
    fs::write(&path, rows::single_file()).unwrap();
    for extra in [&[][..], &["--json"]] {
        let output = fer(&["data", "stats", "--data"]).arg(&path).args(extra).output().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success() && said.contains("\\u001b[2J\\u0007\\u202e"), "{said}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }
}

#[test]
fn a_wrong_instruction_set_is_told_before_anything_begins() {
    let folder = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 10] = [
        &["train", "cnn1"],
        &["eval", "run"],
        &["predict", "a.png", "--run", "run"],
        &["search"],
        &["study"],
        &["study", "--plan"],
        &["finetune", "ft2", "--weights", "random"],
        &["augment", "train"],
        &["augment", "preview", "-o", "a.png"],
        &["report", "run"],
    ];
    let here = nn_core::kernels::Isa::available();
    for wrong in ["garbage", "AVX2", if cfg!(target_arch = "aarch64") { "avx2" } else { "neon" }] {
        for arguments in commands {
            let output = fer(arguments).env("NN_ISA", wrong).current_dir(folder.path()).output().unwrap();
            fails(&output, 2, &[wrong]);
            let stderr = text(&output.stderr);
            let known = wrong.parse::<nn_core::kernels::Isa>().is_ok();
            assert!(known || here.iter().all(|isa| stderr.contains(isa.name())), "{stderr}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn threads_that_cannot_be_had_are_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny.csv"), rows::single_file()).unwrap();
    let commands: [&[&str]; 6] = [
        &["data", "stats"],
        &["data", "preview", "-o", "a.png"],
        &["data", "synth", "-o", "faces"],
        &["predict", "a.png", "--run", "run"],
        &["report", "run"],
        &["train", "cnn1"],
    ];
    for arguments in commands {
        let output =
            fer(arguments).env("RAYON_NUM_THREADS", "100000").current_dir(folder.path()).output().unwrap();
        fails(&output, 2, &["RAYON_NUM_THREADS = 100000", "1 to 1024"]);
    }
}
