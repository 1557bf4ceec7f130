//! A picture of measurements below the two ceilings (Williams, Waterman & Patterson, 2009), as SVG.
//!
//! Both axes are logarithmic: FLOPs per byte to the right, GFLOP/s upwards. Labels stand in a column beside the
//! plot, each joined to its dot by a line, so that none covers another.

use std::fmt::Write;

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// What was measured.
    pub label: String,
    /// FLOPs per compulsory byte.
    pub intensity: f64,
    /// What was reached.
    pub gflops: f64,
}

/// The ceilings, and what they hold for.
#[derive(Debug, Clone, PartialEq)]
pub struct Roof {
    /// Multiply-adds, in GFLOP/s.
    pub peak_gflops: f64,
    /// Memory, in GB/s.
    pub dram_gbs: f64,
    /// Instruction set and threads.
    pub what: String,
}

/// The plot's frame, in pixels.
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 620.0;
const LEAST_HEIGHT: f64 = 420.0;
const BOTTOM: f64 = 56.0;

/// The column of labels.
const GAP: f64 = 40.0;
const LINE: f64 = 17.0;
const LONGEST_LABEL: usize = 60;
const CHARACTER: f64 = 7.3;

const COLORS: [&str; 6] = ["#1f5fa8", "#b3541e", "#2f7d4f", "#7a3e9d", "#8a6d00", "#a3254e"];

/// One logarithmic axis.
struct Scale {
    from: f64,
    to: f64,
    start: f64,
    length: f64,
}

impl Scale {
    /// An axis that shows all of `values`, with some room.
    fn over(values: impl Iterator<Item = f64> + Clone, start: f64, length: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let largest = values.fold(0.0, f64::max);
        Self { from: least / 1.6, to: largest * 1.6, start, length }
    }

    fn place(&self, value: f64) -> f64 {
        self.start + self.length * (value / self.from).ln() / (self.to / self.from).ln()
    }

    /// 1, 2, 5, 10, ... as far as they are on the axis.
    fn ticks(&self) -> Vec<f64> {
        let powers = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
        let ticks = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
        ticks.filter(|tick| (self.from..=self.to).contains(tick)).collect()
    }
}

/// Draws `points` below `roof`.
pub fn svg(points: &[Point], roof: &Roof) -> String {
    let ridge = roof.peak_gflops / roof.dram_gbs;
    let height = LEAST_HEIGHT.max(LINE * points.len() as f64);
    let intensities = points.iter().map(|point| point.intensity).chain([ridge]);
    let rates = points.iter().map(|point| point.gflops).chain([roof.peak_gflops]);
    let x = Scale::over(intensities, LEFT, WIDTH);
    let y = Scale::over(rates, TOP + height, -height);
    let labels: Vec<String> = points.iter().map(|point| shorten(&point.label)).collect();
    let widest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let right = LEFT + WIDTH;
    let (total_width, total_height) = (right + GAP + CHARACTER * widest as f64 + 20.0, TOP + height + BOTTOM);

    let mut out = String::new();
    let _ = writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total_width:.0}" height="{total_height:.0}" viewBox="0 0 {total_width:.0} {total_height:.0}" font-family="DejaVu Sans Mono, Consolas, monospace" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{LEFT}" y="24" font-size="14" fill="#222222">Roofline: {}, peak {:.0} GFLOP/s, DRAM {:.0} GB/s</text>"##,
        escape(&roof.what),
        roof.peak_gflops,
        roof.dram_gbs
    );
    draw_axes(&mut out, &x, &y, height);
    draw_roof(&mut out, &x, &y, roof);
    // From top to bottom as the dots are, so that the lines to them hardly cross.
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[b].gflops.total_cmp(&points[a].gflops));
    let rows =
        spread(&order.iter().map(|&i| y.place(points[i].gflops)).collect::<Vec<_>>(), TOP, TOP + height);
    for (&i, row) in order.iter().zip(rows) {
        let (px, py) = (x.place(points[i].intensity), y.place(points[i].gflops));
        let color = COLORS[i % COLORS.len()];
        let _ = writeln!(
            out,
            r##"<polyline points="{px:.1},{py:.1} {right:.1},{row:.1} {:.1},{row:.1}" fill="none" stroke="{color}" stroke-opacity="0.35"/>
<circle cx="{px:.1}" cy="{py:.1}" r="4.5" fill="{color}" stroke="#ffffff"/>
<text class="label" x="{:.1}" y="{:.1}" fill="{color}">{}</text>"##,
            right + GAP - 6.0,
            right + GAP,
            row + 4.0,
            escape(&labels[i])
        );
    }
    out + "</svg>\n"
}

fn draw_axes(out: &mut String, x: &Scale, y: &Scale, height: f64) {
    let (right, bottom) = (LEFT + WIDTH, TOP + height);
    for tick in x.ticks() {
        let at = x.place(tick);
        let _ = writeln!(
            out,
            r##"<line x1="{at:.1}" y1="{TOP}" x2="{at:.1}" y2="{bottom}" stroke="#e6e6e6"/><text x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#444444">{tick}</text>"##,
            bottom + 18.0
        );
    }
    for tick in y.ticks() {
        let at = y.place(tick);
        let _ = writeln!(
            out,
            r##"<line x1="{LEFT}" y1="{at:.1}" x2="{right}" y2="{at:.1}" stroke="#e6e6e6"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="#444444">{tick}</text>"##,
            LEFT - 8.0,
            at + 4.0
        );
    }
    let _ = writeln!(
        out,
        r##"<rect id="frame" x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{height}" fill="none" stroke="#888888"/>
<text x="{:.1}" y="{:.1}" text-anchor="middle" fill="#222222">FLOPs per compulsory byte</text>
<text transform="translate(18 {:.1}) rotate(-90)" text-anchor="middle" fill="#222222">GFLOP/s</text>"##,
        LEFT + WIDTH / 2.0,
        bottom + 42.0,
        TOP + height / 2.0
    );
}

fn draw_roof(out: &mut String, x: &Scale, y: &Scale, roof: &Roof) {
    let Roof { peak_gflops: peak, dram_gbs: dram, .. } = *roof;
    // The slope enters the frame at its left or at its bottom edge.
    let start = x.from.max(y.from / dram);
    let (x0, y0) = (x.place(start), y.place(start * dram));
    let (x1, y1) = (x.place(peak / dram), y.place(peak));
    let right = LEFT + WIDTH;
    let angle = (y1 - y0).atan2(x1 - x0).to_degrees();
    let (mx, my) = ((x0 + x1) / 2.0, (y0 + y1) / 2.0);
    // At the ridge, away from the lines to the labels, unless that is too far to the right.
    let (at, anchor) = if right - x1 > 200.0 { (x1, "start") } else { (right - 8.0, "end") };
    let _ = writeln!(
        out,
        r##"<polyline points="{x0:.1},{y0:.1} {x1:.1},{y1:.1} {right:.1},{y1:.1}" fill="none" stroke="#222222" stroke-width="1.5"/>
<text x="{at:.1}" y="{:.1}" text-anchor="{anchor}" fill="#222222">peak {peak:.0} GFLOP/s</text>"##,
        y1 - 7.0
    );
    let name = format!("DRAM {dram:.0} GB/s");
    // On a short slope there is no room for it.
    if (x1 - x0).hypot(y1 - y0) > CHARACTER * name.len() as f64 {
        let _ = writeln!(
            out,
            r##"<text transform="translate({mx:.1} {my:.1}) rotate({angle:.1})" y="-7" text-anchor="middle" fill="#222222">{name}</text>"##
        );
    }
}

/// Moves ascending positions apart to at least a line's height, inside `from..to`, each as little as need be.
fn spread(wanted: &[f64], from: f64, to: f64) -> Vec<f64> {
    let mut places = wanted.to_vec();
    let mut free = from + LINE / 2.0;
    for place in &mut places {
        *place = place.max(free);
        free = *place + LINE;
    }
    let mut free = to - LINE / 2.0;
    for place in places.iter_mut().rev() {
        *place = place.min(free);
        free = *place - LINE;
    }
    places
}

fn shorten(label: &str) -> String {
    if label.chars().count() <= LONGEST_LABEL {
        return label.into();
    }
    label.chars().take(LONGEST_LABEL - 1).chain(['…']).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
