//! What is said and written down of a command line in which a password may stand.

/// An argument without what may be the password of a database: `--study=postgresql://...`. Whatever looks like an address
/// or like the settings of a connection is left out from there on, well formed or not.
pub fn discreet(argument: &str) -> String {
    let (flag, value) = split_flag(argument);
    if !is_revealing(value) {
        return argument.to_owned();
    }
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    match scheme.filter(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+')) {
        Some(scheme) => format!("{flag}{scheme}://..."),
        None => format!("{flag}..."),
    }
}

/// A message without the passwords of the command line that it is about.
pub fn without_passwords(message: &str, arguments: impl IntoIterator<Item = String>) -> String {
    let mut told = message.to_owned();
    for argument in arguments {
        let (_, value) = split_flag(&argument);
        if is_revealing(value) {
            told = told.replace(value, &discreet(value));
        }
    }
    told
}

/// Whether a password may stand in `text`: it is an address, or was meant to be one.
pub fn is_revealing(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let meant = lower.starts_with("postgres") && lower.contains([':', '@', '%', '=']);
    let named = ["password", "passwd", "pwd="].iter().any(|name| lower.contains(name)) && lower.contains('=');
    // user:password@host; but for a path.
    let user = text.rfind('@').is_some_and(|end| text[..end].contains(':')) && !text.starts_with(['/', '.']);
    lower.contains("://") || meant || named || user
}

/// `--flag=` and the rest.
fn split_flag(argument: &str) -> (&str, &str) {
    let end = argument.find('=').filter(|_| argument.starts_with("--")).map_or(0, |place| place + 1);
    argument.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out_of_every_form() {
        let password = "s3cr3t";
        for form in [
            "postgresql://me:PW@host/db",
            "postgresql://me:PW@part@host/db",
            "postgresql://me:part@PW@host/db?x=y",
            "postgresql+psycopg2://me:PW@host/db",
            "postgresql:/me:PW@host/db",
            "postgresql:/me:PW@host/study.db",
            "postgres:me:PW@host",
            "Postgres:me:PW@host",
            "postgresql%3A%2F%2Fme%3APW%40host",
            "postgresql//me:PW@host/db",
            "me:PW@host/db",
            "host=host user=me password=PW",
            "password=PW",
            "PGPASSWORD=PW",
            "postgresql://host/db?password=PW",
            "mysql://me:PW@host/db",
            "me:PW@host://x",
        ] {
            for flag in ["", "--study=", "--studdy="] {
                let argument = format!("{flag}{}", form.replace("PW", password));
                let shown = discreet(&argument);
                assert!(!shown.contains(password) && shown.starts_with(flag), "{argument}: {shown}");
                let message = format!("error: invalid value '{}'", form.replace("PW", password));
                let told = without_passwords(&message, [argument]);
                assert!(told.starts_with("error: invalid value '") && !told.contains(password), "{told}");
            }
        }
    }

    #[test]
    fn other_arguments_stay() {
        for argument in [
            "fer",
            "search",
            "--trials",
            "15",
            "/data/faces.csv",
            "--data=/data/faces.csv",
            "runs/a@b",
            "study.db",
            "--lr=1e-4",
            "/mnt/x:y/a@b.db",
            "notes about postgres.journal",
            "12:30.log",
        ] {
            assert_eq!(discreet(argument), argument);
        }
        assert_eq!(discreet("--study=postgresql://me:x@host/db?x=y"), "--study=postgresql://...");
    }
}
