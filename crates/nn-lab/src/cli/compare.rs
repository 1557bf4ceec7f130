//! `nn-lab bench compare`: two reports beside each other.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use nn_core::files::read_text;
use nn_lab::compare::{Comparison, Measurement, Verdict, read};

use super::{emit, table};

/// Compare two reports of bench conv, gemm or step; exit code 1 on a regression
#[derive(Args)]
pub struct Compare {
    /// The report before
    before: PathBuf,
    /// The report after
    after: PathBuf,
    /// The slow-down of a median that counts as a regression, if it is significant; smaller changes count as the same
    #[arg(long, value_name = "PERCENT", default_value = "5%", value_parser = parse_percent)]
    fail_over: f64,
}

/// Reads `5%` or `5`.
fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim().parse();
    number.ok().filter(|n: &f64| n.is_finite() && *n >= 0.0).ok_or_else(|| "expected a percentage".into())
}

impl Compare {
    /// Compares and reports.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let comparison = Comparison::between(&load(&self.before)?, &load(&self.after)?, self.fail_over);
        let header = ["measurement", "before ms", "after ms", "change", "lies in", "p", "verdict"];
        let mut rows = table(1, header);
        for change in &comparison.changes {
            rows.add_row([
                change.key.clone(),
                format!("{:.3}", change.medians.0),
                format!("{:.3}", change.medians.1),
                format!("{:+.1} %", change.percent),
                format!("{:+.1} to {:+.1} %", change.interval.0, change.interval.1),
                format!("{:.4}", change.p),
                change.verdict.name().to_owned(),
            ]);
        }
        emit(&rows.to_string())?;
        for (keys, path) in [(&comparison.only_before, &self.before), (&comparison.only_after, &self.after)] {
            for key in keys {
                emit(&format!("only in {}: {key}", path.display()))?;
            }
        }
        let undecided = comparison.changes.iter().filter(|c| c.verdict == Verdict::Undecided).count();
        if undecided > 0 {
            emit(&format!(
                "undecided: {undecided}; the samples vary too much to show a change or to exclude one of {} %: measure longer (--max-ms), or on a quieter machine",
                self.fail_over
            ))?;
        }
        let regressions = comparison.changes.iter().filter(|c| c.is_regression(self.fail_over)).count();
        if regressions == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        emit(&format!("regressions of more than {} %: {regressions}", self.fail_over))?;
        Ok(ExitCode::FAILURE)
    }
}

/// Longer reports are refused, in bytes.
const LARGEST: u64 = 128 << 20;

fn load(path: &Path) -> anyhow::Result<Vec<Measurement>> {
    let text = read_text(path, LARGEST)?;
    read(&text).with_context(|| path.display().to_string())
}
