//! `nn-lab bench conv`: convolutions by algorithm and direction.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use nn_kernels::conv::{Algorithm, Direction};
use nn_lab::bandwidth::{Bandwidth, Level};
use nn_lab::conv::{Caching, Case, ConvReport, Dir, Entry, Options, Phases, Status, measure};
use nn_lab::machine::Caches;
use nn_lab::models;
use nn_lab::problem::{Problem, of_model};
use nn_lab::roofline::{Point, Roof, svg};

use super::{Computing, Repeating, Usage, emit, is_stdout, json, note, percent, table, write};

/// Verify and measure convolutions, given as in benchdnn: mb256_ic32ih44_oc32_kh3_n"name"
#[derive(Args)]
pub struct Conv {
    /// Problems
    problems: Vec<Problem>,
    /// A file of problems, one on a line; # begins a comment
    #[arg(long, value_name = "FILE")]
    batch: Vec<PathBuf>,
    /// The convolutions of a network, 256 images
    #[arg(long, value_name = "NAME")]
    model: Vec<String>,
    /// Images of every problem, in place of its own number
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    mb: Option<usize>,
    /// fwd, bwd_d, bwd_w, or all; several with commas
    #[arg(long, value_name = "DIR", default_value = "fwd", value_delimiter = ',', value_parser = directions)]
    dir: Vec<Many<Direction>>,
    /// An algorithm of the engine, or all; several with commas
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
    if text == "all" { Ok(Algorithm::ALL.into()) } else { text.parse().map(|algorithm| [algorithm].into()) }
}

/// Images of a network's convolutions, unless `--mb` says otherwise.
const MODEL_BATCH: usize = 256;

impl Conv {
    /// Measures and reports; exit code 1 if a kernel is wrong.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let outputs = [&self.json, &self.csv, &self.roofline].into_iter().flatten();
        let to_stdout = outputs.filter(|path| is_stdout(path)).count();
        if to_stdout > 1 {
            return Err(Usage("only one of --json, --csv and --roofline can go to stdout".into()).into());
        }
        let cases = self.cases()?;
        let (isa, pool) = self.computing.start()?;
        let caching = if self.cold { Caching::Cold } else { Caching::Warm };
        let options = Options { pool: &pool, isa, caching, budget: self.repeating.budget() };
        let report = measure(&cases, &options, |case| {
            note(&format!("{} {} {}", case.problem.label(), Dir(case.direction), case.algorithm));
        });
        if let Some(path) = &self.json {
            write(path, &json(&report)?)?;
        }
        if let Some(path) = &self.csv {
            write(path, &csv_of(&report)?)?;
        }
        if let Some(path) = &self.roofline {
            let dram = Bandwidth::measure(&pool, Level::Dram, &Caches::detect());
            write(path, &draw(&report, dram.gbs()))?;
        }
        if to_stdout == 0 {
            emit(&describe(&report))?;
        }
        Ok(if report.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn cases(&self) -> anyhow::Result<Vec<Case>> {
        let mut problems = self.problems.clone();
        for path in &self.batch {
            problems.extend(read_problems(path)?);
        }
        for name in &self.model {
            let model = models::find(name, None)?;
            problems.extend(of_model(&model.name, &model.network, MODEL_BATCH)?);
        }
        if problems.is_empty() {
            let message =
                "nothing to measure: give problems, --batch FILE, or --model NAME with convolutions";
            return Err(Usage(message.into()).into());
        }
        let mut cases = Vec::new();
        for mut problem in problems {
            if let Some(batch) = self.mb {
                problem = problem.with_batch(batch)?;
            }
            for &direction in self.dir.iter().flat_map(|many| many.iter()) {
                for &algorithm in self.algo.iter().flat_map(|many| many.iter()) {
                    cases.push(Case { problem: problem.clone(), direction, algorithm });
                }
            }
        }
        Ok(cases)
    }
}

fn read_problems(path: &Path) -> anyhow::Result<Vec<Problem>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines =
        text.lines().enumerate().map(|(i, line)| (i + 1, line.split('#').next().unwrap_or("").trim()));
    let problems = lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| {
        line.parse::<Problem>().with_context(|| format!("{}, line {number}: {line:?}", path.display()))
    });
    problems.collect()
}

fn describe(report: &ConvReport) -> String {
    let header = [
        "problem",
        "dir",
        "algorithm",
        "ms",
        "min ms",
        "cv",
        "GFLOP/s",
        "of peak",
        "GB/s",
        "pack",
        "multiply",
        "unpack",
        "remark",
    ];
    let mut rows = table(3, header);
    let (mut checked, mut notes) = (Vec::new(), Vec::new());
    for entry in &report.entries {
        let Entry { label, direction, .. } = entry;
        let mut cells = vec![label.clone(), direction.clone(), algorithm(entry)];
        match &entry.status {
            Status::Timed { verified, bound, copies, timing, gflops, of_peak, gbs, phases } => {
                let share =
                    |part: fn(&Phases) -> f64| phases.map_or(String::new(), |p| percent(part(&p), 1.0));
                cells.extend([
                    format!("{:.3}", timing.median_ms),
                    format!("{:.3}", timing.min_ms),
                    percent(timing.cv, 1.0),
                    format!("{gflops:.1}"),
                    percent(*of_peak, 1.0),
                    format!("{gbs:.1}"),
                    share(|phases| phases.pack),
                    share(|phases| phases.multiply),
                    share(|phases| phases.unpack),
                ]);
                let noisy = timing.noisy.then(|| "noisy".to_owned());
                let turns = (*copies > 1).then(|| format!("{copies} copies"));
                cells.push(noisy.into_iter().chain(turns).collect::<Vec<_>>().join(", "));
                checked.push((verified, bound));
            }
            Status::Skipped { reason } => {
                cells.extend(vec![String::new(); 9]);
                cells.push("skipped".into());
                notes.push(format!("skipped: {label} {direction}: {reason}"));
            }
            Status::Failed { reason } => {
                cells.extend(vec![String::new(); 9]);
                cells.push("FAILED".into());
                notes.push(format!("FAILED: {label} {direction} {}: {reason}", entry.algorithm));
            }
        }
        rows.add_row(cells);
    }
    let caching = match report.caching {
        Caching::Warm => "warm caches (the same arrays each time)",
        Caching::Cold => "cold caches (copies larger than twice the last cache, in turn)",
    };
    let mut lines = vec![
        format!("{}, {} threads, {caching}, {}", report.isa, report.threads, report.peak.describe()),
        rows.to_string(),
    ];
    let mut bounds: Vec<&String> = checked.iter().map(|(_, bound)| *bound).collect();
    bounds.sort();
    bounds.dedup();
    for bound in bounds {
        let of_bound = || checked.iter().filter(|(_, b)| *b == bound).map(|(verified, _)| verified);
        let worst = of_bound().map(|v| v.worst).fold(0.0, f64::max);
        let images = of_bound().map(|v| v.checked).sum::<usize>();
        let of = of_bound().map(|v| v.of).sum::<usize>();
        lines.push(format!(
            "verified {} cases, {images} of {of} images, against the reference within {bound}: at worst {worst:.2} of it",
            of_bound().count()
        ));
    }
    lines.extend(notes);
    lines.join("\n")
}

/// The algorithm, with its choice if it was `auto`.
fn algorithm(entry: &Entry) -> String {
    match &entry.resolved {
        Some(resolved) if *resolved != entry.algorithm => format!("{} ({resolved})", entry.algorithm),
        _ => entry.algorithm.clone(),
    }
}

fn csv_of(report: &ConvReport) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "problem",
        "label",
        "direction",
        "algorithm",
        "resolved",
        "isa",
        "threads",
        "caching",
        "status",
        "samples",
        "median_ms",
        "min_ms",
        "cv",
        "gflops",
        "of_peak",
        "gbs",
        "flops",
        "compulsory_bytes",
    ])?;
    for entry in &report.entries {
        let caching = format!("{:?}", report.caching).to_lowercase();
        let (status, numbers) = match &entry.status {
            Status::Timed { timing, gflops, of_peak, gbs, .. } => {
                let samples = timing.samples_ms.len() as f64;
                let numbers = [samples, timing.median_ms, timing.min_ms, timing.cv, *gflops, *of_peak, *gbs];
                ("timed", numbers.map(|number| number.to_string()))
            }
            Status::Skipped { .. } => ("skipped", Default::default()),
            Status::Failed { .. } => ("failed", Default::default()),
        };
        let names = [&entry.problem, &entry.label, &entry.direction, &entry.algorithm].map(Clone::clone);
        let resolved = entry.resolved.clone().unwrap_or_default();
        let with = [resolved, report.isa.clone(), report.threads.to_string(), caching, status.to_owned()];
        let counts = [entry.flops.to_string(), entry.compulsory_bytes.to_string()];
        writer.write_record(names.into_iter().chain(with).chain(numbers).chain(counts))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?.trim_end().to_owned())
}

fn draw(report: &ConvReport, dram_gbs: f64) -> String {
    let points = report.entries.iter().filter_map(|entry| {
        let Status::Timed { gflops, .. } = entry.status else { return None };
        let label = format!("{} {} {}", entry.label, entry.direction, entry.algorithm);
        Some(Point { label, intensity: entry.flops as f64 / entry.compulsory_bytes as f64, gflops })
    });
    let what = format!("{}, {} threads", report.isa, report.threads);
    let roof = Roof { peak_gflops: report.peak.gflops(), dram_gbs, what };
    svg(&points.collect::<Vec<_>>(), &roof).trim_end().to_owned()
}
