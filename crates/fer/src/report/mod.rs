//! The report: a document as data, and its two forms, one HTML file and Markdown.
//!
//! A [`Report`] has [`Section`]s, and these have [`Block`]s: text, tables, curves, bars, confusion matrices, galleries,
//! listings, facts. [`Report::write`] leaves
//!
//! ```text
//! NAME.html    everything in one file: no scripts, no network; light and dark, for phones too
//! NAME.md      the same, with the same tables
//! NAME-data/   a CSV file for each picture with exactly the numbers in it, and the images of galleries
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`number`] | how numbers are written; a missing one is an en dash |
//! | [`plot`] | curves and bars as SVG |
//! | [`figures`] | what shows data sets and predictions: samples, counts, worst errors |
//! | [`runs`] | what shows training runs: results beside the published ones, curves, confusion, environment |
//! | [`seeds`] | how far the results of seeds lie apart, and what has to be known about numbers side by side |
//!
//! Whoever reports something else assembles blocks:
//!
//! ```
//! use fer::report::number::{Cell, Unit};
//! use fer::report::{Block, Curves, Report, Section, Series, Table};
//!
//! let mut table = Table::new("Trials", ["trial", "value"]);
//! table.push([Cell::Count(1), Cell::Percent(0.59264)]);
//! let history = Curves::new("Search: history", "trial", "validation accuracy", Unit::Share)
//!     .with(Series::dots("trial", 0, [(1.0, Some(0.59264))]));
//! let section = Section::new("Search").text("Fifteen trials.").with(table).with(history);
//! let report = Report::new("Search").with(section);
//! assert!(report.to_markdown("search-data").contains("| 1 | 59.26 % |"));
//! ```

mod block;
pub mod figures;
mod html;
mod markdown;
pub mod number;
pub mod plot;
pub mod runs;
pub mod seeds;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{HashMap, HashSet};

pub use block::{Bars, Block, Confusion, Curves, Gallery, Listing, Picture, Series, Table};
pub use write::ReportError;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its title.
    pub title: String,
    /// One or two sentences below the title; none if empty.
    pub lead: String,
    /// Its sections. Those without content do not appear.
    pub sections: Vec<Section>,
}

impl Report {
    /// A document without sections.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), lead: String::new(), sections: Vec::new() }
    }

    /// The document with `section` at its end.
    pub fn with(mut self, section: Section) -> Self {
        self.sections.push(section);
        self
    }

    /// The sections that have content, with their blocks, each with the name of its files.
    fn content(&self) -> Vec<(&str, Vec<(String, &Block)>)> {
        let mut taken = HashSet::new();
        // How often each slug was asked for: the search for a free number goes on where it ended.
        let mut asked: HashMap<String, u64> = HashMap::new();
        let mut unique = |caption: &str| {
            let slug = slug(caption);
            let times = asked.entry(slug.clone()).or_default();
            loop {
                *times += 1;
                let name = if *times == 1 { slug.clone() } else { format!("{slug}-{times}") };
                if taken.insert(name.clone()) {
                    return name;
                }
            }
        };
        let mut sections = Vec::new();
        for section in self.sections.iter().filter(|section| !section.is_empty()) {
            let blocks = section.blocks.iter().filter(|block| !block.is_empty());
            sections.push((section.title.as_str(), blocks.map(|b| (unique(b.caption()), b)).collect()));
        }
        sections
    }
}

/// Lower-case letters, digits and hyphens.
fn slug(caption: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' };
    let text: String = caption.chars().map(plain).collect();
    let words: Vec<_> = text.split_whitespace().collect();
    let slug: String = words.join("-").chars().take(80).collect();
    if slug.is_empty() { "figure".into() } else { slug }
}

/// A part of the document under a heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it shows, in order. Blocks without content do not appear.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section without content.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), blocks: Vec::new() }
    }

    /// The section with `block` at its end.
    pub fn with(mut self, block: impl Into<Block>) -> Self {
        self.blocks.push(block.into());
        self
    }

    /// The section with a paragraph at its end.
    pub fn text(self, paragraph: impl Into<String>) -> Self {
        self.with(Block::Text(paragraph.into()))
    }

    /// Whether there is nothing to show but words: paragraphs introduce, they do not make a section.
    pub fn is_empty(&self) -> bool {
        self.blocks.iter().all(|block| block.is_empty() || matches!(block, Block::Text(_)))
    }
}
