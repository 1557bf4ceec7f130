//! Which tables a database has, and whether they are the ones that we know.

/// The version of Optuna's tables since its release 3.2, in the words of its migration tool.
const VERSION: &str = "v3.2.0.a";

/// Earlier versions; their tables differ. Optuna turns them into [`VERSION`].
const EARLIER: [&str; 9] = [
    "v0.9.0.a", "v1.2.0.a", "v1.3.0.a", "v2.4.0.a", "v2.6.0.a", "v3.0.0.a", "v3.0.0.b", "v3.0.0.c",
    "v3.0.0.d",
];

const VERSION_TABLE: &str = "alembic_version";

const TABLES: [&str; 13] = [
    "studies",
    "study_directions",
    "study_user_attributes",
    "study_system_attributes",
    "trials",
    "trial_params",
    "trial_values",
    "trial_intermediate_values",
    "trial_user_attributes",
    "trial_system_attributes",
    "trial_heartbeats",
    "version_info",
    VERSION_TABLE,
];

/// What a database holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Found {
    /// None of Optuna's tables.
    Nothing,
    /// All of them, in the version that we know.
    Studies,
}

/// Looks at a database's `tables` and, where there is such a table, at the `version` in it.
///
/// # Errors
/// Why studies can neither be read from it nor be created in it: the reason, to follow the database's name.
pub(in super::super) fn inspect<E>(
    tables: &[String],
    version: impl FnOnce() -> Result<Option<String>, E>,
) -> Result<Result<Found, String>, E> {
    let has = |table: &str| tables.iter().any(|name| name == table);
    if !TABLES.iter().any(|table| has(table)) {
        return Ok(Ok(Found::Nothing));
    }
    let version = if has(VERSION_TABLE) { version()? } else { None };
    Ok(match version.as_deref() {
        Some(VERSION) => match TABLES.iter().find(|table| !has(table)) {
            None => Ok(Found::Studies),
            Some(missing) => Err(format!("of Optuna's tables, {missing} is missing")),
        },
        Some(earlier) if EARLIER.contains(&earlier) => Err(format!(
            "its tables have Optuna's version {earlier}, and {VERSION} is needed; `optuna storage upgrade` \
             brings them there"
        )),
        Some(other) => {
            Err(format!("its tables have the unknown version {other}; Optuna's version {VERSION} is needed"))
        }
        None => Err(format!(
            "some of its tables are named like Optuna's, but they have no version; if they are Optuna's, \
             `optuna storage upgrade` brings them to version {VERSION}"
        )),
    })
}
