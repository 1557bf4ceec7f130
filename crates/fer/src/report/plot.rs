//! Curves and bars as SVG, without colours of their own: lines and text take those of the page.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::number::Unit;
use super::{Bars, Curves, Series};
use crate::printable::printable;

/// Number of colours that the page defines, as `--series-0` and so on.
pub const COLOURS: usize = 6;

/// Places are whole numbers, so plots are drawn at several times their size on the page.
const SCALE: u32 = 4;
const WIDTH: u32 = 460 * SCALE;
const HEIGHT: u32 = 290 * SCALE;
/// Radius of a dot that is not on a line, in pixels.
const DOT: u32 = 4;
/// The backend divides sizes of fonts by 1.24.
const FONT: f64 = 13.0 * 1.24 * SCALE as f64;

/// Stand-ins for the colours of the page, which [`finish`] puts in place.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const SOLID: u8 = 3;
const DASHED: u8 = 4;

fn stand_in(colour: usize, dashed: bool) -> RGBColor {
    RGBColor(if dashed { DASHED } else { SOLID }, 0, (colour % COLOURS) as u8)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// Memory is the only thing that drawing to a string needs.
const DRAWN: &str = "a string takes every drawing";

fn text_style(colour: &RGBColor) -> TextStyle<'static> {
    ("sans-serif", FONT).into_font().color(colour)
}

/// The curves as an `svg` element. A point is a circle with its numbers as title. Of a series with more points than the
/// paper has room for, those are left out that nobody could see.
pub fn curves(curves: &Curves) -> String {
    let points = || curves.series.iter().flat_map(|series| series.finite());
    let x = range(points().map(|(x, _)| x), 0.02);
    let y = range(points().map(|(_, y)| y), 0.05);
    let (x_span, y_span) = (x.end - x.start, y.end - y.start);
    let shown: Vec<_> = curves.series.iter().map(|series| shown(series, &x, &y)).collect();
    let mut titles = Vec::new();
    let svg = draw(HEIGHT, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8 * SCALE)
            .x_label_area_size(40 * SCALE)
            .y_label_area_size(62 * SCALE)
            .build_cartesian_2d(x, y)
            .expect(DRAWN);
        // Between epochs or trials there is nothing.
        let counted = points().all(|(x, _)| x.fract() == 0.0);
        let x_label = |value: &f64| match counted && (value - value.round()).abs() > 1e-9 {
            true => String::new(),
            false => Unit::Plain.tick(*value, x_span),
        };
        let y_label = |value: &f64| curves.unit.tick(*value, y_span);
        chart
            .configure_mesh()
            .x_desc(&curves.x)
            .y_desc(&curves.y)
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&x_label)
            .y_label_formatter(&y_label)
            .label_style(text_style(&INK))
            .axis_desc_style(text_style(&INK))
            .axis_style(INK.stroke_width(SCALE))
            .bold_line_style(GRID.stroke_width(SCALE))
            .light_line_style(TRANSPARENT)
            .draw()
            .expect(DRAWN);
        for (series, shown) in curves.series.iter().zip(&shown) {
            let colour = stand_in(series.colour, series.dashed && series.line);
            let dot = stand_in(series.colour, false);
            for run in shown {
                if series.line {
                    let line = LineSeries::new(run.iter().copied(), colour.stroke_width(2 * SCALE));
                    chart.draw_series(line).expect(DRAWN);
                }
                let radius = if series.line { 2 * SCALE } else { DOT * SCALE };
                let dots = run.iter().map(|&point| Circle::new(point, radius, dot.filled()));
                chart.draw_series(dots).expect(DRAWN);
                let title = |&(x, y): &(f64, f64)| format!("{}, {} {x}: {y}", series.name, curves.x);
                titles.extend(run.iter().map(title));
            }
        }
    });
    finish(&svg, "<circle ", &titles, &curves.caption)
}

/// The points of a series in runs without gaps, as far as they can be told apart on paper: of a line those that are the
/// first, the lowest, the highest or the last one of a column of pixels, of dots the first one of each spot.
fn shown(series: &Series, x: &Range<f64>, y: &Range<f64>) -> Vec<Vec<(f64, f64)>> {
    const COLUMNS: f64 = (WIDTH / SCALE) as f64;
    const ROWS: f64 = (HEIGHT / SCALE) as f64;
    if series.points.len() as f64 <= 2.0 * COLUMNS {
        return series.unbroken();
    }
    // Halved, since the ends may be as far apart as numbers can be.
    let part = |value: f64, of: &Range<f64>| (value / 2.0 - of.start / 2.0) / (of.end / 2.0 - of.start / 2.0);
    let column = |&(place, _): &(f64, f64)| (part(place, x) * COLUMNS) as u32;
    if !series.line {
        let spot = |dot: &(f64, f64)| (column(dot) / DOT, (part(dot.1, y) * ROWS) as u32 / DOT);
        let mut taken = HashSet::new();
        return vec![series.finite().filter(|dot| taken.insert(spot(dot))).collect()];
    }
    let begins = |run: Vec<(f64, f64)>| run.into_iter().enumerate().map(|(i, point)| (point, i == 0));
    let points: Vec<((f64, f64), bool)> = series.unbroken().into_iter().flat_map(begins).collect();
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    for points in points.chunk_by(|a, b| column(&a.0) == column(&b.0)) {
        // Nobody sees a gap within a column.
        if points[0].1 || runs.is_empty() {
            runs.push(Vec::new());
        }
        let points: Vec<_> = points.iter().map(|point| point.0).collect();
        runs.last_mut().expect("there is one").extend(outline(&points));
    }
    runs
}

/// The first, the lowest, the highest and the last of the points, each once, in their order.
fn outline(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let by_height = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1).then(b.cmp(a));
    let places = 0..points.len();
    let lowest = places.clone().min_by(|a, b| points[*a].1.total_cmp(&points[*b].1));
    let mut kept = vec![Some(0), lowest, places.clone().max_by(by_height), places.last()];
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().flatten().map(|place| points[place]).collect()
}

/// The bars as an `svg` element. A bar has its number beside it and as title.
pub fn bars(bars: &Bars) -> String {
    const BAR: u32 = 14 * SCALE;
    const GAP: u32 = 10 * SCALE;
    let group = BAR * bars.series.len() as u32 + GAP;
    let height = group * bars.names.len() as u32 + 56 * SCALE;
    let values = bars.series.iter().flat_map(|(_, values)| values.iter().flatten());
    let most = values.copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let most = if most > 0.0 { most } else { 1.0 };
    // Names stand left of the bars: an average letter is half as wide as high, and half the width is for bars.
    let longest = bars.names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u32;
    let names_width = (longest * 8 * SCALE + 16 * SCALE).min(WIDTH / 2);
    let mut titles = Vec::new();
    let svg = draw(height, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(8 * SCALE)
            .x_label_area_size(40 * SCALE)
            .y_label_area_size(names_width)
            .build_cartesian_2d(0.0..most * 1.25, 0.0..bars.names.len() as f64)
            .expect(DRAWN);
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .x_desc(&bars.measure)
            .x_labels(5)
            .x_label_formatter(&|value| bars.unit.tick(*value, most))
            .label_style(text_style(&INK))
            .axis_desc_style(text_style(&INK))
            .axis_style(INK.stroke_width(SCALE))
            .bold_line_style(GRID.stroke_width(SCALE))
            .light_line_style(TRANSPARENT)
            .draw()
            .expect(DRAWN);
        let beside = |h| text_style(&INK).pos(Pos::new(h, VPos::Center));
        for (place, name) in bars.names.iter().enumerate() {
            // The first name stands at the top, where the axis ends.
            let top = (bars.names.len() - place) as f64;
            let (left, middle) = chart.backend_coord(&(0.0, top - 0.5));
            let name = Text::new(name.as_str(), (left - 8 * SCALE as i32, middle), beside(HPos::Right));
            area.draw(&name).expect(DRAWN);
            let first = chart.backend_coord(&(0.0, top)).1 + GAP as i32 / 2;
            for (which, (series, values)) in bars.series.iter().enumerate() {
                let Some(value) = values.get(place).copied().flatten().filter(|value| value.is_finite())
                else {
                    continue;
                };
                let right = chart.backend_coord(&(value.max(0.0), top)).0;
                let y = first + (BAR * which as u32) as i32;
                let corners = [(left, y), (right, y + BAR as i32 - SCALE as i32)];
                area.draw(&Rectangle::new(corners, stand_in(which, false).filled())).expect(DRAWN);
                let label = Text::new(
                    bars.unit.cell(value).to_string(),
                    (right + 5 * SCALE as i32, y + BAR as i32 / 2),
                    beside(HPos::Left),
                );
                area.draw(&label).expect(DRAWN);
                titles.push(format!("{}, {series}: {value}", bars.names[place]));
            }
        }
    });
    finish(&svg, "<rect ", &titles, &bars.caption)
}

fn draw(height: u32, content: impl FnOnce(&Area)) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    content(&area);
    area.present().expect(DRAWN);
    drop(area);
    svg
}

/// From the smallest to the largest value and a share of their distance beyond; never empty.
fn range(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    // Beyond it, percentages and distances would be infinite.
    const MOST: f64 = 1e300;
    // Values that hardly differ would leave ticks without distance.
    let least = 1e-6 * low.abs().max(high.abs()).max(1e-3);
    let beyond = (margin * (high / 2.0 - low / 2.0) * 2.0).max(least);
    (low - beyond).max(-MOST)..(high + beyond).min(MOST)
}

/// The drawing with the colours of the page, the name of the picture, and a title on each mark.
fn finish(svg: &str, mark: &str, titles: &[String], caption: &str) -> String {
    let mut titles = titles.iter();
    let mut out = String::with_capacity(svg.len());
    for line in svg.lines() {
        let mut line = line.to_owned();
        if let Some(rest) = line.strip_prefix("<svg ") {
            let view = rest.find("viewBox").map_or(rest, |at| &rest[at..]);
            line = format!("<svg role=\"img\" aria-label=\"{}\" {view}", escape(caption));
        }
        for property in ["stroke", "fill"] {
            line = line.replace(&format!("{property}=\"#010101\""), &format!("{property}=\"currentColor\""));
            line = line
                .replace(&format!("{property}=\"#020202\""), &format!("style=\"{property}:var(--grid)\""));
            for colour in 0..COLOURS {
                let style = format!("style=\"{property}:var(--series-{colour})\"");
                line = line.replace(&format!("{property}=\"#{SOLID:02}00{colour:02}\""), &style);
                let dashes = format!("stroke-dasharray=\"{} {}\" {style}", 5 * SCALE, 4 * SCALE);
                line = line.replace(&format!("{property}=\"#{DASHED:02}00{colour:02}\""), &dashes);
            }
        }
        // Marks are what takes the colour of a series.
        if line.starts_with(mark) && line.contains("--series-") {
            let title = titles.next().map(|title| escape(title)).unwrap_or_default();
            line = line
                .replace("/>", &format!("><title>{title}</title>{}", mark.trim().replace('<', "</") + ">"));
        }
        let _ = writeln!(out, "{line}");
    }
    printable(&out).into_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
