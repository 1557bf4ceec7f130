//! The files of a report.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use image::{GrayImage, ImageFormat};
use nn_core::files::{
    OutputError, ReadError, check_file_name, check_output, kind, read_text, write_atomically, write_output,
};
use thiserror::Error;

use super::{Bars, Block, Confusion, Curves, Report};
use crate::printable::csv_cell;

/// Why a report cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The path names no HTML file.
    #[error("{0}: a report's name ends in .html")]
    Name(PathBuf),
    /// A file cannot be written where it should be.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The list of an earlier report's files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The file in a report's folder that names the others.
const LIST: &str = "report-files.txt";

/// What an earlier report has left in its folder; empty if it was none.
fn listed(list: &Path) -> Result<String, ReportError> {
    match read_text(list, 1 << 20) {
        Err(error) if error.is_not_found() => Ok(String::new()),
        text => Ok(text?),
    }
}

/// Where a report goes.
struct Places {
    markdown: PathBuf,
    data: PathBuf,
    /// The name of `data`, as links say it.
    link: String,
}

impl Places {
    fn of(html: &Path) -> Result<Self, ReportError> {
        let wrong = || ReportError::Name(html.into());
        if html.extension().is_none_or(|extension| extension != "html") {
            return Err(wrong());
        }
        let stem = html.file_stem().and_then(|stem| stem.to_str()).ok_or_else(wrong)?;
        let link = format!("{stem}-data");
        Ok(Self { markdown: html.with_extension("md"), data: html.with_file_name(&link), link })
    }
}

impl Report {
    /// Fails if the report cannot be written to `html`, as far as that shows beforehand.
    ///
    /// # Errors
    /// If the name does not end in `.html`, or one of the report's files exists and `replace` is false.
    pub fn check_path(html: &Path, replace: bool) -> Result<(), ReportError> {
        let Places { markdown, data, .. } = Places::of(html)?;
        for path in [html, &markdown].into_iter().filter(|path| fs::symlink_metadata(path).is_ok()) {
            check_output(path, replace)?;
        }
        match fs::symlink_metadata(&data) {
            Ok(_) if !replace => Err(OutputError::Exists { path: data }.into()),
            Ok(found) if !found.is_dir() => {
                Err(OutputError::NotAFile { path: data, found: kind(found.file_type()) }.into())
            }
            _ => Ok(()),
        }
    }

    /// Writes `NAME.html`, `NAME.md` and the folder `NAME-data`; returns the files. With `replace`, what an earlier
    /// report left there is replaced: files of that one in `NAME-data` that are no longer part of it are removed, and no
    /// others. Which those are is told by a list that each report leaves there.
    ///
    /// # Errors
    /// Those of [`Report::check_path`], and if the system refuses.
    pub fn write(&self, html: &Path, replace: bool) -> Result<Vec<PathBuf>, ReportError> {
        Self::check_path(html, replace)?;
        let Places { markdown, data, link } = Places::of(html)?;
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| ReportError::Io { path, source }
        };
        fs::create_dir_all(&data).map_err(failed(&data))?;
        let files = self.data_files();
        let list = data.join(LIST);
        for name in listed(&list)?.lines().filter(|name| files.iter().all(|(file, _)| file != name)) {
            let path = data.join(name);
            let ours = name.ends_with(".csv") || name.ends_with(".png");
            if ours
                && check_file_name(name).is_ok()
                && fs::symlink_metadata(&path).is_ok_and(|file| file.is_file())
            {
                fs::remove_file(&path).map_err(failed(&path))?;
            }
        }
        let names: String = files.iter().map(|(name, _)| format!("{name}\n")).collect();
        write_atomically(&list, names.as_bytes()).map_err(failed(&list))?;
        let mut written = Vec::new();
        for (path, content) in [(html, self.to_html(&link)), (&markdown, self.to_markdown(&link))] {
            write_output(path, replace, content.as_bytes())?;
            written.push(path.to_path_buf());
        }
        for (name, content) in files {
            let path = data.join(name);
            write_atomically(&path, &content).map_err(failed(&path))?;
            written.push(path);
        }
        Ok(written)
    }

    /// The files beside the document: a CSV file for each picture, with exactly the numbers that it shows, and the
    /// images of galleries.
    pub fn data_files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for (name, block) in self.content().into_iter().flat_map(|(_, blocks)| blocks) {
            match block {
                Block::Gallery(gallery) => {
                    for (i, picture) in gallery.pictures.iter().enumerate() {
                        files.push((image_name(&name, i), png(&picture.image)));
                    }
                }
                _ => files.extend(csv_of(block).map(|csv| (format!("{name}.csv"), csv.into_bytes()))),
            }
        }
        files
    }
}

/// The name of a gallery's picture.
pub(super) fn image_name(gallery: &str, i: usize) -> String {
    format!("{gallery}-{:02}.png", i + 1)
}

/// The file with the numbers of a picture, if the block is one.
pub(super) fn csv_of(block: &Block) -> Option<String> {
    match block {
        Block::Curves(curves) => Some(curves_csv(curves)),
        Block::Bars(bars) => Some(bars_csv(bars)),
        Block::Confusion(confusion) => Some(confusion_csv(confusion)),
        _ => None,
    }
}

/// A column for the horizontal axis, and one for each series. Several values of a series at one place take as many lines.
fn curves_csv(curves: &Curves) -> String {
    let mut series: Vec<Vec<(f64, f64)>> = curves.series.iter().map(|s| s.finite().collect()).collect();
    series.iter_mut().for_each(|points| points.sort_by(|a, b| a.0.total_cmp(&b.0)));
    let mut places: Vec<f64> = series.iter().flatten().map(|&(x, _)| x).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let mut rest: Vec<&[(f64, f64)]> = series.iter().map(Vec::as_slice).collect();
    let names = curves.series.iter().map(|series| series.name.as_str());
    let mut rows = vec![text_cells(std::iter::once(curves.x.as_str()).chain(names))];
    for place in places {
        let mut here = Vec::with_capacity(rest.len());
        for points in &mut rest {
            let (those, after) = points.split_at(points.iter().take_while(|(x, _)| *x == place).count());
            here.push(those);
            *points = after;
        }
        for line in 0..here.iter().map(|points| points.len()).max().unwrap_or(0) {
            let value = |points: &&[(f64, f64)]| points.get(line).map(|(_, y)| y.to_string());
            let cells = here.iter().map(|points| value(points).unwrap_or_default());
            rows.push(std::iter::once(place.to_string()).chain(cells).collect());
        }
    }
    csv_text(rows)
}

fn bars_csv(bars: &Bars) -> String {
    let names = bars.series.iter().map(|(name, _)| name.as_str());
    let header = text_cells(std::iter::once("name").chain(names));
    let value = |values: &[Option<f64>], i: usize| {
        values
            .get(i)
            .copied()
            .flatten()
            .filter(|value| value.is_finite())
            .map(|v| v.to_string())
            .unwrap_or_default()
    };
    let row = |(i, name): (usize, &String)| {
        let values = bars.series.iter().map(|(_, values)| value(values, i));
        std::iter::once(csv_cell(name).into_owned()).chain(values).collect()
    };
    csv_text(std::iter::once(header).chain(bars.names.iter().enumerate().map(row)))
}

fn confusion_csv(confusion: &Confusion) -> String {
    let classes = confusion.classes.iter().map(String::as_str);
    let header = text_cells(std::iter::once("label").chain(classes));
    let row = |(class, counts): (&String, &Vec<u64>)| {
        std::iter::once(csv_cell(class).into_owned()).chain(counts.iter().map(u64::to_string)).collect()
    };
    csv_text(std::iter::once(header).chain(confusion.classes.iter().zip(&confusion.counts).map(row)))
}

fn text_cells<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    texts.map(|text| csv_cell(text).into_owned()).collect()
}

fn csv_text(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("rows of equal length into memory");
    }
    String::from_utf8(writer.into_inner().expect("memory")).expect("text makes text")
}

/// A picture as the bytes of a PNG file.
pub(super) fn png(image: &GrayImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).expect("memory takes every picture");
    bytes.into_inner()
}
