//! `fer runs`: what training runs left behind.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use comfy_table::{CellAlignment, presets};
use fer::record::{Damaged, Record, State, find, is_run};
use fer::report::Table;
use fer::report::number::Cell;
use fer::report::runs::epochs;
use serde_json::{Value, json};

use super::{emit, emit_json, note};

/// The subcommands of `fer runs`.
#[derive(Subcommand)]
pub enum Command {
    /// List the runs in a folder
    List {
        /// The folder
        #[arg(value_name = "DIR", default_value = "runs")]
        folder: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a run left behind
    Show {
        /// The run's folder
        #[arg(value_name = "RUN")]
        run: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare runs: results, and settings that differ
    Compare {
        /// The runs' folders
        #[arg(value_name = "RUN", required = true, num_args = 2..)]
        runs: Vec<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the chosen subcommand.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { folder, json } => list(&folder, json),
            Self::Show { run, json: true } => emit_json(&Record::read(&run)?),
            Self::Show { run, json: false } => show(&Record::read(&run)?),
            Self::Compare { runs, json } => compare(&runs, json),
        }
    }
}

fn list(folder: &Path, as_json: bool) -> anyhow::Result<()> {
    let mut table = Table::new("", ["run", "model", "state", "epochs", "train", "val", "test", "time"]);
    let mut rows = Vec::new();
    for path in find(folder)? {
        let name = path.display().to_string();
        let (record, problem) = match Record::read_among_others(&path) {
            Ok(record) => (Some(record), None),
            Err(Damaged { problem, .. }) => (None, Some(problem)),
        };
        if let Some(problem) = &problem {
            note(&format!("warning: {problem}"));
        }
        let reached = record.as_ref().map(Record::reached).unwrap_or_default();
        let state = match record.as_ref().map(|record| record.state) {
            Some(State::Finished) => "finished",
            Some(State::Unfinished) => "unfinished",
            None => "damaged",
        };
        rows.push(json!({
            "run": &name,
            "model": record.as_ref().map(|record| record.model.as_str()),
            "state": state,
            "problem": problem,
            "epochs": reached.epochs,
            "train_acc": reached.train_acc,
            "val_acc": reached.val_acc,
            "test_acc": reached.test_acc,
            "seconds": reached.seconds,
        }));
        table.push([
            Cell::text(name),
            record.as_ref().map_or(Cell::Missing, |record| Cell::text(&record.model)),
            Cell::text(state),
            record.as_ref().map_or(Cell::Missing, |record| Cell::text(epochs(record))),
            Cell::percent(reached.train_acc),
            Cell::percent(reached.val_acc),
            Cell::percent(reached.test_acc),
            Cell::seconds(reached.seconds),
        ]);
    }
    if as_json {
        return emit_json(&rows);
    }
    if rows.is_empty() {
        note(&format!("no runs in {}", folder.display()));
        return Ok(());
    }
    emit(&printed(&table))
}

fn show(record: &Record) -> anyhow::Result<()> {
    let state = match record.state {
        State::Finished => "finished",
        State::Unfinished => "unfinished",
    };
    let mut lines =
        format!("{}: {}, {state}, {} epochs\n\n", record.path.display(), record.model, epochs(record));
    lines += &printed(&results(std::slice::from_ref(record)));
    lines += "\n\n";
    let mut settings = Table::new("", ["setting", "value"]);
    for name in record.settings.keys() {
        settings.push([Cell::text(name), Cell::text(record.setting(name).unwrap_or_default())]);
    }
    lines += &printed(&settings);
    if let Some((epoch, accuracy)) = record.best_epoch() {
        lines += &format!("\n\nbest validation accuracy  {} in epoch {epoch}", Cell::percent(accuracy));
    }
    if let Some(environment) = &record.environment {
        lines += &format!("\ncommand  {}", environment.command.join(" "));
        lines += &format!("\ndata     {} (SHA-256 {})", environment.data, environment.data_sha256);
        lines += &format!("\ncommit   {}", environment.commit);
    }
    emit(&lines)
}

/// What runs reached, a column for each.
fn results(records: &[Record]) -> Table {
    let names = records.iter().map(|record| record.name.as_str());
    let mut table = Table::new("", std::iter::once("result").chain(names));
    let reached: Vec<_> = records.iter().map(Record::reached).collect();
    let mut row = |name: &str, value: &dyn Fn(usize) -> Cell| {
        table.push(std::iter::once(Cell::text(name)).chain((0..records.len()).map(value)));
    };
    row("epochs", &|i| Cell::text(epochs(&records[i])));
    row("train accuracy", &|i| Cell::percent(reached[i].train_acc));
    row("val accuracy", &|i| Cell::percent(reached[i].val_acc));
    row("test accuracy", &|i| Cell::percent(reached[i].test_acc));
    row("train loss", &|i| Cell::number(reached[i].train_loss));
    row("val loss", &|i| Cell::number(reached[i].val_loss));
    row("test loss", &|i| Cell::number(reached[i].test_loss));
    row("parameters", &|i| Cell::count(reached[i].params));
    row("time", &|i| Cell::seconds(reached[i].seconds));
    table
}

fn compare(runs: &[PathBuf], as_json: bool) -> anyhow::Result<()> {
    let (mut records, mut damaged) = (Vec::new(), Vec::new());
    for path in runs {
        anyhow::ensure!(is_run(path), "{} is not a run folder", path.display());
        match Record::read_among_others(path) {
            Ok(record) => records.push(record),
            Err(run) => {
                note(&format!("warning: left out: {}", run.problem));
                damaged.push(run);
            }
        }
    }
    anyhow::ensure!(!records.is_empty(), "none of these runs can be read");
    let records = &records[..];
    let names: BTreeSet<&String> = records.iter().flat_map(|record| record.settings.keys()).collect();
    let differs = |name: &&String| {
        let values = records.iter().map(|record| record.setting(name));
        values.collect::<BTreeSet<_>>().len() > 1
    };
    let differing: Vec<&String> = names.into_iter().filter(differs).collect();
    if as_json {
        let runs = records.iter().map(|record| record.path.display().to_string());
        let settings = differing.iter().map(|name| {
            let values = records.iter().map(|record| json!(record.settings.get(*name)));
            ((*name).clone(), Value::Array(values.collect()))
        });
        return emit_json(&json!({
            "runs": runs.collect::<Vec<_>>(),
            "settings": settings.collect::<serde_json::Map<_, _>>(),
            "results": records.iter().map(Record::reached).collect::<Vec<_>>(),
            "damaged": damaged,
        }));
    }
    let names = records.iter().map(|record| record.name.as_str());
    let mut settings = Table::new("", std::iter::once("setting").chain(names));
    for name in differing {
        let values = records.iter().map(|record| record.setting(name).map_or(Cell::Missing, Cell::Text));
        settings.push(std::iter::once(Cell::text(name)).chain(values));
    }
    let settings = match settings.rows.is_empty() {
        true => "no setting differs".into(),
        false => printed(&settings),
    };
    emit(&format!("{settings}\n\n{}", printed(&results(records))))
}

/// A table for a terminal.
pub fn printed(table: &Table) -> String {
    let mut out = comfy_table::Table::new();
    out.load_style(presets::ASCII_MARKDOWN).set_header(&table.columns);
    for row in &table.rows {
        out.add_row(row.iter().map(Cell::to_string));
    }
    for (i, column) in out.column_iter_mut().enumerate() {
        if table.rows.iter().all(|row| row[i].is_numeric()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.to_string()
}
