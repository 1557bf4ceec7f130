//! Where results go: stdout, and files that the user names.

use std::path::{Path, PathBuf};

use clap::Args;
use nn_core::files::{check_output, write_output};

use super::{Usage, emit, emit_bytes, note};

/// What may become of files that are there already.
#[derive(Args)]
pub struct Replacing {
    /// Replace output files that exist
    #[arg(long)]
    pub force: bool,
}

/// The report of a benchmark as a file.
#[derive(Args)]
pub struct Report {
    /// Write the report and all samples as JSON; - is stdout
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    replacing: Replacing,
}

impl Report {
    /// [`check`] of the file.
    pub fn check(&self) -> anyhow::Result<()> {
        check(&self.json.iter().collect::<Vec<_>>(), self.replacing.force)
    }

    /// [`deliver`]s the report, which is shown as `shown`.
    pub fn deliver(&self, report: &impl serde::Serialize, shown: &str) -> anyhow::Result<()> {
        let outputs = self.json.iter().map(|path| Ok((path, json(report)?)));
        deliver(&outputs.collect::<anyhow::Result<Vec<_>>>()?, shown, self.replacing.force)
    }
}

/// `value` as indented JSON.
pub fn json(value: &impl serde::Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)?)
}

/// Whether the results can go to these paths; asked before the work.
///
/// # Errors
/// If two are the same, also as stdout, or one cannot be written as things stand.
pub fn check(paths: &[&PathBuf], force: bool) -> anyhow::Result<()> {
    for (i, path) in paths.iter().enumerate() {
        if paths[..i].contains(path) {
            let place = if is_stdout(path) { "stdout".into() } else { path.display().to_string() };
            return Err(Usage(format!("only one result can go to {place}")).into());
        }
        if !is_stdout(path) {
            check_output(path, force)?;
        }
    }
    Ok(())
}

/// Writes texts to their files, and `shown` to stdout unless one of them goes there.
///
/// What cannot be written to its file goes to stdout, or to stderr if stdout has something else to take: a measurement is
/// not lost.
///
/// # Errors
/// The first of what went wrong.
pub fn deliver(outputs: &[(&PathBuf, String)], shown: &str, force: bool) -> anyhow::Result<()> {
    let (to_stdout, to_files): (Vec<_>, Vec<_>) = outputs.iter().partition(|(path, _)| is_stdout(path));
    let mut failed: Option<anyhow::Error> = None;
    let mut lost = Vec::new();
    for (path, text) in to_files {
        if let Err(error) = write_output(path, force, format!("{text}\n").as_bytes()) {
            lost.push(text);
            failed.get_or_insert(error.into());
        }
    }
    if let Some((_, text)) = to_stdout.first() {
        lost.iter().for_each(|text| note(text));
        emit_bytes(format!("{text}\n").as_bytes())?;
    } else if lost.is_empty() {
        emit(shown)?;
    } else {
        note(shown);
        for text in lost {
            // A disk that is full for one may be so for both.
            if emit_bytes(format!("{text}\n").as_bytes()).is_err() {
                note(text);
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Writes bytes to a file, or to stdout if the path is `-`.
///
/// # Errors
/// If the system refuses, or there is a file and no `force`.
pub fn write(path: &Path, force: bool, bytes: &[u8]) -> anyhow::Result<()> {
    if is_stdout(path) { emit_bytes(bytes) } else { Ok(write_output(path, force, bytes)?) }
}

/// Whether a path given on the command line means stdout.
fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}
