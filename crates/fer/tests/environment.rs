//! Whatever surrounds the program, it works or says what is wrong; it never panics.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A network that trains in a moment.
const NETWORK: &str = r#"{"name": "tiny", "input_shape": [2304], "layers": [
    {"class_name": "Dense", "config": {"units": 7, "activation": "softmax"}}]}"#;

const TRAIN: &str = "train tiny.json --epochs 1 --limit 70";

/// Runs `fer` through a shell, so that streams can be closed and limits set; `fer` in the script is the program.
fn shell(folder: &Path, script: &str) -> Output {
    let script = script.replace("fer ", concat!(env!("CARGO_BIN_EXE_fer"), " "));
    let path = std::env::var_os("PATH").unwrap_or_default();
    fs::write(folder.join("tiny.json"), NETWORK).unwrap();
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap()
}

#[track_caller]
fn ends(script: &str, code: i32, fragments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let output = shell(folder.path(), script);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{script}: {stderr}");
    assert!(!stderr.contains("panicked"), "{script}: {stderr}");
    for fragment in fragments {
        assert!(stderr.contains(fragment), "{script}: {fragment:?} is not in: {stderr}");
    }
}

#[test]
fn an_empty_environment_and_odd_locales_make_no_difference() {
    ends(&format!("fer {TRAIN}"), 0, &[]);
    for locale in ["tr_TR.UTF-8", "de_DE.UTF-8", "nonsense"] {
        ends(
            &format!(
                "LC_ALL={locale} TZ=Nowhere/Else fer {TRAIN} && grep -q 'lr = 0.001' runs/tiny/config.toml"
            ),
            0,
            &[],
        );
    }
    ends(&format!("RAYON_NUM_THREADS=garbage fer {TRAIN}"), 0, &[]);
}

#[test]
fn settings_in_the_environment_are_checked_like_flags() {
    ends(&format!("FER_DATA= fer {TRAIN} && FER_DATA= fer data stats"), 0, &["embedded synthetic faces"]);
    ends(&format!("FER_LR=quick fer {TRAIN}"), 2, &["quick", "--lr"]);
    ends(&format!("FER_THREADS=0 fer {TRAIN}"), 2, &["threads = 0"]);
    ends(&format!("FER_DATA=nowhere fer {TRAIN}"), 1, &["nowhere"]);
}

#[test]
fn closed_and_full_streams_are_survived() {
    ends(&format!("fer {TRAIN} 2>&- && test -f runs/tiny/result.json"), 0, &[]);
    ends(&format!("fer {TRAIN} --json | true; test -f runs/tiny/result.json"), 0, &[]);
    ends("fer --help | head -1 > /dev/null", 0, &[]);
    ends("fer model list | true", 0, &[]);
    if Path::new("/dev/full").exists() {
        ends("fer model summary cnn1 > /dev/full", 1, &["cannot write to stdout"]);
        // The run is complete, only its result could not be printed.
        ends(
            &format!("fer {TRAIN} > /dev/full; code=$?; test -f runs/tiny/result.json && exit $code"),
            1,
            &["stdout"],
        );
    }
}

#[test]
fn unusable_run_folders_are_refused() {
    ends(&format!("touch taken; fer {TRAIN} --run taken"), 1, &["taken"]);
    ends(&format!("touch taken; fer {TRAIN} --run taken/inside"), 1, &["taken/inside"]);
    let long = "x".repeat(4096);
    ends(&format!("fer {TRAIN} --run {long}"), 1, &["xxx"]);
    ends(&format!("fer {TRAIN} --run \"$(printf 'odd\\377name')\" && ls | grep -q odd"), 0, &[]);
    let odd_data =
        "data=$(printf 'odd\\377data'); fer data synth -o $data --train 70 --val 7 --test 7 2>/dev/null;";
    ends(&format!("{odd_data} fer {TRAIN} --data $data"), 2, &["data = odd", "UTF-8"]);
    ends("fer eval taken", 1, &["not a run folder"]);
    ends("mkdir empty; fer predict tiny.json --run empty", 1, &["not a run folder"]);
}

#[test]
fn damaged_runs_are_refused_with_the_file() {
    let damaged = |harm: &str, command: &str, fragments: &[&str]| {
        ends(&format!("fer {TRAIN} 2>/dev/null >&2; {harm}; fer {command}"), 1, fragments);
    };
    damaged("rm runs/tiny/last.safetensors", "eval runs/tiny", &["last.safetensors", "No such file"]);
    damaged(
        "echo junk > runs/tiny/last.safetensors",
        "eval runs/tiny",
        &["last.safetensors", "not a valid weight file"],
    );
    damaged("echo junk > runs/tiny/network.json", "eval runs/tiny", &["network.json", "line 1"]);
    damaged("echo junk > runs/tiny/config.toml", "eval runs/tiny", &["config.toml", "line 1"]);
    let other = r#"sed -i 's/"units": 7/"units": 8/' runs/tiny/network.json"#;
    damaged(other, "eval runs/tiny", &["network.json", "8 outputs", "7 classes"]);
}

#[test]
fn a_network_that_does_not_fit_faces_is_refused() {
    let change = |from: &str, to: &str| {
        format!(
            "sed -i 's/{from}/{to}/' tiny.json; fer {TRAIN}; code=$?; test -e runs/tiny/last.safetensors || exit $code"
        )
    };
    ends(&change("2304", "2305"), 1, &["(None, 2304)", "(None, 2305)"]);
    ends(&change(r#""units": 7"#, r#""units": 6"#), 1, &["6 outputs", "7 classes"]);
    ends(&change("softmax", "relu"), 1, &["softmax"]);
    ends(&change("Dense", "Dens"), 1, &["tiny.json", "Dens", "line 2"]);
}

#[test]
fn memory_and_file_limits_give_an_error() {
    // 64 KiB per file: too little for the weights.
    let script = format!("ulimit -f 64; fer {TRAIN}");
    ends(&script, 1, &["safetensors"]);
}

#[cfg(unix)]
#[test]
fn sigterm_is_like_ctrl_c() {
    let script = "fer train tiny.json --epochs 1000000 --limit 70 & pid=$!; \
        for i in $(seq 600); do test -f runs/tiny/best.safetensors && break; sleep 0.1; done; \
        kill -TERM $pid; wait $pid; code=$?; test -f runs/tiny/last.safetensors && exit $code";
    ends(script, 130, &["interrupted"]);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_the_wait_for_a_silent_server() {
    // Its queue takes the connection, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let script = format!(
        "fer search --trials 1 --epochs 1 --limit 70 --study postgresql://u:pw@127.0.0.1:{port}/d --out s 2> said & pid=$!; \
         for i in $(seq 600); do grep -q 'waiting for' said && break; sleep 0.1; done; \
         kill -TERM $pid; wait $pid; code=$?; cat said >&2; exit $code"
    );
    ends(&script, 130, &["waiting for"]);
}
