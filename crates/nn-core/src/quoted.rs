//! How messages repeat what stands in files from outside: short, on one line, without control characters.

use std::fmt::Display;

pub use crate::json_error::objection;

/// The most characters of a name or a value that a message repeats.
const LONGEST: usize = 80;
/// The most elements of a list that a message repeats.
const MOST_ELEMENTS: usize = 8;

/// A text in quotation marks, control characters escaped; of a long one the beginning.
///
/// ```
/// use nn_core::quoted::quoted;
/// assert_eq!(quoted("conv\n"), r#""conv\n""#);
/// assert!(quoted(&"x".repeat(1000)).ends_with("x\".."));
/// ```
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}..", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The first `most` characters of a text and two dots if there are more; control characters are escaped.
pub fn shortened(text: &str, most: usize) -> String {
    let shown: String = text.chars().take(most).flat_map(visible).collect();
    if text.chars().nth(most).is_some() { shown + ".." } else { shown }
}

/// A list such as a shape, `[3, 3, 1]`; of a long one the beginning and the number of elements.
pub fn list<E: ExactSizeIterator<Item: Display>>(elements: impl IntoIterator<IntoIter = E>) -> String {
    let elements = elements.into_iter();
    let count = elements.len();
    let shown = elements.take(MOST_ELEMENTS).map(|element| shortened(&element.to_string(), LONGEST));
    let shown = shown.collect::<Vec<_>>().join(", ");
    if count > MOST_ELEMENTS { format!("[{shown}, .. {count} in all]") } else { format!("[{shown}]") }
}

/// A character, or what stands for one that is none to look at: a control character or a change of direction.
fn visible(c: char) -> impl Iterator<Item = char> {
    let hidden = c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = hidden.then(|| c.escape_unicode());
    let plain = if hidden { None } else { Some(c) };
    escaped.into_iter().flatten().chain(plain)
}

#[cfg(test)]
mod tests {
    use super::{list, quoted, shortened};

    #[test]
    fn what_is_repeated_is_short_and_visible() {
        assert_eq!(quoted("dense"), "\"dense\"");
        assert_eq!(shortened("a\u{1b}[2Jb\u{202e}", 10), "a\\u{1b}[2Jb\\u{202e}");
        assert_eq!(shortened("abcdef", 3), "abc..");
        assert_eq!(list([3, 3, 1]), "[3, 3, 1]");
        assert_eq!(list([0; 0]), "[]");
        assert_eq!(list(vec![1; 60_000]), "[1, 1, 1, 1, 1, 1, 1, 1, .. 60000 in all]");
        let number = "9".repeat(309);
        for text in [quoted(&number), shortened(&number, 80), list([number.as_str()])] {
            assert!(text.len() <= 90, "{text}");
        }
    }
}
