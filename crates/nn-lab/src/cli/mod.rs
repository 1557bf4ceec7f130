//! The command line: one file per subcommand, and the few rules that all of them follow.
//!
//! Results go to stdout through [`emit`], everything else to stderr through [`note`]. Exit codes: 0 done, 1 a
//! kernel is wrong, a comparison found a regression, or something failed, 2 wrong usage.

mod compare;
mod conv;
mod gemm;
mod model;
mod output;
mod peak;
mod step;

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use fer::terminal::{StdoutClosed, begin, told, without_command};
pub use fer::terminal::{emit, emit_bytes, note};
use nn_kernels::isa::Isa;
use nn_kernels::threads::{self, ThreadsError};
use nn_lab::models::{self, Model};
use nn_lab::timing::Budget;

/// Measures what the machine can do and how close the engine comes to it; runs models that Keras saved, and trained runs.
#[derive(Parser)]
#[command(name = "nn-lab", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Peak(peak::Peak),
    Config(step::Config),
    Run(model::Run),
    Summary(model::Summary),
    /// Measure the engine, or compare two measurements
    #[command(subcommand)]
    Bench(Box<Bench>),
}

#[derive(Subcommand)]
enum Bench {
    Conv(conv::Conv),
    Gemm(gemm::Gemm),
    Step(step::Step),
    Compare(compare::Compare),
}

/// Parses the command line, runs the command, reports its error.
pub fn main() -> ExitCode {
    begin();
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(answer) => return without_command(&answer, str::to_owned),
    };
    // A wrong NN_ISA would surface in the first kernel; it is a mistake of usage and is told before that.
    if let Err(error) = Isa::from_env() {
        note(&format!("error: {error}"));
        return ExitCode::from(2);
    }
    let result = match command {
        Command::Peak(command) => command.run(),
        Command::Config(command) => command.run(),
        Command::Run(command) => command.run(),
        Command::Summary(command) => command.run(),
        Command::Bench(bench) => match *bench {
            Bench::Conv(command) => command.run(),
            Bench::Gemm(command) => command.run(),
            Bench::Step(command) => command.run(),
            Bench::Compare(command) => command.run(),
        },
    };
    match result {
        Ok(code) => code,
        Err(error) if error.is::<StdoutClosed>() => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {}", told(&error)));
            ExitCode::from(if error.is::<Usage>() { 2 } else { 1 })
        }
    }
}

/// Arguments that each make sense but not here.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The network of that name; it is a mistake of usage if there is none.
pub fn model(name: &str, kernel: Option<usize>) -> Result<Model, Usage> {
    models::find(name, kernel).map_err(|error| Usage(told(&error)))
}

/// With what a benchmark computes.
#[derive(Args)]
pub struct Computing {
    /// Threads [default: RAYON_NUM_THREADS, or all that the machine runs at once]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=threads::MOST_THREADS as u64))]
    pub threads: Option<usize>,
    /// Instruction set [default: NN_ISA, or the best that the machine has]
    #[arg(long, value_name = "NAME")]
    isa: Option<Isa>,
}

impl Computing {
    /// The instruction set, which the machine has, and a pool of the threads.
    pub fn start(&self) -> anyhow::Result<(Isa, rayon::ThreadPool)> {
        let isa = match self.isa {
            Some(isa) => isa,
            None => Isa::from_env()?,
        };
        let available = Isa::available();
        if !available.contains(&isa) {
            let names: Vec<_> = available.iter().map(ToString::to_string).collect();
            let message = format!("this machine has no {isa}; it has {}", names.join(", "));
            return Err(Usage(message).into());
        }
        Ok((isa, start_threads(self.threads)?))
    }
}

/// A pool of as many threads; of as many as the environment says, or the machine runs at once, if `None`.
pub fn start_threads(threads: Option<usize>) -> anyhow::Result<rayon::ThreadPool> {
    threads::pool(threads).map_err(|error| match error {
        ThreadsError::Count { .. } => Usage(error.to_string()).into(),
        error => error.into(),
    })
}

/// How long a benchmark repeats.
#[derive(Args)]
pub struct Repeating {
    /// Time for the repetitions of each measurement, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    max_ms: u64,
    /// Repetitions that are made however long they take [default: 8, or fewer that take ten times --max-ms]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    min_reps: Option<usize>,
}

impl Repeating {
    /// The budget of each measurement.
    pub fn budget(&self) -> Budget {
        /// Enough for a comparison.
        const ENOUGH: usize = 8;
        let time = Duration::from_millis(self.max_ms);
        match self.min_reps {
            Some(reps) => Budget::new(time, reps),
            None => Budget { most: time.saturating_mul(10), ..Budget::new(time, ENOUGH) },
        }
    }
}

/// A table in Markdown; all columns but the first `left` hold numbers and are aligned to the right.
pub fn table<T: Into<comfy_table::Row>>(left: usize, header: T) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Why some cases lie above the peak, if any do: shares of it, each with whether Winograd's algorithm ran.
pub fn above_peak(shares: impl IntoIterator<Item = (f64, bool)>) -> Vec<String> {
    let (winograd, others): (Vec<_>, Vec<_>) =
        shares.into_iter().filter(|(share, _)| *share > 1.0).partition(|(_, winograd)| *winograd);
    let mut lines = Vec::new();
    if !winograd.is_empty() {
        lines.push(
            "above 100 % of peak: FLOPs are those of direct convolution, and Winograd's algorithm needs fewer multiplications"
                .into(),
        );
    }
    if !others.is_empty() {
        lines.push("above 100 % of peak without Winograd's algorithm: the machine was slower when the peak was measured".into());
    }
    lines
}

/// `part` of `whole` as `12.3 %`.
pub fn percent(part: f64, whole: f64) -> String {
    format!("{:.1} %", 100.0 * part / whole)
}
