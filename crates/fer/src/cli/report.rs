//! `fer report`: runs as one HTML file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use fer::data::Dataset;
use fer::record::{Damaged, Record, find};
use fer::report::Report;
use fer::report::runs::{self, ReportedRun};
use fer::settings::path_or_nothing;
use serde_json::json;

use super::data::load_data;
use super::{emit, emit_json, note, use_threads};

/// Report training runs: one HTML file, Markdown, and the numbers of every picture as CSV.
///
/// OUTPUT.html needs no network and no other file; OUTPUT.md and the folder OUTPUT-data appear beside it.
#[derive(clap::Args)]
pub struct ReportRuns {
    /// Folders of runs, or folders with such folders
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,

    /// The HTML file to write
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,

    /// The report's title
    #[arg(long, value_name = "TEXT", default_value = "Facial emotion recognition")]
    title: String,

    /// FER-2013, for the pictures of errors, if not where it was when the runs were made
    #[arg(long, env = "FER_DATA", value_name = "PATH", value_parser = path_or_nothing())]
    data: Option<PathBuf>,

    /// Show the N most confident errors of each run; 0 for none
    #[arg(long, value_name = "N", default_value_t = 10)]
    errors: usize,

    /// Replace a report that exists
    #[arg(long)]
    force: bool,

    /// Print the files written as JSON
    #[arg(long)]
    json: bool,
}

impl ReportRuns {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        Report::check_path(&self.output, self.force)?;
        use_threads(None)?;
        let (mut reported, mut damaged) = (Vec::new(), Vec::new());
        for folder in &self.runs {
            let found = find(folder)?;
            if found.is_empty() {
                anyhow::bail!("{} is not a run folder and holds none", folder.display());
            }
            for path in found {
                match Record::read(&path).and_then(ReportedRun::new) {
                    Ok(run) => reported.push(run),
                    Err(error) => damaged.push(Damaged::new(&path, &error)),
                }
            }
        }
        for Damaged { problem, .. } in &damaged {
            note(&format!("warning: left out of the results: {problem}"));
        }
        anyhow::ensure!(!reported.is_empty(), "no run can be read, so there is nothing to report");
        label_apart(&mut reported);
        if self.errors > 0 {
            self.show_errors(&mut reported, &mut damaged);
        }
        let report = runs::report(self.title, &reported, &damaged);
        let written = report.write(&self.output, self.force)?;
        let paths: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
        match self.json {
            true => emit_json(&json!({ "runs": reported.len(), "damaged": damaged, "files": paths })),
            false => emit(&paths[..2].join("\n")),
        }
    }

    /// Adds pictures of errors to the runs whose data are at hand. Runs with damaged predictions go without, and are added
    /// to `damaged`.
    fn show_errors(&self, runs: &mut [ReportedRun], damaged: &mut Vec<Damaged>) {
        type Choice = (Option<PathBuf>, Option<usize>, u64);
        let mut loaded: Option<(Choice, Option<Dataset>)> = None;
        for run in runs {
            match run.record.predictions() {
                Ok(predictions) if predictions.is_empty() => continue,
                Ok(_) => {}
                Err(error) => {
                    note(&format!("warning: no pictures of errors: {error}"));
                    damaged.push(Damaged::new(&run.record.path, &error));
                    continue;
                }
            }
            let integer = |name| run.record.settings.get(name).and_then(toml::Value::as_integer);
            let path = run.record.setting("data").map(PathBuf::from);
            let path = path.and_then(|path| self.data.clone().or(Some(path)));
            let choice: Choice = (
                path,
                integer("limit").and_then(|limit| usize::try_from(limit).ok()),
                integer("seed").and_then(|seed| u64::try_from(seed).ok()).unwrap_or(0),
            );
            if loaded.as_ref().is_none_or(|(have, _)| *have != choice) {
                let data = load_data(choice.0.as_deref(), choice.1, choice.2);
                let data = data.map_err(|error| note(&format!("warning: no data: {error:#}"))).ok();
                loaded = Some((choice, data));
            }
            let shown = match &loaded {
                Some((_, Some(data))) => run.show_errors(data, self.errors).unwrap_or(false),
                _ => false,
            };
            if !shown {
                note(&format!(
                    "warning: {}: its test images are not at hand, so no pictures of errors",
                    run.label
                ));
            }
        }
    }
}

/// Runs of the same name get their paths as labels.
fn label_apart(runs: &mut [ReportedRun]) {
    let mut times: HashMap<String, usize> = HashMap::new();
    runs.iter().for_each(|run| *times.entry(run.record.name.clone()).or_default() += 1);
    for run in runs {
        if times[&run.record.name] > 1 {
            run.label = Path::new(&run.record.path).display().to_string();
        }
    }
}
