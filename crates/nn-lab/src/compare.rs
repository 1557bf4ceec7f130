//! Two reports of the same benchmark: what has become slower, and whether that is more than chance.

use std::collections::{HashMap, HashSet};

use anyhow::{anyhow, bail};
use nn_core::JsonError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::conv::{self, ConvReport};
use crate::gemm::{self, GemmReport};
use crate::statistics::{mann_whitney, median, median_interval};
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
/// If it is no such report, an entry is in it twice or without samples, or a sample is no time.
pub fn read(json: &str) -> anyhow::Result<Vec<Measurement>> {
    /// By what the reports differ. The rest is passed over.
    #[derive(Deserialize)]
    struct Kind {
        kind: Option<String>,
    }
    let kind: Kind = parse(json)?;
    let measurements = match kind.kind.as_deref() {
        Some("conv") => of_conv(parse(json)?),
        Some("gemm") => of_gemm(parse(json)?),
        None => of_step(parse(json)?),
        _ => bail!(NO_REPORT),
    };
    let mut keys = HashSet::new();
    for Measurement { key, samples } in &measurements {
        if samples.is_empty() {
            bail!("{key} has no samples");
        }
        if let Some(sample) = samples.iter().find(|&&sample| sample <= 0.0) {
            bail!("{key} has a sample of {sample:e} ms");
        }
        if !keys.insert(key) {
            bail!("{key} is in the report twice");
        }
    }
    Ok(measurements)
}

const NO_REPORT: &str = "is not a report that nn-lab bench conv, gemm or step wrote with --json";

fn parse<T: DeserializeOwned>(json: &str) -> anyhow::Result<T> {
    serde_json::from_str(json).map_err(|error| match error.is_data() {
        true => anyhow!(NO_REPORT),
        false => anyhow!(JsonError::from(error)),
    })
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
pub enum Verdict {
    /// Faster, and not by chance.
    Better,
    /// Slower, and not by chance.
    Worse,
    /// The samples show that any change is smaller than the bound.
    Same,
    /// Neither: chance may have made the difference, or hidden one.
    Undecided,
    /// So few that no difference could be told from chance.
    TooFewSamples,
}

impl Verdict {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "same",
            Self::Undecided => "undecided",
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
    /// Where that change lies according to the samples, in percent: from the 99 % intervals of both medians.
    pub interval: (f64, f64),
    /// Probability of such a difference by chance (Mann & Whitney, two-sided).
    pub p: f64,
    /// The conclusion.
    pub verdict: Verdict,
}

impl Change {
    fn between(before: &Measurement, after: &Measurement, bound: f64) -> Self {
        let medians = (median(&before.samples), median(&after.samples));
        let (old, new) = (median_interval(&before.samples), median_interval(&after.samples));
        let percent = |before: f64, after: f64| 100.0 * (after / before - 1.0);
        let interval = (percent(old.1, new.0), percent(old.0, new.1));
        let p = mann_whitney(&before.samples, &after.samples);
        let verdict = if before.samples.len().min(after.samples.len()) < ENOUGH_SAMPLES {
            Verdict::TooFewSamples
        } else if p < SIGNIFICANT && medians.1 < medians.0 {
            Verdict::Better
        } else if p < SIGNIFICANT && medians.1 > medians.0 {
            Verdict::Worse
        } else if interval.0 >= -bound && interval.1 <= bound {
            Verdict::Same
        } else {
            Verdict::Undecided
        };
        let percent = percent(medians.0, medians.1);
        Self { key: before.key.clone(), medians, percent, interval, p, verdict }
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
    /// Matches the measurements by their keys. A change is the same within `bound` percent.
    pub fn between(before: &[Measurement], after: &[Measurement], bound: f64) -> Self {
        fn by_key(all: &[Measurement]) -> HashMap<&str, &Measurement> {
            all.iter().map(|measurement| (measurement.key.as_str(), measurement)).collect()
        }
        let (old, new) = (by_key(before), by_key(after));
        let missing = |from: &[Measurement], in_: &HashMap<&str, &Measurement>| {
            let keys = from.iter().map(|measurement| &measurement.key);
            keys.filter(|key| !in_.contains_key(key.as_str())).cloned().collect()
        };
        let pairs = before.iter().filter_map(|b| Some((b, *new.get(b.key.as_str())?)));
        Self {
            changes: pairs.map(|(b, a)| Change::between(b, a, bound)).collect(),
            only_before: missing(before, &new),
            only_after: missing(after, &old),
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
        let changes = Comparison::between(&before, &after, 5.0).changes;
        let verdicts: Vec<_> = changes.iter().map(|c| (c.key.as_str(), c.verdict)).collect();
        assert_eq!(verdicts, [("a", Verdict::Worse), ("b", Verdict::Better), ("c", Verdict::Same)]);
        assert!((changes[0].percent - 5.98).abs() < 0.01, "{}", changes[0].percent);
        assert!(changes[0].is_regression(5.0) && !changes[0].is_regression(7.0));
        assert!(!changes[1].is_regression(5.0));
    }

    /// Not significant is not the same: that takes samples that leave no room for a change.
    #[test]
    fn what_chance_may_hide_is_undecided() {
        let wild = |base: f64| Measurement {
            key: "a".into(),
            samples: (0..8).map(|i| if i % 2 == 0 { base } else { 10.0 * base }).collect(),
        };
        let change = |before: &Measurement, after: &Measurement, bound: f64| {
            Comparison::between(std::slice::from_ref(before), std::slice::from_ref(after), bound).changes[0]
                .clone()
        };
        let undecided = change(&wild(1.0), &wild(1.7), 5.0);
        assert!(undecided.percent > 60.0 && undecided.p > SIGNIFICANT, "{undecided:?}");
        assert_eq!(undecided.verdict, Verdict::Undecided);
        assert!(!undecided.is_regression(5.0));
        let quiet = measured("a", 10.0, 8);
        assert_eq!(change(&quiet, &quiet, 5.0).verdict, Verdict::Same);
        // The samples lie 0.7 % apart: of less than that they say nothing.
        assert_eq!(change(&quiet, &quiet, 0.5).verdict, Verdict::Undecided);
        let (low, high) = change(&quiet, &quiet, 5.0).interval;
        assert!(low < -0.6 && low > -0.8 && high > 0.6 && high < 0.8, "{low} {high}");
    }

    #[test]
    fn few_samples_prove_nothing() {
        let few = Comparison::between(&[measured("a", 1.0, 5)], &[measured("a", 9.0, 5)], 5.0);
        assert_eq!(few.changes[0].verdict, Verdict::TooFewSamples);
        assert!(!few.changes[0].is_regression(5.0));
        let enough = Comparison::between(&[measured("a", 1.0, 6)], &[measured("a", 9.0, 6)], 5.0);
        assert!(enough.changes[0].is_regression(5.0));
    }

    #[test]
    fn what_only_one_side_has_is_listed() {
        let before = [measured("a", 1.0, 8), measured("b", 1.0, 8)];
        let after = [measured("b", 1.0, 8), measured("c", 1.0, 8), measured("d", 1.0, 8)];
        let comparison = Comparison::between(&before, &after, 5.0);
        assert_eq!(comparison.only_before, ["a"]);
        assert_eq!(comparison.only_after, ["c", "d"]);
    }

    #[test]
    fn other_files_are_refused() {
        for (json, expected) in [
            ("", "is empty"),
            ("{\"kind\":", "ends in the middle (line 1, column 8)"),
            ("[]", NO_REPORT),
            ("{}", NO_REPORT),
            ("{\"kind\": \"other\"}", NO_REPORT),
            ("{\"kind\": 5}", NO_REPORT),
            ("{\"kind\": \"conv\"}", NO_REPORT),
            ("{\"step_ms\": 3}", NO_REPORT),
        ] {
            assert_eq!(read(json).unwrap_err().to_string(), expected, "{json}");
        }
    }
}
