//! `nn-lab bench gemm`: matrix products beside those of other libraries.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use nn_lab::gemm::{GemmReport, Sizes, Status, Trans, measure};

use super::{Computing, Repeating, emit, is_stdout, json, percent, table, write};

/// Verify and measure matrix products [M, K]·[K, N], beside the crates matrixmultiply and gemm
#[derive(Args)]
pub struct Gemm {
    /// Sizes of each product
    #[arg(value_name = "M,N,K", required = true)]
    sizes: Vec<Sizes>,
    /// Which operands are stored transposed
    #[arg(long, value_enum, default_value_t)]
    trans: Trans,
    /// Write the report and all samples as JSON; - is stdout
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    computing: Computing,
    #[command(flatten)]
    repeating: Repeating,
}

impl Gemm {
    /// Measures and reports; exit code 1 if a product is wrong.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let (isa, pool) = self.computing.start()?;
        let report = measure(&self.sizes, self.trans, &pool, isa, &self.repeating.budget());
        if let Some(path) = &self.json {
            write(path, &json(&report)?)?;
        }
        if !self.json.is_some_and(|path| is_stdout(&path)) {
            emit(&describe(&report))?;
        }
        let failed = report.entries.iter().any(|entry| matches!(entry.status, Status::Failed { .. }));
        Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
    [header, rows.to_string()].into_iter().chain(notes).collect::<Vec<_>>().join("\n")
}
