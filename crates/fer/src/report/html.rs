//! A report as one HTML file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::plot::{self, COLOURS};
use super::write::{csv_of, png};
use super::{Block, Confusion, Gallery, Report, Table, slug};
use crate::printable::printable;

/// Texts of more letters than this may take several lines.
const LONG: usize = 40;

/// Pictures wider than this are shown larger.
const LARGE: u32 = 128;

const STYLE: &str = include_str!("report.css");

impl Report {
    /// The report as one HTML file without scripts that asks nothing of the network; `data` is the folder of its CSV
    /// files, relative to the document.
    ///
    /// It is well-formed XML once its void elements (`meta`, `img`) are closed.
    pub fn to_html(&self, data: &str) -> String {
        let sections = self.content();
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    // Browsers ask for an icon unless there is one.
                    link rel="icon" href="data:,";
                    title { (self.title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    h1 { (self.title) }
                    @if !self.lead.is_empty() { p { (self.lead) } }
                    @if sections.len() > 1 {
                        nav aria-label="Sections" {
                            ul { @for (title, _) in &sections { li { a href={ "#section-" (slug(title)) } { (title) } } } }
                        }
                    }
                    @for (title, blocks) in &sections {
                        section id={ "section-" (slug(title)) } {
                            h2 { (title) }
                            // Neighbouring plots and matrices stand side by side, where there is room.
                            @for group in blocks.chunk_by(|a, b| stands_beside(a.1) && stands_beside(b.1)) {
                                @if stands_beside(group[0].1) {
                                    div.plots { @for (name, block) in group { (figure(name, block, data)) } }
                                } @else {
                                    @for (name, block) in group { (figure(name, block, data)) }
                                }
                            }
                        }
                    }
                }
            }
        };
        printable(&document.into_string()).into_owned() + "\n"
    }
}

fn stands_beside(block: &Block) -> bool {
    matches!(block, Block::Curves(_) | Block::Bars(_) | Block::Confusion(_))
}

fn figure(name: &str, block: &Block, data: &str) -> Markup {
    let content = match block {
        Block::Text(text) => return html! { p { (text) } },
        Block::Facts(facts) => {
            return html! { dl { @for (name, value) in facts { dt { (name) } dd { (value) } } } };
        }
        Block::Listing(listing) => {
            return html! {
                details id=(name) { summary { (listing.caption) } pre tabindex="0" { (listing.text) } }
            };
        }
        Block::Table(content) => table(content),
        Block::Confusion(content) => confusion(content),
        Block::Gallery(content) => gallery(content),
        Block::Curves(curves) => html! {
            (PreEscaped(plot::curves(curves)))
            (legend(curves.series.iter().map(|s| (s.name.as_str(), s.colour, s.dashed, s.line))))
        },
        Block::Bars(bars) => html! {
            (PreEscaped(plot::bars(bars)))
            (legend(bars.series.iter().enumerate().map(|(i, (name, _))| (name.as_str(), i, false, false))))
        },
    };
    html! {
        figure id=(name) {
            figcaption { (block.caption()) }
            (content)
            @if csv_of(block).is_some() {
                p.source { "Numbers: " a href={ (link(data)) "/" (name) ".csv" } { (name) ".csv" } }
            }
        }
    }
}

/// Names of series with a piece of their line.
fn legend<'a>(series: impl Iterator<Item = (&'a str, usize, bool, bool)>) -> Markup {
    html! {
        ul.legend {
            @for (name, colour, dashed, line) in series {
                @let colour = format!("var(--series-{})", colour % COLOURS);
                li {
                    svg viewBox="0 0 36 14" aria-hidden="true" {
                        @if line {
                            line x1="0" y1="7" x2="36" y2="7" stroke-width="3" style={ "stroke:" (colour) }
                                stroke-dasharray=[dashed.then_some("7 6")] {}
                        } @else {
                            circle cx="18" cy="7" r="5" style={ "fill:" (colour) } {}
                        }
                    }
                    (name)
                }
            }
        }
    }
}

fn scroll(caption: &str, content: Markup) -> Markup {
    html! { div.scroll tabindex="0" role="region" aria-label=(caption) { (content) } }
}

fn table(table: &Table) -> Markup {
    let columns: Vec<(&str, &str)> =
        table.columns.iter().map(|column| column.split_once(": ").unwrap_or(("", column))).collect();
    let right: Vec<bool> =
        (0..columns.len()).map(|column| table.rows.iter().all(|row| row[column].is_numeric())).collect();
    let class = |column: usize| right[column].then_some("number");
    let grouped = columns.iter().any(|(group, _)| !group.is_empty());
    let rows = html! {
        table {
            thead {
                @if grouped {
                    tr {
                        @for group in columns.chunk_by(|a, b| a.0 == b.0) {
                            @if group[0].0.is_empty() {
                                td colspan=(group.len()) {}
                            } @else {
                                th.group colspan=(group.len()) scope="colgroup" { (group[0].0) }
                            }
                        }
                    }
                }
                tr { @for (i, (_, name)) in columns.iter().enumerate() { th scope="col" class=[class(i)] { (name) } } }
            }
            tbody {
                @for row in &table.rows {
                    tr {
                        @for (i, cell) in row.iter().enumerate() {
                            @let text = cell.to_string();
                            td class=[class(i).or((text.len() > LONG).then_some("long"))] { (text) }
                        }
                    }
                }
            }
        }
    };
    scroll(&table.caption, rows)
}

/// The counts, each the darker the larger its share of its class.
fn confusion(confusion: &Confusion) -> Markup {
    let table = confusion.table();
    let rows = html! {
        table.shaded {
            thead { tr { @for name in &table.columns { th scope="col" { (name) } } } }
            tbody {
                @for (row, counts) in table.rows.iter().zip(&confusion.counts) {
                    @let images = counts.iter().sum::<u64>().max(1);
                    tr {
                        th scope="row" { (row[0].to_string()) }
                        @for (cell, count) in row[1..].iter().zip(counts) {
                            td style={ "--share:" (format!("{:.3}", *count as f64 / images as f64)) } {
                                (cell.to_string())
                            }
                        }
                    }
                }
            }
        }
    };
    scroll(&confusion.caption, rows)
}

fn gallery(gallery: &Gallery) -> Markup {
    let columns = gallery.per_row.map(|columns| format!("--columns:{columns}"));
    // Sheets of several faces need more room than one.
    let large = gallery.pictures.iter().any(|picture| picture.image.width() > LARGE);
    let class = match columns.is_some() {
        true => "gallery rows",
        false if large => "gallery large",
        false => "gallery",
    };
    html! {
        div class=(class) style=[columns] {
            @for picture in &gallery.pictures {
                @let (width, height) = picture.image.dimensions();
                div {
                    img width=(width) height=(height) alt=(picture.caption)
                        src={ "data:image/png;base64," (BASE64.encode(png(&picture.image))) };
                    (picture.caption)
                }
            }
        }
    }
}

/// A folder's name as part of an address.
fn link(folder: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.~ ".contains(c);
    folder
        .chars()
        .map(|c| if plain(c) { c.to_string() } else { percent_encoded(c) })
        .collect::<String>()
        .replace(' ', "%20")
}

fn percent_encoded(c: char) -> String {
    c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect()
}
