//! The program under test. Each test uses a part of it.
#![allow(dead_code)]

use std::io::{Read, Seek};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nn_core::rng::Stream;

/// A `fer` command in a folder, without settings from the environment.
pub fn fer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FER_")) {
        command.env_remove(name);
    }
    command
}

/// Waits for the end of a program, and kills it at `moment`; `None` if it was killed.
pub fn end_before(child: &mut Child, moment: Instant) -> Option<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() >= moment {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Starts a command again after each kill, until it ends by itself. While there were fewer than `most` kills, it is killed
/// at a random moment within `time`.
pub fn end_despite_kills(
    command: impl Fn() -> Command,
    time: Duration,
    stream: &mut Stream,
    kills: &mut usize,
    most: usize,
) {
    loop {
        let mut said = tempfile::tempfile().unwrap();
        let stderr = said.try_clone().unwrap();
        let mut child = command().stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        let moment = Instant::now() + time.mul_f64(if *kills < most { stream.unit() } else { 1e3 });
        match end_before(&mut child, moment) {
            Some(status) if status.success() => return,
            Some(status) => {
                let mut stderr = String::new();
                said.rewind().and_then(|()| said.read_to_string(&mut stderr)).unwrap();
                panic!("after {kills} kills: {status}: {stderr}");
            }
            None => *kills += 1,
        }
    }
}
