//! What a section is made of.

use image::GrayImage;

use super::number::{Cell, Unit};

/// One thing to read or look at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A table.
    Table(Table),
    /// Lines or dots over numbers.
    Curves(Curves),
    /// Bars beside names.
    Bars(Bars),
    /// Counts by true and predicted class.
    Confusion(Confusion),
    /// Pictures with words below each.
    Gallery(Gallery),
    /// Lines of text as they are, to be opened.
    Listing(Listing),
    /// Names and what they stand for, such as the environment.
    Facts(Vec<(String, String)>),
}

impl Block {
    /// What stands above it, and names its files; empty for text and facts.
    pub fn caption(&self) -> &str {
        match self {
            Self::Text(_) | Self::Facts(_) => "",
            Self::Table(Table { caption, .. })
            | Self::Curves(Curves { caption, .. })
            | Self::Bars(Bars { caption, .. })
            | Self::Confusion(Confusion { caption, .. })
            | Self::Gallery(Gallery { caption, .. })
            | Self::Listing(Listing { caption, .. }) => caption,
        }
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Table(table) => table.rows.is_empty(),
            Self::Curves(curves) => curves.series.iter().all(|series| series.finite().next().is_none()),
            Self::Bars(bars) => {
                bars.series.iter().all(|(_, values)| !values.iter().flatten().any(|v| v.is_finite()))
            }
            Self::Confusion(confusion) => confusion.counts.is_empty(),
            Self::Gallery(gallery) => gallery.pictures.is_empty(),
            Self::Listing(listing) => listing.text.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
        }
    }
}

macro_rules! block_from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Block {
            fn from(content: $kind) -> Self {
                Self::$kind(content)
            }
        }
    )*};
}
block_from!(Table, Curves, Bars, Confusion, Gallery, Listing);

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns' names. `test: ours` stands as `ours` below a `test` that it shares with its neighbours.
    pub columns: Vec<String>,
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new<S: Into<String>>(caption: impl Into<String>, columns: impl IntoIterator<Item = S>) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { caption: caption.into(), columns, rows: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has not one cell for each column.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        let row: Vec<_> = row.into_iter().collect();
        assert_eq!(row.len(), self.columns.len(), "cells of a row of {:?}", self.caption);
        self.rows.push(row);
    }

    /// Removes the columns in which every value is missing.
    pub fn without_empty_columns(mut self) -> Self {
        let any = |column: usize| self.rows.iter().any(|row| row[column] != Cell::Missing);
        let keep: Vec<bool> = (0..self.columns.len()).map(any).collect();
        let mut kept = keep.iter();
        self.columns.retain(|_| *kept.next().expect("as many"));
        for row in &mut self.rows {
            let mut kept = keep.iter();
            row.retain(|_| *kept.next().expect("as many"));
        }
        self
    }
}

/// Lines or dots over numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Curves {
    /// What it shows.
    pub caption: String,
    /// What the horizontal axis counts.
    pub x: String,
    /// What the vertical axis measures.
    pub y: String,
    /// How values on the vertical axis are written.
    pub unit: Unit,
    /// The lines.
    pub series: Vec<Series>,
}

impl Curves {
    /// Axes without lines.
    pub fn new(caption: impl Into<String>, x: impl Into<String>, y: impl Into<String>, unit: Unit) -> Self {
        Self { caption: caption.into(), x: x.into(), y: y.into(), unit, series: Vec::new() }
    }

    /// The plot with one more line.
    pub fn with(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }
}

/// A line or dots of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points; a missing value interrupts the line.
    pub points: Vec<(f64, Option<f64>)>,
    /// Which of the plot's colours; they repeat after six.
    pub colour: usize,
    /// Whether the line is dashed, as published values are.
    pub dashed: bool,
    /// Whether the points are joined.
    pub line: bool,
}

impl Series {
    /// Points joined by a line.
    pub fn line<P: Into<Option<f64>>>(
        name: impl Into<String>,
        colour: usize,
        points: impl IntoIterator<Item = (f64, P)>,
    ) -> Self {
        let points = points.into_iter().map(|(x, y)| (x, y.into())).collect();
        Self { name: name.into(), points, colour, dashed: false, line: true }
    }

    /// Points that are not joined.
    pub fn dots<P: Into<Option<f64>>>(
        name: impl Into<String>,
        colour: usize,
        points: impl IntoIterator<Item = (f64, P)>,
    ) -> Self {
        Self { line: false, ..Self::line(name, colour, points) }
    }

    /// The same, dashed.
    pub fn dashed(self) -> Self {
        Self { dashed: true, ..self }
    }

    /// The points that have a place on paper.
    pub fn finite(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.points.iter().filter_map(|&(x, y)| Some((x, y?))).filter(|(x, y)| x.is_finite() && y.is_finite())
    }

    /// The points in runs without gaps.
    pub(super) fn unbroken(&self) -> Vec<Vec<(f64, f64)>> {
        let value =
            |&(x, y): &(f64, Option<f64>)| Some((x, y?)).filter(|(x, y)| x.is_finite() && y.is_finite());
        let runs = self.points.split(|point| value(point).is_none());
        runs.filter(|run| !run.is_empty()).map(|run| run.iter().filter_map(value).collect()).collect()
    }
}

/// Bars beside names.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What it shows.
    pub caption: String,
    /// What the bars measure.
    pub measure: String,
    /// How values are written.
    pub unit: Unit,
    /// The names, from top to bottom.
    pub names: Vec<String>,
    /// Groups of bars, each with its name and a value for every name. Negative values count as 0.
    pub series: Vec<(String, Vec<Option<f64>>)>,
}

/// Counts by true and predicted class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    /// What it shows.
    pub caption: String,
    /// The classes.
    pub classes: Vec<String>,
    /// For each true class, how often each class was predicted.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// The counts as a table, the true classes in the first column.
    pub fn table(&self) -> Table {
        let columns = std::iter::once("true \\ predicted").chain(self.classes.iter().map(String::as_str));
        let mut table = Table::new(self.caption.clone(), columns);
        for (class, row) in self.classes.iter().zip(&self.counts) {
            table.push(std::iter::once(Cell::text(class)).chain(row.iter().map(|&count| Cell::Count(count))));
        }
        table
    }

    /// Precision, recall, F1 and number of images for each class, and their means.
    ///
    /// Precision is the share of the images predicted as a class that belong to it, recall the share of a class's
    /// images that were predicted as it, and F1 their harmonic mean, `2 tp / (2 tp + fp + fn)`. What would be divided by
    /// zero is missing, and left out of the means.
    pub fn by_class(&self, caption: impl Into<String>) -> Table {
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        let mut table = Table::new(caption, ["class", "precision", "recall", "F1", "images"]);
        let mut measures = Vec::new();
        for (class, name) in self.classes.iter().enumerate() {
            let hits = self.counts[class][class];
            let images: u64 = self.counts[class].iter().sum();
            let predicted: u64 = self.counts.iter().map(|row| row[class]).sum();
            let measured = [share(hits, predicted), share(hits, images), share(2 * hits, predicted + images)];
            let [precision, recall, f1] = measured.map(Cell::percent);
            table.push([Cell::text(name), precision, recall, f1, Cell::Count(images)]);
            measures.push(measured);
        }
        let mean = |measure: usize| {
            let known: Vec<f64> = measures.iter().filter_map(|measured| measured[measure]).collect();
            Cell::percent((!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64))
        };
        let images = self.counts.iter().flatten().sum();
        table.push([Cell::text("mean"), mean(0), mean(1), mean(2), Cell::Count(images)]);
        table
    }
}

/// Pictures with words below each.
#[derive(Debug, Clone, PartialEq)]
pub struct Gallery {
    /// What it shows.
    pub caption: String,
    /// Pictures in a row; as many as fit if `None`.
    pub per_row: Option<usize>,
    /// The pictures.
    pub pictures: Vec<Picture>,
}

/// A picture of a gallery.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What it shows.
    pub image: GrayImage,
    /// The words below.
    pub caption: String,
}

/// Lines of text as they are: a network's summary, a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What it shows.
    pub caption: String,
    /// The lines.
    pub text: String,
}
