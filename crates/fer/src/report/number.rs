//! How the report writes numbers: the one place.

use std::fmt;

use serde::Serialize;

/// What stands where there is no value.
pub const MISSING: &str = "\u{2013}";

/// A value in a table. What is not finite counts as missing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cell {
    /// No value: an en dash.
    Missing,
    /// Text.
    Text(String),
    /// A number of things, with separators: `5,230,463`.
    Count(u64),
    /// A share in `[0, 1]`, as `47.34 %`.
    Percent(f64),
    /// A difference of shares in percentage points, with its sign: `+1.20`.
    Points(f64),
    /// Seconds, with four significant digits or whole: `26.95 s`, `1,284 s`.
    Seconds(f64),
    /// A plain number with four decimals; very large and very small ones as `1.2e-7`.
    Number(f64),
}

impl Cell {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A number of things, if known.
    pub fn count(count: impl Into<Option<u64>>) -> Self {
        count.into().map_or(Self::Missing, Self::Count)
    }

    /// A share, if known.
    pub fn percent(share: impl Into<Option<f64>>) -> Self {
        finite(share, Self::Percent)
    }

    /// How much larger the first share is, if both are known.
    pub fn difference(ours: Option<f64>, published: Option<f64>) -> Self {
        finite(ours.zip(published).map(|(ours, published)| ours - published), Self::Points)
    }

    /// A time in seconds, if known.
    pub fn seconds(seconds: impl Into<Option<f64>>) -> Self {
        finite(seconds, Self::Seconds)
    }

    /// A plain number, if known.
    pub fn number(number: impl Into<Option<f64>>) -> Self {
        finite(number, Self::Number)
    }

    /// Whether it is set flush right.
    pub fn is_numeric(&self) -> bool {
        !matches!(self, Self::Text(_))
    }
}

fn finite(value: impl Into<Option<f64>>, cell: fn(f64) -> Cell) -> Cell {
    value.into().filter(|value| value.is_finite()).map_or(Cell::Missing, cell)
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Percent(x) | Self::Points(x) | Self::Seconds(x) | Self::Number(x) if !x.is_finite() => {
                MISSING.into()
            }
            Self::Missing => MISSING.into(),
            Self::Text(text) => text.clone(),
            Self::Count(count) => separated(*count),
            Self::Percent(x) | Self::Points(x) if x.abs() > 1e9 => format!("{:.3e} %", x * 100.0),
            Self::Percent(share) => format!("{:.2} %", share * 100.0),
            Self::Points(difference) => signed(difference * 100.0),
            Self::Seconds(seconds) => format!("{} s", four_digits(*seconds)),
            Self::Number(number) => plain(*number),
        };
        f.pad(&text)
    }
}

/// Two decimals with a sign, except for what rounds to zero.
fn signed(points: f64) -> String {
    let digits = format!("{:.2}", points.abs());
    match digits.as_str() {
        "0.00" => digits,
        _ if points < 0.0 => format!("\u{2212}{digits}"),
        _ => format!("+{digits}"),
    }
}

fn four_digits(value: f64) -> String {
    match value.abs() {
        size if size < 100.0 => format!("{value:.2}"),
        size if size < 1000.0 => format!("{value:.1}"),
        size if size < 1e15 => separated(value.abs().round() as u64),
        _ => format!("{value:.3e}"),
    }
}

fn plain(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if (1e-3..1e5).contains(&size) => format!("{value:.4}"),
        _ => format!("{value:.3e}"),
    }
}

/// Digits in groups of three.
fn separated(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// What the values of an axis are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Plain numbers.
    Plain,
    /// Shares in `[0, 1]`, written as percentages.
    Share,
    /// Whole numbers of things.
    Count,
}

impl Unit {
    /// A value as a picture's label says it.
    pub fn cell(self, value: f64) -> Cell {
        match self {
            Self::Plain => Cell::number(value),
            Self::Share => Cell::percent(value),
            Self::Count => Cell::text(format!("{value:.0}")),
        }
    }

    /// The label of a tick on an axis that covers `span`, with as many decimals as its ticks need.
    pub(super) fn tick(self, value: f64, span: f64) -> String {
        let (value, span, sign) = match self {
            Self::Share => (value * 100.0, span * 100.0, " %"),
            _ => (value, span, ""),
        };
        // Near zero, decimals would be all zeros; elsewhere they tell neighbouring ticks apart.
        if value.abs() >= 1e6 || (span > 0.0 && span < 1e-4 && value.abs() < 10.0 * span) {
            return format!("{value:.1e}{sign}");
        }
        // Ticks stand about a tenth of the span apart.
        let decimals =
            if self == Self::Count { 0 } else { (1.0 - span.log10()).ceil().clamp(0.0, 12.0) as usize };
        let text = format!("{:.decimals$}{sign}", value + 0.0);
        if text.contains('.') && sign.is_empty() {
            return text.trim_end_matches('0').trim_end_matches('.').into();
        }
        text
    }
}
