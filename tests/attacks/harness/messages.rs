//! What no message of a program may have in it.

/// Texts that a panic, an abort, a parser of ours or `Debug` would leave.
const NEVER: [&str; 20] = [
    "panicked",
    "RUST_BACKTRACE",
    "memory allocation of",
    "stack overflow",
    "overflowed its stack",
    "capacity overflow",
    "attempt to ",
    "unreachable code",
    "Sanitizer",
    // serde
    "invalid type: ",
    "invalid value: ",
    "invalid length ",
    "EOF while parsing",
    "expected value at",
    "missing field `",
    // Debug
    "Object {",
    "Array [",
    "Some(",
    "Os { code",
    "Error {",
];

/// Longer numbers help nobody.
const LONGEST_NUMBER: usize = 40;

/// Longer lines help nobody; tables and JSON have long ones.
const LONGEST_LINE: usize = 4000;

/// Checks what a program said.
///
/// # Errors
/// With what is wrong.
pub fn check(said: &str) -> Result<(), String> {
    if let Some(fragment) = NEVER.iter().find(|fragment| said.contains(*fragment)) {
        return Err(format!("{fragment:?} is said"));
    }
    if let Some(structure) = debug_structure(said) {
        return Err(format!("what Debug makes of a {structure} is said"));
    }
    if let Some(control) = said.chars().find(|&c| is_control(c)) {
        return Err(format!("the character {control:?} is said"));
    }
    let mut words = said.split(|c: char| !c.is_ascii_digit());
    if words.any(|digits| digits.len() > LONGEST_NUMBER) {
        return Err(format!("a number of more than {LONGEST_NUMBER} digits is said"));
    }
    match said.lines().find(|line| line.len() > LONGEST_LINE) {
        Some(line) => Err(format!("a line of {} bytes is said", line.len())),
        None => Ok(()),
    }
}

/// The name of a structure that `Debug` has written, `Name { field: ..`.
fn debug_structure(said: &str) -> Option<&str> {
    said.match_indices(" { ").find_map(|(at, braces)| {
        let name = said[..at].rsplit(|c: char| !c.is_alphanumeric()).next()?;
        let field = said[at + braces.len()..].split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        let is_field = !field.is_empty() && said[at + braces.len() + field.len()..].starts_with(": ");
        (name.starts_with(char::is_uppercase) && is_field).then_some(name)
    })
}

/// Characters that change a terminal, or the order in which text is shown.
fn is_control(c: char) -> bool {
    let is_layout = matches!(c, '\n' | '\t' | '\r');
    let turns_text = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    c.is_control() && !is_layout || turns_text
}
