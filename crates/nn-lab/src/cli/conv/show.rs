//! What is said of measured convolutions: a table, CSV, a roofline.

use fer::printable::csv_cell;
use nn_lab::conv::{Caching, ConvReport, Entry, Phases, Status};
use nn_lab::roofline::{Point, Roof, svg};

use crate::cli::{above_peak, percent, table};

/// The table, and what there is to say about it.
pub fn describe(report: &ConvReport) -> String {
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
    let of_peak = report.entries.iter().filter_map(|entry| match &entry.status {
        Status::Timed { of_peak, .. } => Some((*of_peak, is_winograd(entry))),
        _ => None,
    });
    lines.extend(above_peak(of_peak));
    lines.extend(notes);
    lines.join("\n")
}

/// Whether it ran an algorithm that multiplies less often than direct convolution.
fn is_winograd(entry: &Entry) -> bool {
    entry.resolved.as_ref().is_some_and(|name| name.starts_with("winograd"))
}

/// The algorithm, with its choice if it was `auto`.
fn algorithm(entry: &Entry) -> String {
    match &entry.resolved {
        Some(resolved) if *resolved != entry.algorithm => format!("{} ({resolved})", entry.algorithm),
        _ => entry.algorithm.clone(),
    }
}

/// A line for each case.
pub fn csv(report: &ConvReport) -> anyhow::Result<String> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
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
        let names = [&entry.problem, &entry.label, &entry.direction, &entry.algorithm];
        let names = names.map(|name| csv_cell(name).into_owned());
        let resolved = entry.resolved.clone().unwrap_or_default();
        let with = [resolved, report.isa.clone(), report.threads.to_string(), caching, status.to_owned()];
        let counts = [entry.flops.to_string(), entry.compulsory_bytes.to_string()];
        writer.write_record(names.into_iter().chain(with).chain(numbers).chain(counts))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?.trim_end().to_owned())
}

/// The cases below the two ceilings, as SVG.
pub fn roofline(report: &ConvReport, dram_gbs: f64) -> String {
    let points = report.entries.iter().filter_map(|entry| {
        let Status::Timed { gflops, .. } = entry.status else { return None };
        let label = format!("{} {} {}", entry.label, entry.direction, entry.algorithm);
        Some(Point { label, intensity: entry.flops as f64 / entry.compulsory_bytes as f64, gflops })
    });
    let what = format!("{}, {} threads", report.isa, report.threads);
    let roof = Roof { peak_gflops: report.peak.gflops(), dram_gbs, what };
    svg(&points.collect::<Vec<_>>(), &roof).trim_end().to_owned()
}
