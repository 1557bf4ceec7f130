//! `nn-lab bench gemm`: matrix products beside those of other libraries.

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use nn_lab::gemm::{GemmReport, Sizes, Status, Trans, measure};
use nn_lab::memory;

use super::output::Report;
use super::{Computing, Repeating, above_peak, note, percent, table};

/// Verify and measure matrix products [M, K]·[K, N], beside the crates matrixmultiply and gemm
#[derive(Args)]
pub struct Gemm {
    /// Sizes of each product
    #[arg(value_name = "M,N,K", required = true)]
    sizes: Vec<Sizes>,
    /// Which operands are stored transposed
    #[arg(long, value_enum, default_value_t)]
    trans: Trans,
    #[command(flatten)]
    output: Report,
    #[command(flatten)]
    computing: Computing,
    #[command(flatten)]
    repeating: Repeating,
}

impl Gemm {
    /// Measures and reports; exit code 1 if a product is wrong, or too large for this machine.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        let (isa, pool) = self.computing.start()?;
        let mut fitting = Vec::new();
        for &sizes in &self.sizes {
            match memory::check(sizes.bytes()) {
                Ok(()) => fitting.push(sizes),
                Err(reason) => note(&format!("left out: {sizes}: {reason}")),
            }
        }
        if fitting.is_empty() {
            bail!("nothing is left to measure");
        }
        let report = measure(&fitting, self.trans, &pool, isa, &self.repeating.budget());
        self.output.deliver(&report, &describe(&report))?;
        let failed = report.entries.iter().any(|entry| matches!(entry.status, Status::Failed { .. }));
        let complete = fitting.len() == self.sizes.len();
        Ok(if failed || !complete { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn describe(report: &GemmReport) -> String {
    let mut rows =
        table(3, ["M,N,K", "trans", "engine", "ms", "min ms", "cv", "GFLOP/s", "of peak", "remark"]);
    let mut notes = Vec::new();
    for entry in &report.entries {
        let trans = format!("{:?}", entry.trans).to_lowercase();
        let mut cells = vec![entry.sizes.clone(), trans, entry.engine.clone()];
        match &entry.status {
            Status::Timed { timing, gflops, of_peak, .. } => cells.extend([
                format!("{:.3}", timing.median_ms),
                format!("{:.3}", timing.min_ms),
                percent(timing.cv, 1.0),
                format!("{gflops:.1}"),
                percent(*of_peak, 1.0),
                if timing.noisy { "noisy".into() } else { String::new() },
            ]),
            Status::Failed { reason } => {
                cells.extend(vec![String::new(); 5]);
                cells.push("FAILED".into());
                notes.push(format!("FAILED: {} by {}: {reason}", entry.sizes, entry.engine));
            }
        }
        rows.add_row(cells);
    }
    let header = format!(
        "{}, {} threads, {} (the other libraries choose their own instruction set)",
        report.isa,
        report.threads,
        report.peak.describe()
    );
    let of_peak = report.entries.iter().filter_map(|entry| match &entry.status {
        Status::Timed { of_peak, .. } => Some((*of_peak, false)),
        Status::Failed { .. } => None,
    });
    let above = above_peak(of_peak);
    [header, rows.to_string()].into_iter().chain(above).chain(notes).collect::<Vec<_>>().join("\n")
}
