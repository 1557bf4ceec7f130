//! The command line: one file per subcommand, and the few rules that all of them follow.
//!
//! Results go to stdout through [`emit`], everything else to stderr through [`note`]; neither panics when
//! the other end is gone. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

mod augment;
mod completions;
mod data;
mod eval;
mod finetune;
mod job;
mod model;
mod predict;
mod progress;
mod report;
mod resume;
mod runs;
mod search;
mod study;
mod train;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Facial emotion recognition on FER-2013, from a CSV file to a report.
#[derive(Parser)]
#[command(name = "fer", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at the data: count, preview, or draw synthetic faces.
    #[command(subcommand)]
    Data(data::Command),
    /// Look at the networks: list them, print their layers or their configuration.
    #[command(subcommand)]
    Model(model::Command),
    Train(train::Train),
    /// Vary the training faces at random: look at it, or train with it.
    #[command(subcommand)]
    Augment(augment::Command),
    Finetune(finetune::Finetune),
    Search(search::Search),
    Study(Box<study::Study>),
    Eval(eval::Eval),
    Predict(predict::Predict),
    /// Look at training runs: list, show, or compare them.
    #[command(subcommand)]
    Runs(runs::Command),
    Report(report::ReportRuns),
    Completions(completions::Completions),
}

/// Parses the command line, runs the command, reports its error.
pub fn main() -> ExitCode {
    let mut command = Cli::command();
    command.build();
    let matches = command.clone().get_matches();
    if let Some(setting) = resume::setting_beside_resume(&command, &matches) {
        let problem =
            format!("--resume goes on with the settings of the run: {setting} cannot stand beside it");
        command.error(ErrorKind::ArgumentConflict, problem).exit();
    }
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        Command::Data(command) => command.run(),
        Command::Model(command) => command.run(),
        Command::Train(command) => command.run(),
        Command::Augment(command) => command.run(),
        Command::Finetune(command) => command.run(),
        Command::Search(command) => command.run(),
        Command::Study(command) => command.run(),
        Command::Eval(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Runs(command) => command.run(),
        Command::Report(command) => command.run(),
        Command::Completions(command) => command.run(Cli::command()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<StdoutClosed>() => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
        Err(error) => {
            note(&format!("error: {}", told(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error with its causes, outermost first. Many messages tell their cause themselves; it is not repeated.
fn told(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        known if known.contains(&cause) => told,
        known => format!("{known}: {cause}"),
    })
}

/// The reader of stdout has seen enough (`fer ... | head -1`): not a failure, but a reason to stop.
#[derive(Debug, thiserror::Error)]
#[error("stdout is closed")]
struct StdoutClosed;

/// The user pressed Ctrl-C and the command has stopped in good order.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The weights that a run keeps.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Weights {
    /// Those of the epoch with the best validation accuracy.
    Best,
    /// Those at the end.
    Last,
}

impl Weights {
    /// The file in the run's folder.
    pub fn file(self) -> &'static str {
        match self {
            Weights::Best => "best.safetensors",
            Weights::Last => "last.safetensors",
        }
    }
}

/// Computes with this many threads from now on; with all cores if `None`.
pub fn use_threads(threads: Option<usize>) -> anyhow::Result<()> {
    fer::settings::check_threads(threads)?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.unwrap_or(0))
        .build_global()
        .context("cannot start the threads")
}

/// Writes `text` and a line break to stdout.
pub fn emit(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(StdoutClosed.into()),
        other => other.context("cannot write to stdout"),
    }
}

/// Writes `value` as indented JSON to stdout.
pub fn emit_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    emit(&serde_json::to_string_pretty(value)?)
}

/// Writes `text` and a line break to stderr; nobody listening is no reason to fail.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes a file so that it appears complete or not at all: first under a temporary name in the same
/// folder, then renamed. An existing file is replaced only with `overwrite`.
pub fn write_file(
    path: &Path,
    overwrite: bool,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let write = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.prefix(".fer-").tempfile_in(folder.unwrap_or(Path::new(".")))?;
        let mut buffer = io::BufWriter::new(&mut file);
        content(&mut buffer)?;
        buffer.flush()?;
        drop(buffer);
        file.as_file().sync_all()?;
        match overwrite {
            true => file.persist(path)?,
            false => file.persist_noclobber(path)?,
        };
        Ok::<_, io::Error>(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a picture as a PNG, in the place of an existing file.
pub fn write_png(path: &Path, picture: &image::GrayImage) -> anyhow::Result<()> {
    let mut png = io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    write_file(path, true, |out| out.write_all(png.get_ref()))
}

/// Fails if something stands at `path` already, unless `force` says that it may be replaced.
pub fn refuse_existing(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && fs::symlink_metadata(path).is_ok() {
        anyhow::bail!("{} exists; give --force to replace it", path.display());
    }
    Ok(())
}
