//! A report as Markdown.

use std::fmt::Write;

use super::number::Cell;
use super::write::image_name;
use super::{Block, Report, Table};
use crate::printable::printable;

impl Report {
    /// The report as Markdown; `data` is the folder of its files, relative to the document.
    pub fn to_markdown(&self, data: &str) -> String {
        let mut out = format!("# {}\n", escape(&self.title));
        if !self.lead.is_empty() {
            let _ = write!(out, "\n{}\n", escape(&self.lead));
        }
        for (title, blocks) in self.content() {
            let _ = write!(out, "\n## {}\n", escape(title));
            for (name, block) in blocks {
                if !block.caption().is_empty() {
                    let _ = write!(out, "\n### {}\n", escape(block.caption()));
                }
                out += "\n";
                out += &body(block, &name, data);
            }
        }
        printable(&out).into_owned()
    }
}

fn body(block: &Block, name: &str, data: &str) -> String {
    let numbers = || format!("Numbers: [{name}.csv](<{data}/{name}.csv>)\n");
    match block {
        Block::Text(text) => escape(text) + "\n",
        Block::Table(content) => table(content),
        Block::Confusion(confusion) => format!("{}\n{}", table(&confusion.table()), numbers()),
        Block::Curves(curves) => {
            let names =
                curves.series.iter().map(|series| series.name.as_str()).collect::<Vec<_>>().join(", ");
            format!("{} by {}: {}. {}", escape(&curves.y), escape(&curves.x), escape(&names), numbers())
        }
        Block::Bars(bars) => {
            let columns = std::iter::once("").chain(bars.series.iter().map(|(name, _)| name.as_str()));
            let mut values = Table::new("", columns);
            for (i, name) in bars.names.iter().enumerate() {
                let value = |values: &[Option<f64>]| match values.get(i).copied().flatten() {
                    Some(value) if value.is_finite() => bars.unit.cell(value),
                    _ => Cell::Missing,
                };
                values
                    .push(std::iter::once(Cell::text(name)).chain(bars.series.iter().map(|(_, v)| value(v))));
            }
            format!("{}\n{}", table(&values), numbers())
        }
        Block::Gallery(gallery) => {
            let picture = |(i, caption): (usize, &str)| {
                let caption = escape(caption);
                format!("- ![{caption}](<{data}/{}>) {caption}\n", image_name(name, i))
            };
            gallery.pictures.iter().map(|picture| picture.caption.as_str()).enumerate().map(picture).collect()
        }
        Block::Listing(listing) => {
            let fence = fence(&listing.text);
            format!("{fence}text\n{}\n{fence}\n", listing.text.trim_end())
        }
        Block::Facts(facts) => {
            let mut values = Table::new("", ["", ""]);
            for (name, value) in facts {
                values.push([Cell::text(name), Cell::text(value)]);
            }
            table(&values)
        }
    }
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(table.columns.iter().map(|column| escape(column)).collect());
    let right = |column: usize| table.rows.iter().all(|row| row[column].is_numeric());
    let rule = |column| if right(column) { "---:" } else { "---" }.to_owned();
    out += &line((0..table.columns.len()).map(rule).collect());
    for row in &table.rows {
        out += &line(row.iter().map(|cell| escape(&cell.to_string())).collect());
    }
    out
}

/// More backquotes than stand in a row anywhere in the text, and at least three.
fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// Text without the characters that Markdown takes for something else.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '&' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
