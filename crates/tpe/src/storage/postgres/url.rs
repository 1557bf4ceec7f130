//! Addresses of databases, and how to speak of them without their passwords.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use crate::storage::StorageError;

/// What an address looks like.
const FORM: &str = "expected postgresql://user:password@host:port/database";

/// Reads an address. Errors quote nothing of it: where it is wrong, any part of it may be the password.
pub(super) fn parse(url: &str) -> Result<Config, StorageError> {
    let wrong = |why: &str| StorageError::Backend {
        place: "the address of the PostgreSQL database".to_owned(),
        source: format!("{why}; {FORM}").into(),
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no \"://\""))?;
    let database = scheme.split_once('+').map_or(scheme, |(database, _)| database);
    if !matches!(database, "postgres" | "postgresql") {
        return Err(wrong("it is not the address of a PostgreSQL database"));
    }
    if has_loose_sign(rest) {
        return Err(wrong("an @, / or ? in a password is written %40, %2F or %3F"));
    }
    let options = rest.split_once('?').map_or("", |(_, options)| options);
    let encrypted = options.split('&').any(|option| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        match name {
            "sslmode" => matches!(value, "require" | "verify-ca" | "verify-full"),
            _ => matches!(name, "sslrootcert" | "sslcert" | "sslkey" | "sslcrl"),
        }
    });
    let plain = "it asks for an encrypted connection, which is not built in: sslmode can be disable or prefer, and a \
                 tunnel (ssh -L) encrypts";
    if encrypted {
        return Err(wrong(plain));
    }
    // The reason may quote any part of the address, the password too.
    let config: Config = format!("{database}://{rest}").parse().map_err(|_| wrong("it cannot be read"))?;
    if config.get_ssl_mode() == SslMode::Require {
        return Err(wrong(plain));
    }
    if config.get_hosts().is_empty() {
        return Err(wrong("it names no host"));
    }
    Ok(config)
}

/// Whether a sign that separates parts of an address stands elsewhere, so that the rest of a password would be taken for a
/// host, a database or an option: an `@` may only end user and password.
fn has_loose_sign(rest: &str) -> bool {
    let (address, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    let ends = authority.matches('@').count();
    ends > 1 || path.contains('@') || (ends == 0 && options.contains('@'))
}

/// The database in an address that was understood.
pub(super) fn place(config: &Config) -> String {
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(i, host)| {
            let ports = config.get_ports();
            let port = ports.get(i).or(ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) => format!("{name}:{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}:{port}", folder.display()),
            }
        })
        .collect();
    format!(
        "postgresql://{}/{}",
        hosts.join(","),
        config.get_dbname().or(config.get_user()).unwrap_or_default()
    )
}
