//! Python's JSON, in which the numbers `NaN`, `Infinity` and `-Infinity` stand bare, and whole numbers have any length.
//!
//! `serde_json` has no such numbers. Within this crate they travel through its values as texts that begin with a
//! zero character, which no sensible text does: [`parse`] puts them in, [`write`] takes them out, [`number`],
//! [`whole`], [`as_f64`] and [`as_whole`] convert.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::objection::Objection;

/// The bare words, longest first, and their numbers.
const WORDS: [(&str, f64); 3] =
    [("-Infinity", f64::NEG_INFINITY), ("Infinity", f64::INFINITY), ("NaN", f64::NAN)];

/// Whole numbers of fewer digits fit into 64 bits.
const LONG: usize = 19;

/// Reads one value.
pub(crate) fn parse(text: &str) -> Result<Json, Objection> {
    serde_json::from_str(&quote(text)).map_err(|error| objection(&error))
}

/// What `serde_json` objects to, in words.
pub(crate) fn objection(error: &serde_json::Error) -> Objection {
    let why = error.to_string();
    if why.starts_with("recursion limit") {
        return Objection::beyond("its lists and objects lie more than 127 deep in each other");
    }
    if why.starts_with("number out of range") {
        return Objection::beyond("it has a number that is too large");
    }
    let place = match error.line() {
        0 | 1 => format!("character {}", error.column()),
        line => format!("line {line}, character {}", error.column()),
    };
    let said = why.split(" at line ").next().unwrap_or_default();
    Objection::from(match error.is_eof() {
        true => "it is no JSON: it ends too early".to_owned(),
        false => format!("it is no JSON: {said} at {place}"),
    })
}

/// Writes one value without white space.
pub(crate) fn write(value: &Json) -> String {
    const MARK: &str = "\"\\u0000";
    let text = value.to_string();
    let mut pieces = text.split(MARK);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('"') {
            Some((bare, rest)) if is_bare(bare) => {
                out.push_str(bare);
                out.push_str(rest);
            }
            _ => {
                out.push_str(MARK);
                out.push_str(piece);
            }
        }
    }
    out
}

/// Whether a marked text stands for a number.
fn is_bare(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    WORDS.iter().any(|(word, _)| *word == text)
        || (digits.len() >= LONG && digits.bytes().all(|byte| byte.is_ascii_digit()))
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

/// The value that stands for a whole number.
pub(crate) fn whole(number: i128) -> Json {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => Json::String(format!("\0{number}")),
    }
}

/// The number that `value` stands for.
pub(crate) fn as_f64(value: &Json) -> Option<f64> {
    match value {
        Json::String(text) => {
            let bare = text.strip_prefix('\0').filter(|bare| is_bare(bare))?;
            let word = WORDS.iter().find(|(name, _)| *name == bare).map(|&(_, number)| number);
            word.or_else(|| bare.parse().ok())
        }
        _ => value.as_f64(),
    }
}

/// The whole number that `value` stands for: none if it is no whole number, `Err` with its digits if it is one of more
/// than 128 bits.
pub(crate) fn as_whole(value: &Json) -> Result<Option<i128>, &str> {
    match value {
        Json::String(text) => {
            let digits = text.strip_prefix('\0').filter(|bare| is_bare(bare) && !bare.ends_with(['y', 'N']));
            digits.map(|digits| digits.parse().map_err(|_| digits)).transpose()
        }
        _ => Ok(value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))),
    }
}

/// Puts what stands outside of texts and `serde_json` does not know into quotes, with the mark. The whole number `-0` is
/// 0, as in Python; `serde_json` would make a real one of it.
pub(crate) fn quote(text: &str) -> Cow<'_, str> {
    let long = text.as_bytes().split(|byte| !byte.is_ascii_digit()).any(|run| run.len() >= LONG);
    if !long && !text.contains("-0") && !WORDS.iter().any(|(word, _)| text.contains(word)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    let (mut inside, mut escaped) = (false, false);
    while let Some(next) = rest.chars().next() {
        if let Some(length) = (!inside).then(|| token(rest)).filter(|length| *length > 0) {
            let (bare, behind) = rest.split_at(length);
            match bare {
                "-0" => out.push('0'),
                _ if is_bare(bare) && bare.parse::<i64>().is_err() && bare.parse::<u64>().is_err() => {
                    out.push_str("\"\\u0000");
                    out.push_str(bare);
                    out.push('"');
                }
                _ => out.push_str(bare),
            }
            rest = behind;
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

/// How many bytes at the beginning of `text` are a bare word or a number.
fn token(text: &str) -> usize {
    if let Some((word, _)) = WORDS.iter().find(|(word, _)| text.starts_with(word)) {
        return word.len();
    }
    let in_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    match text.as_bytes() {
        [b'-' | b'0'..=b'9', ..] => text.bytes().take_while(|byte| in_number(byte)).count(),
        _ => 0,
    }
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
    fn whole_numbers_of_any_length_come_back() {
        let huge = "9".repeat(400);
        let text = format!(
            r#"[-9223372036854775808,18446744073709551615,18446744073709551616,-{huge},{{"a":"{huge} NaN"}},1e300]"#
        );
        let value = parse(&text).unwrap();
        assert_eq!(write(&value), text.replace("1e300", "1e+300"));
        assert_eq!(as_whole(&value[0]), Ok(Some(i128::from(i64::MIN))));
        assert_eq!(as_whole(&value[1]), Ok(Some(i128::from(u64::MAX))));
        assert_eq!(as_whole(&value[2]), Ok(Some(1 << 64)));
        assert_eq!(as_whole(&value[3]), Err(&*format!("-{huge}")));
        assert_eq!((as_whole(&value[4]), as_whole(&value[5])), (Ok(None), Ok(None)));
        assert_eq!((as_f64(&value[2]), as_f64(&value[3])), (Some(2f64.powi(64)), Some(f64::NEG_INFINITY)));
        for number in [0, -1, i128::from(i64::MIN), i128::from(u64::MAX), 1 << 64, i128::MAX, i128::MIN] {
            assert_eq!(as_whole(&parse(&write(&whole(number))).unwrap()), Ok(Some(number)));
        }
        assert_eq!(as_whole(&number(f64::NAN)), Ok(None));
    }

    #[test]
    fn a_whole_zero_with_a_sign_is_whole() {
        let objection = Objection::from("it is no JSON: invalid number at character 19".to_owned());
        assert_eq!(parse("[-0, -0.0, \"-0\", -01]"), Err(objection));
        let value = parse("[-0, -0.0, \"-0\", 1e-05]").unwrap();
        assert_eq!((as_whole(&value[0]), as_whole(&value[1])), (Ok(Some(0)), Ok(None)));
        assert_eq!(as_f64(&value[1]).map(f64::to_bits), Some((-0.0f64).to_bits()));
        assert_eq!((&value[2], as_f64(&value[3])), (&Json::from("-0"), Some(1e-5)));
    }

    #[test]
    fn texts_that_only_look_marked_stay() {
        for text in ["\0hello", "\0", "\0x123", "\0NaN?", "x\0NaN"] {
            assert_eq!(parse(&write(&Json::from(text))).unwrap(), text);
        }
    }

    #[test]
    fn objections_are_in_words() {
        for text in ["[", "{]", "nope", "1e999", &"[".repeat(500)] {
            let why = parse(text).unwrap_err().why;
            assert!(why.starts_with("it"), "{why}");
        }
        assert!(parse("1e999").unwrap_err().healthy && !parse("{]").unwrap_err().healthy);
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
