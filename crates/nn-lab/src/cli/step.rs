//! `nn-lab bench step`: a training step and a prediction of a network.

use std::process::ExitCode;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use nn_core::layers::LayerConfig;
use nn_lab::layers::Split;
use nn_lab::step::{StepReport, measure};

use super::output::Report;
use super::{Computing, Repeating, above_peak, emit, model, percent, table};

/// Measure a training step and a prediction of a network on random images
#[derive(Args)]
pub struct Step {
    /// fnn1 to fnn5, cnn1 to cnn3, search; search1, search3, search5 for its kernel sizes
    model: String,
    /// Rows and columns of the convolutions of "search", with ReLU and a dropout of 0.25
    #[arg(long, value_name = "SIZE", value_parser = ["1", "3", "5"])]
    kernel: Option<String>,
    /// Images
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = RangedU64ValueParser::<usize>::new().range(1..=65536))]
    batch: usize,
    /// Show where the time goes, by layer and direction
    #[arg(long)]
    layers: bool,
    #[command(flatten)]
    output: Report,
    #[command(flatten)]
    computing: Computing,
    #[command(flatten)]
    repeating: Repeating,
}

impl Step {
    /// Measures and reports.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        self.output.check()?;
        let kernel = self.kernel.map(|size| size.parse().expect("one of the sizes"));
        let model = model(&self.model, kernel)?;
        let (isa, pool) = self.computing.start()?;
        let report = measure(&model, self.batch, &pool, isa, &self.repeating.budget(), self.layers)?;
        let convolves = model.network.layers().iter().any(|layer| matches!(layer, LayerConfig::Conv2D(_)));
        self.output.deliver(&report, &describe(&report, convolves))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Print the layers of a network of "bench step" as JSON, for others to build the same one
#[derive(Args)]
pub struct Config {
    /// As in "bench step"
    model: String,
}

impl Config {
    /// Prints the configuration.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        emit(&model(&self.model, None)?.network.to_json())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn describe(report: &StepReport, convolves: bool) -> String {
    let StepReport { model, params, batch, threads, isa, .. } = report;
    let mut lines = vec![
        format!("{model}: {params} parameters, batch {batch}, {threads} threads, {isa}"),
        format!(
            "step   {:.2} ms median of {}, {:.2} ms at best",
            report.step_ms,
            report.step_samples_ms.len(),
            report.step_ms_min
        ),
        format!("infer  {:.2} ms median of {}", report.infer_ms, report.infer_samples_ms.len()),
        format!(
            "rate   {:.1} GFLOP/s, {} of peak",
            report.gflops,
            percent(report.gflops, report.peak_gflops)
        ),
        report.peak.describe(),
    ];
    let rows = report.layers.iter().flat_map(|split| &split.rows).filter(|row| row.flops > 0);
    let rates = rows
        .flat_map(|row| row.in_model_ms.into_iter().chain([row.isolated_ms]).map(|ms| rate(row.flops, ms)));
    let shares = rates.chain([report.gflops]);
    lines.extend(above_peak(shares.map(|gflops| (gflops / report.peak_gflops, convolves))));
    if let Some(memory) = report.peak_rss_mb {
        lines.push(format!("memory {memory:.0} MiB resident at most"));
    }
    if let Some(split) = &report.layers {
        lines.push(String::new());
        lines.push(describe_split(split, report.peak_gflops));
    }
    lines.join("\n")
}

/// Operations within milliseconds as GFLOP/s.
fn rate(flops: u64, ms: f64) -> f64 {
    flops as f64 / ms / 1e6
}

fn describe_split(split: &Split, peak: f64) -> String {
    let mut table =
        table(2, ["layer", "pass", "in model ms", "GFLOP/s", "of peak", "isolated ms", "GFLOP/s", "of peak"]);
    let cells = |flops: u64, ms: Option<f64>| match ms {
        Some(ms) if flops > 0 => {
            let gflops = rate(flops, ms);
            [format!("{ms:.3}"), format!("{gflops:.1}"), percent(gflops, peak)]
        }
        ms => [ms.map_or(String::new(), |ms| format!("{ms:.3}")), String::new(), String::new()],
    };
    for row in &split.rows {
        let names = [row.layer.clone(), row.pass.name().to_owned()];
        let rates = [cells(row.flops, row.in_model_ms), cells(row.flops, Some(row.isolated_ms))];
        table.add_row(names.into_iter().chain(rates.into_iter().flatten()));
    }
    for (what, ms) in &split.other {
        table.add_row([what.clone(), String::new(), format!("{ms:.3}")]);
    }
    format!(
        "{table}\nin the model {:.3} ms add up to a step of {:.3} ms; the trainer's median step is {:+.3} ms from it",
        split.sum_ms(),
        split.total_ms,
        split.rest_ms
    )
}
