//! From trials to rows.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Cell, Transaction, names, read};
use crate::json;
use crate::storage::{AttrKind, NewTrial, StorageError, StudyId, check_compatible, now};
use crate::trial::{Direction, Param, State, TrialId};

/// How many rows one statement inserts at most. The databases allow tens of thousands of parameters, and the widest
/// row has four.
pub(super) const ROWS: usize = 256;

/// Inserts rows; `into` is a table with its columns, `clash` what to do if a row is there already.
fn insert<const N: usize>(
    t: &mut dyn Transaction,
    into: &str,
    rows: &[[Cell<'_>; N]],
    clash: &str,
) -> Result<(), StorageError> {
    for rows in rows.chunks(ROWS) {
        let places: Vec<_> = (0..rows.len())
            .map(|row| {
                let places: Vec<_> = (1..=N).map(|column| format!("${}", row * N + column)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!("INSERT INTO {into} VALUES {} {clash}", places.join(", "));
        t.execute(&sql, rows.as_flattened())?;
    }
    Ok(())
}

/// The directions of a new study.
pub(super) fn directions(
    t: &mut dyn Transaction,
    study: StudyId,
    directions: &[Direction],
) -> Result<(), StorageError> {
    let rows: Vec<_> = directions
        .iter()
        .zip(0..)
        .map(|(direction, i)| {
            [Cell::Int(study.0), Cell::Int(i), Cell::Text(names::direction_name(*direction))]
        })
        .collect();
    insert(t, "study_directions (study_id, objective, direction)", &rows, "")
}

/// A new trial with everything in it.
pub(super) fn trial(
    t: &mut dyn Transaction,
    study: StudyId,
    number: u64,
    new: &NewTrial,
) -> Result<TrialId, StorageError> {
    let time = |known: bool| if known { Cell::Time(now()) } else { Cell::Null };
    let row = [
        Cell::Int(i64::try_from(number).unwrap_or(i64::MAX)),
        Cell::Int(study.0),
        Cell::Text(names::state_name(new.state)),
        time(new.state != State::Waiting),
        time(new.state.is_finished()),
    ];
    let sql = "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)
               VALUES ($1, $2, $3, $4, $5) RETURNING trial_id";
    let id = t.first("trials", sql, &row, |row| row.int(0))?;
    let id = TrialId(id.ok_or(StorageError::NoStudy(study))?);
    params(t, study, id, &new.params)?;
    results(t, id, &new.values)?;
    reports(t, id, &new.intermediate)?;
    trial_attrs(t, AttrKind::User, id, &new.user_attrs)?;
    trial_attrs(t, AttrKind::System, id, &new.system_attrs)?;
    Ok(id)
}

/// Parameters of a trial, if the earlier trials of its study agree with their distributions.
pub(super) fn params(
    t: &mut dyn Transaction,
    study: StudyId,
    trial: TrialId,
    params: &[(String, Param)],
) -> Result<(), StorageError> {
    let wanted: Vec<_> = params.iter().map(|(name, _)| name.as_str()).collect();
    let first = read::first_params(t, study, &wanted)?;
    check_compatible(params, |name| first.get(name))?;
    if let Some((name, param)) = params.iter().find(|(_, param)| param.internal.is_nan()) {
        return Err(unfit(
            t,
            format!("parameter {name:?} is {}, which Optuna's tables cannot hold", param.internal),
        ));
    }
    let unique: BTreeMap<_, _> = params.iter().map(|(name, param)| (name, param)).collect();
    let texts: Vec<_> = unique.values().map(|param| param.distribution.to_json()).collect();
    let rows: Vec<_> = unique
        .iter()
        .zip(&texts)
        .map(|((name, param), text)| {
            [Cell::Int(trial.0), Cell::Text(name), Cell::Real(param.internal), Cell::Text(text)]
        })
        .collect();
    let into = "trial_params (trial_id, param_name, param_value, distribution_json)";
    let clash = "ON CONFLICT (trial_id, param_name) DO UPDATE
                 SET param_value = excluded.param_value, distribution_json = excluded.distribution_json";
    insert(t, into, &rows, clash)
}

/// The results of a trial.
pub(super) fn results(t: &mut dyn Transaction, trial: TrialId, values: &[f64]) -> Result<(), StorageError> {
    if values.iter().any(|value| value.is_nan()) {
        return Err(unfit(
            t,
            format!("trial {} has NaN as a result, which Optuna's tables cannot hold", trial.0),
        ));
    }
    let rows: Vec<_> = values
        .iter()
        .zip(0..)
        .map(|(value, i)| {
            let [number, kind] = names::stored(*value);
            [Cell::Int(trial.0), Cell::Int(i), number, kind]
        })
        .collect();
    let clash = "ON CONFLICT (trial_id, objective) DO UPDATE
                 SET value = excluded.value, value_type = excluded.value_type";
    insert(t, "trial_values (trial_id, objective, value, value_type)", &rows, clash)
}

/// Intermediate results of a trial.
pub(super) fn reports(
    t: &mut dyn Transaction,
    trial: TrialId,
    reports: &[(i64, f64)],
) -> Result<(), StorageError> {
    let unique: BTreeMap<_, _> = reports.iter().copied().collect();
    let rows: Vec<_> = unique
        .into_iter()
        .map(|(step, value)| {
            let [number, kind] = names::stored(value);
            [Cell::Int(trial.0), Cell::Int(step), number, kind]
        })
        .collect();
    let into = "trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type)";
    let clash = "ON CONFLICT (trial_id, step) DO UPDATE
                 SET intermediate_value = excluded.intermediate_value,
                     intermediate_value_type = excluded.intermediate_value_type";
    insert(t, into, &rows, clash)
}

/// Attributes of a trial.
pub(super) fn trial_attrs<'a>(
    t: &mut dyn Transaction,
    kind: AttrKind,
    trial: TrialId,
    attrs: impl IntoIterator<Item = (&'a String, &'a Json)>,
) -> Result<(), StorageError> {
    self::attrs(t, kind.trial_table(), "trial_id", trial.0, attrs)
}

/// Attributes of a study.
pub(super) fn study_attrs<'a>(
    t: &mut dyn Transaction,
    kind: AttrKind,
    study: StudyId,
    attrs: impl IntoIterator<Item = (&'a String, &'a Json)>,
) -> Result<(), StorageError> {
    self::attrs(t, kind.study_table(), "study_id", study.0, attrs)
}

fn attrs<'a>(
    t: &mut dyn Transaction,
    table: &str,
    owner: &str,
    id: i64,
    attrs: impl IntoIterator<Item = (&'a String, &'a Json)>,
) -> Result<(), StorageError> {
    let texts: Vec<_> = attrs.into_iter().map(|(key, value)| (key, json::write(value))).collect();
    let rows: Vec<_> =
        texts.iter().map(|(key, text)| [Cell::Int(id), Cell::Text(key), Cell::Text(text)]).collect();
    let into = format!("{table} ({owner}, key, value_json)");
    let clash = format!("ON CONFLICT ({owner}, key) DO UPDATE SET value_json = excluded.value_json");
    insert(t, &into, &rows, &clash)
}

/// Makes a trial one of `state`, from `column`'s time on: `datetime_start` or `datetime_complete`.
pub(super) fn state(
    t: &mut dyn Transaction,
    trial: TrialId,
    state: State,
    column: &str,
) -> Result<(), StorageError> {
    let sql = format!("UPDATE trials SET state = $1, {column} = $2 WHERE trial_id = $3");
    t.execute(&sql, &[Cell::Text(names::state_name(state)), Cell::Time(now()), Cell::Int(trial.0)])
}

fn unfit(t: &dyn Transaction, why: String) -> StorageError {
    StorageError::Backend { place: t.place().to_owned(), source: why.into() }
}

impl AttrKind {
    /// The table of the attributes of studies.
    pub(super) fn study_table(self) -> &'static str {
        match self {
            Self::User => "study_user_attributes",
            Self::System => "study_system_attributes",
        }
    }

    /// The table of the attributes of trials.
    pub(super) fn trial_table(self) -> &'static str {
        match self {
            Self::User => "trial_user_attributes",
            Self::System => "trial_system_attributes",
        }
    }
}
