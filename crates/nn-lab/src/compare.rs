//! Two reports of the same benchmark: what has become slower, and whether that is more than chance.

use anyhow::{Context, bail};
use serde_json::Value;

use crate::conv::{self, ConvReport};
use crate::gemm::{self, GemmReport};
use crate::statistics::{mann_whitney, median};
use crate::step::StepReport;

/// A change is significant if chance alone gives one of its kind less often than this.
const SIGNIFICANT: f64 = 0.01;

/// With fewer samples on a side no change could be significant.
const ENOUGH_SAMPLES: usize = 6;

/// The samples of one thing that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// What was measured, and with what: equal keys are compared.
    pub key: String,
    /// Milliseconds.
    pub samples: Vec<f64>,
}

/// Reads the samples from a report of `nn-lab bench conv`, `gemm` or `step`; entries that were not timed have
/// none.
///
/// # Errors
/// If it is no such report, or an entry is in it twice.
pub fn read(json: &str) -> anyhow::Result<Vec<Measurement>> {
    let value: Value = serde_json::from_str(json).context("not JSON")?;
    let measurements = match value["kind"].as_str() {
        Some("conv") => of_conv(serde_json::from_value(value).context("not a conv report")?),
        Some("gemm") => of_gemm(serde_json::from_value(value).context("not a gemm report")?),
        None if value["step_ms"].is_number() => {
            of_step(serde_json::from_value(value).context("not a step report")?)
        }
        _ => bail!("not a report of nn-lab bench conv, gemm or step"),
    };
    for (i, measurement) in measurements.iter().enumerate() {
        let Measurement { key, samples } = measurement;
        if samples.is_empty() {
            bail!("{key} has no samples");
        }
        if measurements[..i].iter().any(|earlier| earlier.key == *key) {
            bail!("{key} is in the report twice");
        }
    }
    Ok(measurements)
}

fn of_conv(report: ConvReport) -> Vec<Measurement> {
    let caching = format!("{:?}", report.caching).to_lowercase();
    let with = format!("{} {} threads {caching}", report.isa, report.threads);
    let entries = report.entries.into_iter().filter_map(|entry| {
        let conv::Status::Timed { timing, .. } = entry.status else { return None };
        let key = format!("{} {} {} {with}", entry.problem, entry.direction, entry.algorithm);
        Some(Measurement { key, samples: timing.samples_ms })
    });
    entries.collect()
}

fn of_gemm(report: GemmReport) -> Vec<Measurement> {
    let with = format!("{} {} threads", report.isa, report.threads);
    let entries = report.entries.into_iter().filter_map(|entry| {
        let gemm::Status::Timed { timing, .. } = entry.status else { return None };
        let trans = format!("{:?}", entry.trans).to_lowercase();
        let key = format!("{} {trans} {} {with}", entry.sizes, entry.engine);
        Some(Measurement { key, samples: timing.samples_ms })
    });
    entries.collect()
}

fn of_step(report: StepReport) -> Vec<Measurement> {
    let StepReport { model, batch, isa, threads, .. } = report;
    let key = |what: &str| format!("{model} {what} batch {batch} {isa} {threads} threads");
    vec![
        Measurement { key: key("step"), samples: report.step_samples_ms },
        Measurement { key: key("infer"), samples: report.infer_samples_ms },
    ]
}

/// What is said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum Verdict {
    Better,
    Worse,
    Same,
    TooFewSamples,
}

impl Verdict {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::TooFewSamples => "too few samples",
        }
    }
}

/// The same thing measured twice.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What was measured.
    pub key: String,
    /// Medians before and after, in milliseconds.
    pub medians: (f64, f64),
    /// Change of the median in percent; positive is slower.
    pub percent: f64,
    /// Probability of such a difference by chance (Mann & Whitney, two-sided).
    pub p: f64,
    /// The conclusion.
    pub verdict: Verdict,
}

impl Change {
    fn between(before: &Measurement, after: &Measurement) -> Self {
        let medians = (median(&before.samples), median(&after.samples));
        let p = mann_whitney(&before.samples, &after.samples);
        let verdict = if before.samples.len().min(after.samples.len()) < ENOUGH_SAMPLES {
            Verdict::TooFewSamples
        } else if p >= SIGNIFICANT || medians.0 == medians.1 {
            Verdict::Same
        } else if medians.1 < medians.0 {
            Verdict::Better
        } else {
            Verdict::Worse
        };
        let percent = 100.0 * (medians.1 / medians.0 - 1.0);
        Self { key: before.key.clone(), medians, percent, p, verdict }
    }

    /// Whether it is slower by more than `percent` percent, and not by chance.
    pub fn is_regression(&self, percent: f64) -> bool {
        self.verdict == Verdict::Worse && self.percent > percent
    }
}

/// Two reports beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What both have, in the order of the first.
    pub changes: Vec<Change>,
    /// Keys that only the first has.
    pub only_before: Vec<String>,
    /// Keys that only the second has.
    pub only_after: Vec<String>,
}

impl Comparison {
    /// Matches the measurements by their keys.
    pub fn between(before: &[Measurement], after: &[Measurement]) -> Self {
        let find = |all: &'_ [Measurement], key: &str| all.iter().position(|m| m.key == key);
        let missing = |from: &[Measurement], in_: &[Measurement]| {
            let keys = from.iter().map(|m| &m.key).filter(|key| find(in_, key).is_none());
            keys.cloned().collect()
        };
        let pairs = before.iter().filter_map(|b| Some((b, &after[find(after, &b.key)?])));
        Self {
            changes: pairs.map(|(b, a)| Change::between(b, a)).collect(),
            only_before: missing(before, after),
            only_after: missing(after, before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(key: &str, base: f64, count: usize) -> Measurement {
        let samples = (0..count).map(|i| base + 0.01 * i as f64).collect();
        Measurement { key: key.into(), samples }
    }

    #[test]
    fn verdicts() {
        let before = [measured("a", 10.0, 8), measured("b", 10.0, 8), measured("c", 10.0, 8)];
        let after = [measured("c", 10.001, 8), measured("b", 9.0, 8), measured("a", 10.6, 8)];
        let changes = Comparison::between(&before, &after).changes;
        let verdicts: Vec<_> = changes.iter().map(|c| (c.key.as_str(), c.verdict)).collect();
        assert_eq!(verdicts, [("a", Verdict::Worse), ("b", Verdict::Better), ("c", Verdict::Same)]);
        assert!((changes[0].percent - 5.98).abs() < 0.01, "{}", changes[0].percent);
        assert!(changes[0].is_regression(5.0) && !changes[0].is_regression(7.0));
        assert!(!changes[1].is_regression(5.0));
    }

    #[test]
    fn few_samples_prove_nothing() {
        let few = Comparison::between(&[measured("a", 1.0, 5)], &[measured("a", 9.0, 5)]);
        assert_eq!(few.changes[0].verdict, Verdict::TooFewSamples);
        assert!(!few.changes[0].is_regression(5.0));
        let enough = Comparison::between(&[measured("a", 1.0, 6)], &[measured("a", 9.0, 6)]);
        assert!(enough.changes[0].is_regression(5.0));
    }

    #[test]
    fn what_only_one_side_has_is_listed() {
        let before = [measured("a", 1.0, 8), measured("b", 1.0, 8)];
        let after = [measured("b", 1.0, 8), measured("c", 1.0, 8), measured("d", 1.0, 8)];
        let comparison = Comparison::between(&before, &after);
        assert_eq!(comparison.only_before, ["a"]);
        assert_eq!(comparison.only_after, ["c", "d"]);
    }

    #[test]
    fn other_files_are_refused() {
        for json in ["", "[]", "{}", "{\"kind\": \"other\"}", "{\"kind\": \"conv\"}", "{\"step_ms\": 3}"] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
