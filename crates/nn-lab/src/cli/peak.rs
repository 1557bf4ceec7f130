//! `nn-lab peak`: the ceilings of arithmetic and memory.

use std::process::ExitCode;

use clap::Args;
use nn_kernels::isa::Isa;
use nn_kernels::threads;
use nn_lab::bandwidth::{Bandwidth, Level};
use nn_lab::machine::Caches;
use nn_lab::peak;
use serde::Serialize;

use super::output::json;
use super::{emit, start_threads, table};

/// Measure multiply-adds per second of each instruction set, and bytes per second of each memory level
#[derive(Args)]
pub struct Peak {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    arithmetic: Vec<Arithmetic>,
    bandwidth: Vec<Bandwidth>,
}

#[derive(Serialize)]
struct Arithmetic {
    isa: String,
    threads: usize,
    gflops: f64,
}

impl Peak {
    /// Measures with one thread and with all.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut counts = vec![1, threads::count(None)?];
        counts.dedup();
        let caches = Caches::detect();
        let mut report = Report { arithmetic: Vec::new(), bandwidth: Vec::new() };
        for threads in counts {
            let pool = start_threads(Some(threads))?;
            for isa in Isa::available() {
                let gflops = peak::gflops(&pool, isa);
                report.arithmetic.push(Arithmetic { isa: isa.to_string(), threads, gflops });
            }
            let levels = Level::ALL.map(|level| Bandwidth::measure(&pool, level, &caches));
            report.bandwidth.extend(levels);
        }
        emit(&if self.json { json(&report)? } else { report.tables() })?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Report {
    fn tables(&self) -> String {
        let mut arithmetic = table(1, ["isa", "threads", "GFLOP/s"]);
        for row in &self.arithmetic {
            arithmetic.add_row([row.isa.clone(), row.threads.to_string(), format!("{:.1}", row.gflops)]);
        }
        let mut memory = table(1, ["level", "threads", "KiB each", "read GB/s", "triad GB/s"]);
        for row in &self.bandwidth {
            memory.add_row([
                row.level.name().to_owned(),
                row.threads.to_string(),
                (row.working_set >> 10).to_string(),
                format!("{:.1}", row.read_gbs),
                format!("{:.1}", row.triad_gbs),
            ]);
        }
        format!("{arithmetic}\n\n{memory}")
    }
}
