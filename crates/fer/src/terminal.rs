//! What a command says: results to stdout, everything else to stderr.
//!
//! Nothing panics when the other end is gone, and nothing lets through what would act on a terminal.

use std::io::{self, Write};
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::Arc;

use anyhow::Context;

use crate::printable::printable;

/// What a program does first: the signal of a file that may not grow further (`ulimit -f`) no longer ends it, so that it
/// says which file cannot be written.
pub fn begin() {
    #[cfg(unix)]
    {
        // Without the handler the program ends as any other does.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    }
}

/// The reader of stdout has seen enough (`fer ... | head -1`): not a failure, but a reason to stop.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
pub struct StdoutClosed;

/// Writes a text for readers, and a line break, to stdout.
///
/// # Errors
/// [`StdoutClosed`], or that stdout cannot be written.
pub fn emit(text: &str) -> anyhow::Result<()> {
    emit_bytes(format!("{}\n", printable(text)).as_bytes())
}

/// Writes bytes for programs to stdout.
///
/// # Errors
/// As [`emit`].
pub fn emit_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
        other => other.context("cannot write to stdout"),
    }
}

/// Writes `text` and a line break to stderr; nobody listening is no reason to fail.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printable(text));
}

/// An error with its causes, outermost first. Many messages tell their cause themselves; it is not repeated.
pub fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        known if known.contains(&cause) => told,
        known => format!("{known}: {cause}"),
    })
}

/// Ends after a command line that names no command to run: prints the help or the version that it asks for, or `problem`,
/// what is wrong with it.
pub fn without_command(answer: &clap::Error, problem: impl FnOnce(&str) -> String) -> ExitCode {
    if answer.use_stderr() {
        note(problem(&answer.render().to_string()).trim_end());
        return ExitCode::from(2);
    }
    match answer.print().and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(&format!("error: cannot write to stdout: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
