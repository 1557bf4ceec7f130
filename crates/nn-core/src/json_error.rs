//! Why a text is not the JSON that it should be, in the words of its reader rather than in those of the parser.

use serde_json::error::Category;
use thiserror::Error;

use crate::quoted::{quoted, shortened};

/// Why a text is not the JSON that it should be: what is wrong, and the line and the column.
///
/// ```
/// # use nn_core::JsonError;
/// let problem = |json| JsonError::from(serde_json::from_str::<Vec<usize>>(json).unwrap_err()).to_string();
/// assert_eq!(problem("[1, 0.5]"), "0.5 instead of a whole number from 0 on (line 1, column 7)");
/// assert_eq!(problem("[1, "), "ends in the middle (line 1, column 4)");
/// assert_eq!(problem("[1 2]"), "is not JSON: expected `,` or `]` (line 1, column 4)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct JsonError(String);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let said = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let said = said.strip_suffix(&place).unwrap_or(&said);
        let problem = match error.classify() {
            // The parser's own words, where the category does not tell enough.
            _ if said.starts_with("recursion limit") => "its lists and objects are nested too deeply".into(),
            _ if said.starts_with("number out of range") => "has a number that is out of range".into(),
            Category::Eof if error.column() == 0 && error.line() <= 1 => return Self("is empty".into()),
            Category::Eof => "ends in the middle".into(),
            Category::Data => objection(said),
            Category::Syntax | Category::Io => format!("is not JSON: {}", syntax(said)),
        };
        Self(match error.line() {
            // What was read from a part that was set aside has no place.
            0 => problem,
            line => format!("{problem} (line {line}, column {})", error.column()),
        })
    }
}

/// What the parser says of a text that is not JSON, in plainer words where it has a short name for a thing.
fn syntax(said: &str) -> &str {
    match said {
        "expected value" => "a value is missing",
        "expected ident" => "an unknown word",
        other => other,
    }
}

/// What `serde` says of a value that does not fit, of JSON or of TOML, in words and short.
///
/// ```
/// # use nn_core::quoted::objection;
/// assert_eq!(objection("invalid type: map, expected a string"), "an object instead of a text");
/// ```
pub fn objection(said: &str) -> String {
    let of_two = |rest: &str| {
        let (found, expected) = rest.rsplit_once(", expected ")?;
        // A number of more than 64 bits, and the key of an object with two.
        if let Some((number, "i128" | "u128")) = found.split_once("` as ") {
            return Some(format!(
                "{} is out of range",
                shortened(number.trim_start_matches("integer `"), 40)
            ));
        }
        if expected.starts_with('"') {
            let known = expected.replace(" or ", ", ").replace('"', "");
            return Some(format!("unknown key {}; known: {known}", text_found(found)));
        }
        Some(format!("{} instead of {}", kind_found(found), kind_expected(expected)))
    };
    let name = |rest: &str| Some(rest.strip_prefix('`')?.split('`').next()?.to_owned());
    let reworded = if let Some(rest) = said.strip_prefix("invalid type: ") {
        of_two(rest)
    } else if let Some(rest) = said.strip_prefix("invalid value: ") {
        of_two(rest)
    } else if let Some(rest) = said.strip_prefix("invalid length ") {
        rest.split_once(", expected ")
            .map(|(length, expected)| format!("{length} elements instead of {}", kind_expected(expected)))
    } else if let Some(rest) = said.strip_prefix("missing field ") {
        name(rest).map(|name| format!("has no {}", quoted(&name)))
    } else if let Some(rest) = said.strip_prefix("duplicate field ") {
        name(rest).map(|name| format!("has {} twice", quoted(&name)))
    } else if let Some(rest) = said.strip_prefix("unknown ") {
        unknown(rest)
    } else {
        None
    };
    reworded.unwrap_or_else(|| shortened(said, MOST))
}

/// The most characters of a message of another kind.
const MOST: usize = 400;

/// `` variant `Dens`, expected one of .. `` or `` field .. ``: the name, which may be long, is shortened.
fn unknown(rest: &str) -> Option<String> {
    let (kind, rest) = rest.split_once(" `")?;
    let (name, known) = rest.split_once("`, expected ").or_else(|| rest.split_once("`, there are no "))?;
    let kind = if kind == "field" { "key" } else { "word" };
    let known = known.strip_prefix("one of ").unwrap_or(known).replace('`', "");
    Some(format!("unknown {kind} {}; known: {known}", quoted(name)))
}

/// What stood there.
fn kind_found(found: &str) -> String {
    let value = |kind: &str| Some(found.strip_prefix(kind)?.trim_matches('`'));
    if let Some(number) = value("integer ") {
        return shortened(number, 40);
    }
    if let Some(number) = value("floating point ") {
        // Versions of serde write large numbers differently.
        return number.parse::<f64>().map_or_else(|_| shortened(number, 40), |number| format!("{number:?}"));
    }
    if let Some(truth) = value("boolean ") {
        return truth.to_owned();
    }
    if found.starts_with("string ") {
        return format!("the text {}", text_found(found));
    }
    match found {
        "map" => "an object",
        "sequence" => "a list",
        "null" | "unit value" => "null",
        other => return shortened(other, 80),
    }
    .to_owned()
}

/// A text that stood there, in quotation marks.
fn text_found(found: &str) -> String {
    let text = found.trim_start_matches("string ");
    quoted(text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text))
}

/// What belongs there. Types of Rust and names of structures mean nothing to whoever wrote the file.
fn kind_expected(expected: &str) -> String {
    match expected {
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number from 0 on",
        "isize" | "i64" | "i32" | "i16" | "i8" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "str" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        "option" | "unit" => "null",
        other if other.starts_with("struct ") || other.starts_with("internally tagged") => "an object",
        other if other.starts_with("adjacently tagged") => "an object",
        other => return shortened(other, 80),
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::JsonError;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Layer {
        units: usize,
        rate: Option<f64>,
        kind: Option<Kind>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        Dense,
        Flatten,
    }

    fn problem(json: &str) -> String {
        JsonError::from(serde_json::from_str::<Layer>(json).unwrap_err()).to_string()
    }

    #[test]
    fn each_kind_of_fault_has_its_words() {
        let good: Layer = serde_json::from_str(r#"{"units": 7, "rate": 0.5, "kind": "Flatten"}"#).unwrap();
        assert_eq!(good, Layer { units: 7, rate: Some(0.5), kind: Some(Kind::Flatten) });
        for (json, words) in [
            ("", "is empty"),
            (r#"{"units": 7"#, "ends in the middle (line 1, column 11)"),
            ("7", "7 instead of an object (line 1, column 1)"),
            (r#"{"units": -7}"#, "-7 instead of a whole number from 0 on (line 1, column 12)"),
            (
                r#"{"units": 18446744073709551616}"#,
                "1.8446744073709552e19 instead of a whole number from 0 on",
            ),
            (r#"{"units": 1e999}"#, "has a number that is out of range"),
            (r#"{"units": "7"}"#, "the text \"7\" instead of a whole number from 0 on"),
            (r#"{"units": null}"#, "null instead of a whole number from 0 on"),
            (r#"{"units": [7]}"#, "a list instead of a whole number from 0 on"),
            (r#"{"units": 7, "rate": {}}"#, "an object instead of a number"),
            (r#"{"rate": 0.5}"#, "has no \"units\" (line 1, column 13)"),
            (r#"{"units": 7, "units": 8}"#, "has \"units\" twice"),
            (
                r#"{"units": 7, "unitz": 8}"#,
                "unknown key \"unitz\"; known: units, rate, kind (line 1, column 20)",
            ),
            (r#"{"units": 7, "kind": "Dens"}"#, "unknown word \"Dens\"; known: Dense or Flatten"),
            (r#"{"units": NaN}"#, "is not JSON: a value is missing (line 1, column 11)"),
        ] {
            assert!(problem(json).starts_with(words), "{json}: {}", problem(json));
        }
    }

    #[test]
    fn what_is_repeated_is_short() {
        let long = "x".repeat(100_000);
        let deep = "[".repeat(100_000);
        for json in [
            format!(r#"{{"units": 7, "{long}": 1}}"#),
            format!(r#"{{"units": 7, "kind": "{long}"}}"#),
            format!(r#"{{"units": "{long}"}}"#),
            format!(r#"{{"units": {deep}"#),
        ] {
            assert!(problem(&json).len() < 250, "{}", problem(&json));
        }
    }
}
