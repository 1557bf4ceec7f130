//! `fer data`: count, preview, or draw faces.

use std::borrow::Cow;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::Context;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use fer::data::csv::{self, Options, SPLIT_FILES};
use fer::data::synthetic::{self, Sizes};
use fer::data::{Dataset, EMOTIONS, Split, preview};
use fer::settings::path_or_nothing;
use nn_core::files::{check_output, write_output_with};

use super::{emit, emit_json, note, use_threads, write_png};

/// Which data a command works on.
#[derive(Args)]
pub struct DataArgs {
    /// FER-2013: a folder with the CSV files, or one CSV file with a Usage column (.gz is fine)
    #[arg(long, env = "FER_DATA", value_name = "PATH", value_parser = path_or_nothing())]
    data: Option<PathBuf>,

    /// Use N training images, and val and test in proportion; the classes keep their shares
    #[arg(long, value_name = "N")]
    limit: Option<NonZeroUsize>,

    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl DataArgs {
    /// Loads the data, reporting on stderr what is unusual about them.
    ///
    /// Without a path the embedded synthetic faces are used. These do not depend on `seed`, which chooses
    /// the subset of `--limit`.
    pub fn load(&self) -> anyhow::Result<Dataset> {
        use_threads(None)?;
        load_data(self.data.as_deref(), self.limit.map(NonZeroUsize::get), self.seed)
    }
}

/// Loads the data at `path`, or the embedded synthetic faces, and takes a subset of `limit` training images
/// chosen by `seed`; reports on stderr what is unusual.
pub fn load_data(path: Option<&Path>, limit: Option<usize>, seed: u64) -> anyhow::Result<Dataset> {
    let dataset = Images::load(path)?.limited(limit, seed).into_owned();
    warn(&dataset);
    Ok(dataset)
}

/// Reports on stderr what is unusual about a dataset.
pub fn warn(dataset: &Dataset) {
    for warning in &dataset.warnings {
        note(&format!("warning: {warning}"));
    }
}

/// Images of which each run uses all or a subset.
pub enum Images {
    /// Read from files.
    Read(Dataset),
    /// The embedded synthetic faces: subsets are drawn alone, and all of them when all are wanted.
    Embedded(OnceLock<Dataset>),
}

impl Images {
    /// Reads the data at `path`; the embedded synthetic faces if it is none or empty.
    pub fn load(path: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) {
            return Ok(Self::Read(csv::load(path, &Options::default())?));
        }
        let Sizes { train, val, test } = Sizes::default();
        let seed = synthetic::DEFAULT_SEED;
        note(&format!(
            "no --data given: using the embedded synthetic faces ({train} train, {val} val, {test} test, seed {seed})"
        ));
        Ok(Self::Embedded(OnceLock::new()))
    }

    /// All images, or a subset of `limit` training images chosen by `seed`.
    pub fn limited(&self, limit: Option<usize>, seed: u64) -> Cow<'_, Dataset> {
        let (sizes, drawing) = (Sizes::default(), synthetic::DEFAULT_SEED);
        match (self, limit) {
            (Self::Read(all), None) => Cow::Borrowed(all),
            (Self::Read(all), Some(n)) => Cow::Owned(all.limit(n, seed)),
            (Self::Embedded(all), None) => {
                Cow::Borrowed(all.get_or_init(|| synthetic::dataset(sizes, drawing)))
            }
            (Self::Embedded(_), Some(n)) => Cow::Owned(synthetic::limited(sizes, drawing, n, seed)),
        }
    }
}

/// The subcommands of `fer data`.
#[derive(Subcommand)]
pub enum Command {
    /// Count the images of each emotion and split
    Stats(Stats),
    /// Draw a sheet of random faces, labelled by emotion, as a PNG
    Preview(Preview),
    /// Write synthetic faces as CSV files
    Synth(Synth),
}

impl Command {
    /// Runs the chosen subcommand.
    pub fn run(self) -> anyhow::Result<()> {
        match self {
            Command::Stats(stats) => stats.run(),
            Command::Preview(preview) => preview.run(),
            Command::Synth(synth) => synth.run(),
        }
    }
}

#[derive(Args)]
pub struct Stats {
    #[command(flatten)]
    data: DataArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Stats {
    fn run(self) -> anyhow::Result<()> {
        let dataset = self.data.load()?;
        if self.json {
            return emit_json(&stats_json(&dataset));
        }
        let (table, source, hash) = (stats_table(&dataset), &dataset.source, dataset.fingerprint());
        emit(&format!("{table}\n\nsource       {source}\nfingerprint  {hash}"))
    }
}

fn stats_table(dataset: &Dataset) -> Table {
    let counts = Split::ALL.map(|split| dataset.split(split).counts());
    let totals = Split::ALL.map(|split| dataset.split(split).len());
    let all: usize = totals.iter().sum();
    let row = |name: &str, [train, val, test]: [usize; 3]| {
        let total = train + val + test;
        let share = format!("{:.1} %", 100.0 * total as f64 / all.max(1) as f64);
        [name.to_owned(), train.to_string(), val.to_string(), test.to_string(), total.to_string(), share]
    };
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["emotion", "train", "val", "test", "total", "share"]);
    for (label, name) in EMOTIONS.into_iter().enumerate() {
        table.add_row(row(name, counts.map(|counts| counts[label])));
    }
    table.add_row(row("total", totals));
    table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

fn stats_json(dataset: &Dataset) -> serde_json::Value {
    let split = |split| {
        let faces = dataset.split(split);
        let counts = EMOTIONS.into_iter().zip(faces.counts());
        let counts: serde_json::Map<_, _> = counts.map(|(name, n)| (name.to_owned(), n.into())).collect();
        json!({ "images": faces.len(), "counts": counts })
    };
    let warnings = dataset.warnings.iter().map(|warning| {
        let mut value = json!(warning);
        value["message"] = warning.to_string().into();
        value
    });
    json!({
        "source": dataset.source,
        "fingerprint": dataset.fingerprint(),
        "splits": { "train": split(Split::Train), "val": split(Split::Val), "test": split(Split::Test) },
        "warnings": warnings.collect::<Vec<_>>(),
    })
}

#[derive(Args)]
pub struct Preview {
    #[command(flatten)]
    data: DataArgs,
    /// Faces of each emotion
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=100))]
    per_class: u16,
    /// The split to choose from
    #[arg(long, default_value = "train")]
    split: Split,
    /// The PNG file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

impl Preview {
    fn run(self) -> anyhow::Result<()> {
        check_output(&self.output, self.force)?;
        let dataset = self.data.load()?;
        let sheet = preview::sheet(dataset.split(self.split), self.per_class.into(), self.data.seed);
        write_png(&self.output, self.force, &sheet)?;
        emit(&self.output.display().to_string())
    }
}

#[derive(Args)]
pub struct Synth {
    /// The folder to write Q1_Train_Data.csv, Q1_Validation_Data.csv and Q1_Test_Data.csv into
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Write one file with a Usage column instead: PATH is that file
    #[arg(long)]
    single_file: bool,
    /// Training images
    #[arg(long, value_name = "N", default_value_t = Sizes::default().train as u32, value_parser = size())]
    train: u32,
    /// Validation images
    #[arg(long, value_name = "N", default_value_t = Sizes::default().val as u32, value_parser = size())]
    val: u32,
    /// Test images
    #[arg(long, value_name = "N", default_value_t = Sizes::default().test as u32, value_parser = size())]
    test: u32,
    /// Seed of the drawing
    #[arg(long, value_name = "N", default_value_t = synthetic::DEFAULT_SEED)]
    seed: u64,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
}

/// Sizes that [`csv::load`] reads back.
fn size() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=200_000)
}

impl Synth {
    fn run(self) -> anyhow::Result<()> {
        use_threads(None)?;
        let sizes = Sizes { train: self.train as usize, val: self.val as usize, test: self.test as usize };
        let draw = || synthetic::dataset(sizes, self.seed);
        if self.single_file {
            check_output(&self.output, self.force)?;
            let dataset = draw();
            let splits = Split::ALL.map(|split| (split, dataset.split(split)));
            return self.write(&self.output, |out| csv::write_rows_with_usage(out, &splits));
        }
        let paths = SPLIT_FILES.map(|name| self.output.join(name));
        std::fs::create_dir_all(&self.output)
            .with_context(|| format!("cannot make the folder {}", self.output.display()))?;
        for path in &paths {
            check_output(path, self.force)?;
        }
        let dataset = draw();
        for (path, split) in paths.iter().zip(Split::ALL) {
            self.write(path, |out| csv::write_rows(out, dataset.split(split)))?;
        }
        Ok(())
    }

    fn write(&self, path: &Path, rows: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
        write_output_with(path, self.force, rows)?;
        emit(&path.display().to_string())
    }
}
