use std::collections::HashMap;
use std::str::FromStr;

use nn_kernels::GeometryError;
use nn_kernels::conv::{ConvGeometry, ConvSpec, Padding};

use super::axis::Axis;
use super::{Problem, ProblemError};

pub(super) const KEYS: [&str; 23] = [
    "g", "mb", "ic", "id", "ih", "iw", "oc", "od", "oh", "ow", "kd", "kh", "kw", "sd", "sh", "sw", "pd",
    "ph", "pw", "dd", "dh", "dw", "n",
];

/// The keys of rows, each with the value that says nothing.
const ROWS: [(&str, usize); 6] = [("ih", 0), ("oh", 0), ("kh", 0), ("sh", 1), ("ph", 0), ("dh", 0)];

/// The keys of depth, each with the values of a depth of 1. Its stride and dilation do not matter.
const DEPTH: [(&str, &[usize]); 4] = [("id", &[0, 1]), ("kd", &[0, 1]), ("od", &[0, 1]), ("pd", &[0])];

/// Images if `mb` is absent, as in benchdnn.
const DEFAULT_BATCH: usize = 2;

impl FromStr for Problem {
    type Err = ProblemError;

    fn from_str(text: &str) -> Result<Self, ProblemError> {
        let Tokens { numbers, name } = Tokens::read(text)?;
        let given = |key: &str| numbers.get(key).copied();
        let positive = |key: &'static str, value: Option<usize>| match value {
            Some(0) => Err(ProblemError::Zero(key)),
            Some(value) => Ok(value),
            None => Err(ProblemError::Missing(key)),
        };
        for (key, flat) in DEPTH {
            if let Some(number) = given(key).filter(|number| !flat.contains(number)) {
                return Err(ProblemError::ThreeDimensional(format!("{key}{number}")));
            }
        }
        let says_nothing = |key, nothing| given(key).is_none_or(|number| number == nothing);
        let without_rows = ROWS.iter().all(|&(key, nothing)| says_nothing(key, nothing));
        let one_row = without_rows && (given("iw").is_some() || given("id").is_some());
        let rows = if one_row {
            Axis { size: 1, window: 1, stride: 1, dilation: 1, out: Some(1), pad: Some(0) }
        } else {
            Axis {
                size: positive("ih", given("ih"))?,
                window: positive("kh", given("kh"))?,
                stride: positive("sh", given("sh").or(Some(1)))?,
                dilation: given("dh").unwrap_or(0) + 1,
                out: given("oh"),
                pad: given("ph"),
            }
        };
        // Columns are as rows where nothing is said of them; the one row of a single dimension is no model for them.
        let model = Some(rows).filter(|_| !one_row || given("iw").is_none());
        let columns = Axis {
            size: positive("iw", given("iw").or(model.map(|rows| rows.size)))?,
            window: positive("kw", given("kw").or(model.map(|rows| rows.window)))?,
            stride: positive("sw", given("sw").or(Some(model.map_or(1, |rows| rows.stride))))?,
            dilation: given("dw").map_or(model.map_or(1, |rows| rows.dilation), |gap| gap + 1),
            out: given("ow"),
            pad: given("pw").or(model.and_then(|rows| rows.pad)),
        };
        // Of a square problem the output is given once for both axes.
        let is_square = Some(Axis { out: rows.out, ..columns }) == model;
        let columns = Axis { out: columns.out.or(rows.out.filter(|_| is_square)), ..columns };

        let (top, bottom) = rows.padding("oh")?;
        let (left, right) = columns.padding("ow")?;
        let geometry = ConvGeometry::new(&ConvSpec {
            input: (rows.size, columns.size),
            in_c: positive("ic", given("ic"))?,
            out_c: positive("oc", given("oc"))?,
            kernel: (rows.window, columns.window),
            stride: (rows.stride, columns.stride),
            padding: Padding::Explicit { top, bottom, left, right },
            dilation: (rows.dilation, columns.dilation),
            groups: positive("g", given("g").or(Some(1)))?,
        })?;
        Problem { name, batch: 1, geometry }.with_batch(given("mb").unwrap_or(DEFAULT_BATCH))
    }
}

/// The keys with their numbers, and the name.
struct Tokens {
    numbers: HashMap<&'static str, usize>,
    name: Option<String>,
}

impl Tokens {
    fn read(text: &str) -> Result<Self, ProblemError> {
        let mut tokens = Self { numbers: HashMap::new(), name: None };
        let mut rest = text;
        loop {
            rest = rest.trim_start_matches('_');
            if rest.is_empty() {
                return Ok(tokens);
            }
            if let Some(name) = rest.strip_prefix('n') {
                tokens.name = Some(read_name(name)?);
                return Ok(tokens);
            }
            let (key, after) = split_while(rest, |c| c.is_ascii_alphabetic());
            let key = match KEYS.iter().find(|known| **known == key) {
                Some(known) => *known,
                None if key.is_empty() => {
                    return Err(ProblemError::NoKey(rest.chars().next().expect("the rest is not empty")));
                }
                None => return Err(ProblemError::UnknownKey(key.into())),
            };
            let (digits, after) = split_while(after, |c| c.is_ascii_digit());
            let number: u32 = digits.parse().map_err(|_| {
                let text = if digits.is_empty() { after.chars().take(1).collect() } else { digits.into() };
                ProblemError::Number { key, text }
            })?;
            let number = usize::try_from(number).map_err(|_| GeometryError::Overflow { what: "a number" })?;
            if tokens.numbers.insert(key, number).is_some() {
                return Err(ProblemError::Twice(key));
            }
            rest = after;
        }
    }
}

/// What follows `n`: the name, with or without quotes around it.
fn read_name(text: &str) -> Result<String, ProblemError> {
    let name = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"').ok_or_else(|| ProblemError::Name(text.into()))?,
        None => text,
    };
    let is_plain = |c: char| !(c.is_whitespace() || c.is_control() || c == '"');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(ProblemError::Name(text.into()));
    }
    Ok(name.into())
}

fn split_while(text: &str, wanted: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !wanted(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests;
