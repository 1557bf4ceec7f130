//! Python's JSON, in which the numbers `NaN`, `Infinity` and `-Infinity` stand bare.
//!
//! `serde_json` has no such numbers. Within this crate they travel through its values as texts that begin with a
//! zero character, which no sensible text does: [`parse`] puts them in, [`write`] takes them out, [`number`] and
//! [`as_f64`] convert.

use std::borrow::Cow;

use serde_json::Value as Json;

/// The bare words, longest first, and their numbers.
const WORDS: [(&str, f64); 3] =
    [("-Infinity", f64::NEG_INFINITY), ("Infinity", f64::INFINITY), ("NaN", f64::NAN)];

/// Reads one value.
///
/// # Errors
/// Whatever `serde_json` objects to.
pub(crate) fn parse(text: &str) -> Result<Json, serde_json::Error> {
    serde_json::from_str(&quote(text))
}

/// Writes one value without white space.
pub(crate) fn write(value: &Json) -> String {
    let mut text = value.to_string();
    for (word, _) in WORDS {
        let quoted = format!("\"\\u0000{word}\"");
        if text.contains(&quoted) {
            text = text.replace(&quoted, word);
        }
    }
    text
}

/// The value that stands for `number`.
pub(crate) fn number(number: f64) -> Json {
    match WORDS
        .iter()
        .find(|(_, value)| value.total_cmp(&number).is_eq() || (value.is_nan() && number.is_nan()))
    {
        Some((word, _)) => Json::String(format!("\0{word}")),
        None => Json::from(number),
    }
}

/// The number that `value` stands for.
pub(crate) fn as_f64(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) => {
            let word = text.strip_prefix('\0')?;
            WORDS.iter().find(|(name, _)| *name == word).map(|&(_, number)| number)
        }
        _ => value.as_f64(),
    }
}

/// Puts bare words that lie outside of texts into quotes, with the mark.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    if !WORDS.iter().any(|(word, _)| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    let (mut inside, mut escaped) = (false, false);
    while let Some(next) = rest.chars().next() {
        if !inside && let Some((word, _)) = WORDS.iter().find(|(word, _)| rest.starts_with(word)) {
            out.push_str("\"\\u0000");
            out.push_str(word);
            out.push('"');
            rest = &rest[word.len()..];
            continue;
        }
        match next {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && next == '\\' && !escaped;
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_words_are_numbers_and_come_back() {
        let text = r#"{"NaN":"Infinity \" NaN","a":[NaN,-Infinity,Infinity,1.5]}"#;
        let value = parse(text).unwrap();
        let numbers: Vec<_> = value["a"].as_array().unwrap().iter().map(|v| as_f64(v).unwrap()).collect();
        assert!(numbers[0].is_nan());
        assert_eq!(numbers[1..], [f64::NEG_INFINITY, f64::INFINITY, 1.5]);
        assert_eq!(value["NaN"], "Infinity \" NaN");
        assert_eq!(as_f64(&value["NaN"]), None);
        assert_eq!(write(&value), text);
    }

    #[test]
    fn every_number_comes_back_with_the_same_bits() {
        for x in
            [0.1, -0.0, 1e-320, f64::MAX, 5e-324, f64::INFINITY, f64::NEG_INFINITY, 1e22, 123456789.12345679]
        {
            let back = as_f64(&parse(&write(&number(x))).unwrap()).unwrap();
            assert_eq!(back.to_bits(), x.to_bits(), "{x:?}");
        }
        assert!(as_f64(&parse(&write(&number(f64::NAN))).unwrap()).unwrap().is_nan());
    }
}
