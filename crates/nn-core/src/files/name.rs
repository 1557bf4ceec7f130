use thiserror::Error;

/// Why a name cannot become a file's or a folder's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} cannot name a file: {reason}")]
pub struct NameError {
    /// The name; a long one is cut.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Longer names leave no room for what is added to them, and some systems refuse them.
const LONGEST: usize = 200;

/// Whether a name that came from a file may become one component of a path, on any system.
///
/// # Errors
/// If it is empty, longer than 200 bytes, begins with a dot, ends in a dot or a blank, or holds a separator, a colon or
/// a control character.
pub fn check_file_name(name: &str) -> Result<(), NameError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > LONGEST {
        "it is longer than 200 bytes"
    } else if name.contains(['/', '\\', ':']) {
        "it has a separator of paths in it"
    } else if name.chars().any(char::is_control) {
        "it has a control character in it"
    } else if name.starts_with('.') {
        "it begins with a dot"
    } else if name.ends_with(['.', ' ']) {
        "it ends in a dot or a blank"
    } else {
        return Ok(());
    };
    Err(NameError { name: name.chars().take(40).collect(), reason })
}

#[cfg(test)]
mod tests {
    use super::check_file_name;

    #[test]
    fn names_that_are_one_component_pass() {
        for name in ["cnn1", "mein Netz", "model.v2", "表情", "a-b_c"] {
            assert_eq!(check_file_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_lead_elsewhere_do_not() {
        let long = "x".repeat(201);
        let bad = [
            "",
            ".",
            "..",
            "../up",
            "a/b",
            "/etc",
            "a\\b",
            "c:x",
            "a\nb",
            "a\0b",
            "\u{1b}[2J",
            ".hidden",
            "a.",
            "a ",
            &long,
        ];
        for name in bad {
            let error = check_file_name(name).unwrap_err();
            assert!(error.name.len() <= 40 && !error.to_string().contains('\u{1b}'), "{error}");
        }
    }
}
