//! Text from outside, made fit to be shown: on a terminal, in a report, in a table for a spreadsheet.
//!
//! Names and messages come from files that anybody may have written. A control character moves a terminal's cursor or
//! rings its bell, and is no part of well-formed HTML; a mark for writing from right to left lets a name read as another.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with `\u001b` and the like in the place of each character that acts instead of being seen: control
/// characters but for tabs and line breaks, the marks that change the direction of writing, and what XML does not allow.
/// A carriage return before a line break is dropped. JSON stays the same JSON.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        if acts(c) {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// A text as a cell of a CSV file: [`printable`], and behind an apostrophe where a spreadsheet would take it for a formula
/// because of its first character, `=`, `+`, `-`, `@`, their full-width forms, or a tab or line break. Not for numbers.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let text = printable(text);
    match text.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\n']) {
        true => Cow::Owned(format!("'{text}")),
        false => text,
    }
}

/// Whether a character does something instead of being seen.
fn acts(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Unicode's Bidi_Control.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Separators of lines and paragraphs; what is no character.
        '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_shown_as_its_number() {
        let cases = [
            ("cnn1", "cnn1"),
            ("表情 é 👩‍🔬 −1.20", "表情 é 👩‍🔬 −1.20"),
            ("two\nlines\tand a tab", "two\nlines\tand a tab"),
            ("two\r\nlines", "two\nlines"),
            ("\u{1b}[2J\u{7}bell", "\\u001b[2J\\u0007bell"),
            ("over\rwritten", "over\\u000dwritten"),
            ("gpj\u{202e}exe.", "gpj\\u202eexe."),
            ("\u{9b}31m\u{7f}\0", "\\u009b31m\\u007f\\u0000"),
            ("\u{2028}\u{ffff}", "\\u2028\\uffff"),
        ];
        for (text, shown) in cases {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown, "once is enough");
        }
    }

    #[test]
    fn json_stays_the_same() {
        let name = "a\u{1b}\u{9b}\u{202e}\n\"b\u{7f}";
        let json = serde_json::to_string(name).unwrap();
        let shown = printable(&json);
        assert!(!shown.chars().any(acts), "{shown}");
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), name);
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-cmd", "@SUM(A1)", "\t=1", "\n=1", "＝1"] {
            assert_eq!(csv_cell(text), format!("'{text}"));
        }
        assert_eq!(csv_cell("\r=1"), "\\u000d=1");
        assert_eq!(csv_cell("a = b"), "a = b");
    }
}
