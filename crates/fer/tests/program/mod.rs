//! The program under test.

use std::path::Path;
use std::process::Command;

/// A `fer` command in a folder, without settings from the environment.
pub fn fer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fer"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FER_")) {
        command.env_remove(name);
    }
    command
}
