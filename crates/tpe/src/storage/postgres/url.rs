//! Addresses of databases, and how to speak of them without their passwords.

use std::time::Duration;

use postgres::Config;
use postgres::config::Host;

use crate::storage::StorageError;

/// How long to wait for a server that does not answer, unless the address says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads an address.
pub(super) fn parse(url: &str) -> Result<Config, StorageError> {
    let wrong = |why: &str| StorageError::Backend {
        place: shown(url),
        source: format!("{why}; expected postgresql://user:password@host:port/database").into(),
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no \"://\""))?;
    let database = scheme.split_once('+').map_or(scheme, |(database, _)| database);
    if !matches!(database, "postgres" | "postgresql") {
        return Err(wrong("it is not the address of a PostgreSQL database"));
    }
    // The reason may quote any part of the address, the password too.
    let mut config: Config =
        format!("{database}://{rest}").parse().map_err(|_| wrong("it cannot be read"))?;
    if config.get_hosts().is_empty() {
        return Err(wrong("it names no host"));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    Ok(config)
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

/// As much of an address that was not understood as certainly is no password: what follows the one `@`.
fn shown(url: &str) -> String {
    let parts: Vec<_> = url.split('@').collect();
    match (url.split_once("://"), parts.as_slice()) {
        (Some((scheme, _)), [_, host]) if !url.contains('?') => format!("{scheme}://…@{host}"),
        _ => "the address of the PostgreSQL database".to_owned(),
    }
}
