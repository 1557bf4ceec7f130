//! The command line: one file per subcommand, and the few rules that all of them follow.
//!
//! Results go to stdout through [`emit`], everything else to stderr through [`note`]; neither panics when
//! the other end is gone, and neither lets through what would act on a terminal. Exit codes: 0 done, 1 failed, 2 wrong
//! usage (what was asked for cannot be, whether a flag, a variable or a configuration file says it), 130 interrupted.

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

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use fer::discreet::without_passwords;
use fer::settings::SettingsError;
use fer::terminal::{StdoutClosed, begin, told, without_command};
pub use fer::terminal::{emit, note};
use fer::training::TrainingError;
use nn_core::files::write_output;
use nn_core::kernels::isa::{Isa, IsaError};
use nn_core::kernels::threads::{self, ThreadsError};

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
    begin();
    let cli = match parse() {
        Ok(cli) => cli,
        Err(answer) => {
            let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
            return without_command(&answer, |problem| without_passwords(problem, arguments));
        }
    };
    // A wrong NN_ISA would surface in the first kernel, when something is begun.
    let result = Isa::from_env().map_err(anyhow::Error::from).and_then(|_| match cli.command {
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
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<StdoutClosed>() => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => ExitCode::from(130),
        Err(error) => {
            note(&format!("error: {}", told(&error)));
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

/// What the command line asks for.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = Cli::command();
    command.build();
    let matches = command.clone().try_get_matches()?;
    if let Some(setting) = resume::setting_beside_resume(&command, &matches) {
        let problem = format!("--resume goes on with the settings of the run: {setting} does not go with it");
        return Err(command.error(ErrorKind::ArgumentConflict, problem));
    }
    Cli::from_arg_matches(&matches)
}

/// Whether what was asked for cannot be, whatever the files are.
fn is_usage(error: &anyhow::Error) -> bool {
    let settings = match error.downcast_ref() {
        Some(TrainingError::Settings(settings)) => Some(settings),
        _ => error.downcast_ref::<SettingsError>(),
    };
    settings.is_some_and(SettingsError::is_usage)
        || error.is::<IsaError>()
        || matches!(error.downcast_ref(), Some(ThreadsError::Count { .. }))
}

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

/// A loss in a message: four decimals, or an exponent if it is large.
pub struct Loss(pub f64);

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.abs() < 1e5 { write!(f, "{:.4}", self.0) } else { write!(f, "{:.4e}", self.0) }
    }
}

/// Computes with this many threads from now on; with all cores if `None`.
pub fn use_threads(threads: Option<usize>) -> anyhow::Result<()> {
    Ok(threads::start(threads)?)
}

/// Writes `value` as indented JSON to stdout.
pub fn emit_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    emit(&serde_json::to_string_pretty(value)?)
}

/// Writes a picture as a PNG where the user wants it.
pub fn write_png(path: &Path, force: bool, picture: &image::GrayImage) -> anyhow::Result<()> {
    let mut png = io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(write_output(path, force, png.get_ref())?)
}
