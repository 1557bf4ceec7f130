//! `nn-lab bench conv`: convolutions by algorithm and direction.

mod cases;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use nn_kernels::conv::{Algorithm, Direction};
use nn_lab::bandwidth::{Bandwidth, Level};
use nn_lab::conv::{Caching, Dir, Options, measure};
use nn_lab::machine::Caches;
use nn_lab::problem::Problem;

use super::output::{self, Replacing, json};
use super::{Computing, Repeating, note};
use cases::Asked;

/// Verify and measure convolutions, given as in benchdnn: mb256_ic32ih44_oc32_kh3_n"name"
#[derive(Args)]
pub struct Conv {
    /// Problems
    problems: Vec<Problem>,
    /// A list of problems and options as benchdnn reads it, one on a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    batch: Vec<PathBuf>,
    /// The convolutions of a network, 256 images
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Images of every problem, in place of its own number
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    mb: Option<usize>,
    /// fwd, bwd_d, bwd_w, or all; several with commas [default: what a list says, or fwd]
    #[arg(long, value_name = "DIR", value_delimiter = ',', value_parser = directions)]
    dir: Vec<Many<Direction>>,
    /// An algorithm of the engine, or all but the slow reference; several with commas
    #[arg(long, value_name = "NAME", default_value = "auto", value_delimiter = ',', value_parser = algorithms)]
    algo: Vec<Many<Algorithm>>,
    /// Take turns among copies of the operands that together exceed twice the last cache
    #[arg(long)]
    cold: bool,
    /// Write the report and all samples as JSON; - is stdout
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a line for each case; - is stdout
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Draw a roofline as SVG; - is stdout
    #[arg(long, value_name = "FILE")]
    roofline: Option<PathBuf>,
    #[command(flatten)]
    replacing: Replacing,
    #[command(flatten)]
    computing: Computing,
    #[command(flatten)]
    repeating: Repeating,
}

/// What one word on the command line stands for.
type Many<T> = std::sync::Arc<[T]>;

fn directions(text: &str) -> Result<Many<Direction>, String> {
    if text == "all" {
        Ok(Direction::ALL.into())
    } else {
        text.parse().map(|Dir(direction)| [direction].into())
    }
}

fn algorithms(text: &str) -> Result<Many<Algorithm>, String> {
    if text == "all" {
        Ok(Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Reference).collect())
    } else {
        text.parse().map(|algorithm| [algorithm].into())
    }
}

impl Conv {
    /// Measures and reports; exit code 1 if a kernel is wrong, or something that was asked for is left out.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let paths = [&self.json, &self.csv, &self.roofline].into_iter().flatten();
        output::check(&paths.collect::<Vec<_>>(), self.replacing.force)?;
        let (isa, pool) = self.computing.start()?;
        let caching = if self.cold { Caching::Cold } else { Caching::Warm };
        let Asked { cases, complete } = self.asked(caching)?;
        let options = Options { pool: &pool, isa, caching, budget: self.repeating.budget() };
        let report = measure(&cases, &options, |case| {
            note(&format!("{} {} {}", case.problem.label(), Dir(case.direction), case.algorithm));
        });
        let mut outputs = Vec::new();
        if let Some(path) = &self.json {
            outputs.push((path, json(&report)?));
        }
        if let Some(path) = &self.csv {
            outputs.push((path, show::csv(&report)?));
        }
        if let Some(path) = &self.roofline {
            let dram = Bandwidth::measure(&pool, Level::Dram, &Caches::detect());
            outputs.push((path, show::roofline(&report, dram.gbs())));
        }
        output::deliver(&outputs, &show::describe(&report), self.replacing.force)?;
        Ok(if report.has_failed() || !complete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
