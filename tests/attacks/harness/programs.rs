//! The programs under attack, and what they left that many attacks begin with.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{TINY, TRAIN};

/// The top of the repository.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the programs, built as this test was: in the same folder, for the same machine, with the same profile
/// and features.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // TARGET[/TRIPLE]/PROFILE/deps/attacks-HASH
        let test = env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).unwrap();
        let above = profile.parent().unwrap();
        let triple = above.file_name().and_then(|name| name.to_str()).filter(|name| name.contains("-linux-"));
        let target = if triple.is_some() { above.parent().unwrap() } else { above };
        let mut build = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        // With a test among the targets the features are those of `cargo test`.
        build
            .args(["build", "--quiet", "--workspace", "--bins", "--test", "attacks", "--target-dir"])
            .arg(target);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        if let Some(triple) = triple {
            build.args(["--target", triple]);
        }
        assert!(build.current_dir(top()).status().unwrap().success(), "the programs cannot be built");
        profile.into()
    })
}

/// The folder of a run that was trained once.
pub fn trained() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| made_once("run", &format!("{TRAIN} --run run")))
}

/// The folder of a run that was left before its end, once.
pub fn left() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let train = "fer train tiny.json --epochs 1000000 --limit 70 --run run & pid=$!
            for i in $(seq 600); do test -f run/best.safetensors && break; sleep 0.1; done
            kill -TERM $pid; wait $pid; test $? = 130 && test ! -e run/result.json";
        made_once("run", train)
    })
}

/// The folder of a search that was made once.
pub fn searched() -> &'static Path {
    static SEARCH: OnceLock<PathBuf> = OnceLock::new();
    SEARCH.get_or_init(|| {
        made_once("search", "fer search --trials 2 --epochs 1 --limit 70 --batch 64 --out search --retrain 1")
    })
}

fn made_once(result: &str, script: &str) -> PathBuf {
    let folder = tempfile::Builder::new().prefix("attacks-").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(folder.path().join("tiny.json"), TINY).unwrap();
    let output = shell(folder.path(), script).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    // Kept, for all attacks copy it.
    folder.keep().join(result)
}

/// A shell in a folder, in which `fer` and `nn-lab` are the programs, with no other settings than those of this harness.
pub fn shell(folder: &Path, script: &str) -> Command {
    let mut path = self::folder().as_os_str().to_owned();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder).env_clear();
    command.env("PATH", path).env("HOME", folder).env("RAYON_NUM_THREADS", "2");
    command
}
