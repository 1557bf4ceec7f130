//! From rows to studies and trials.

use std::collections::{BTreeMap, HashMap};

use super::{Cell, Row, Transaction, names, write};
use crate::distribution::Distribution;
use crate::json;
use crate::objection::{Objection, shortened};
use crate::storage::{AttrKind, Known, StorageError, StudyId, StudyRecord};
use crate::trial::{Attrs, Param, Trial, TrialId};

/// All studies.
pub(super) fn studies(t: &mut dyn Transaction) -> Result<Vec<StudyRecord>, StorageError> {
    let mut studies = BTreeMap::new();
    t.rows("studies", "SELECT study_id, study_name FROM studies", &[], |row| {
        let id = StudyId(row.int(0)?);
        let (user_attrs, system_attrs) = (Attrs::new(), Attrs::new());
        let name = row.text(1)?.to_owned();
        studies.insert(id, StudyRecord { id, name, directions: Vec::new(), user_attrs, system_attrs });
        Ok(())
    })?;
    let directions = "SELECT study_id, direction FROM study_directions ORDER BY study_id, objective";
    t.rows("study_directions", directions, &[], |row| {
        let direction = names::direction(row.text(1)?)?;
        if let Some(study) = studies.get_mut(&StudyId(row.int(0)?)) {
            study.directions.push(direction);
        }
        Ok(())
    })?;
    for kind in [AttrKind::User, AttrKind::System] {
        let table = kind.study_table();
        t.rows(table, &format!("SELECT study_id, key, value_json FROM {table}"), &[], |row| {
            let (key, value) = attr(row)?;
            if let Some(study) = studies.get_mut(&StudyId(row.int(0)?)) {
                kind.of(&mut study.user_attrs, &mut study.system_attrs).insert(key, value);
            }
            Ok(())
        })?;
    }
    Ok(studies.into_values().collect())
}

/// The trials of a study that `known` does not cover.
pub(super) fn trials(
    t: &mut dyn Transaction,
    study: StudyId,
    known: &Known,
) -> Result<Vec<Trial>, StorageError> {
    // Identities may be any numbers; those of a file from elsewhere even negative.
    let last = known.last.map_or(i64::MIN, |last| last.0);
    let unfinished: Vec<_> = known.unfinished.iter().map(|id| id.0).filter(|id| *id <= last).collect();
    let mut trials = BTreeMap::new();
    let again = format!("trial_id {} AND study_id = CAST($2 AS BIGINT)", t.dialect().among);
    trial_rows(t, &mut trials, &again, &[Cell::Ids(&unfinished), Cell::Int(study.0)])?;
    let later = "study_id = CAST($1 AS BIGINT) AND trial_id > CAST($2 AS BIGINT)";
    trial_rows(t, &mut trials, later, &[Cell::Int(study.0), Cell::Int(last)])?;
    fill(t, &mut trials)?;
    Ok(trials.into_values().collect())
}

/// One trial.
pub(super) fn trial(t: &mut dyn Transaction, id: TrialId) -> Result<Trial, StorageError> {
    let mut trials = BTreeMap::new();
    trial_rows(t, &mut trials, "trial_id = CAST($1 AS BIGINT)", &[Cell::Int(id.0)])?;
    fill(t, &mut trials)?;
    trials.remove(&id.0).ok_or(StorageError::NoTrial(id))
}

/// The first value in the study of each of the parameters.
pub(super) fn first_params(
    t: &mut dyn Transaction,
    study: StudyId,
    wanted: &[&str],
) -> Result<BTreeMap<String, Param>, StorageError> {
    let mut first = BTreeMap::new();
    for wanted in wanted.chunks(write::ROWS) {
        let list: Vec<_> = (2..wanted.len() + 2).map(|i| format!("(${i})")).collect();
        let sql = format!(
            "SELECT param_name, param_value, distribution_json FROM trial_params WHERE param_id IN (
                SELECT (SELECT param_id FROM trials JOIN trial_params USING (trial_id)
                        WHERE study_id = $1 AND param_name = column1 ORDER BY trials.trial_id LIMIT 1)
                FROM (VALUES {}) AS wanted)",
            list.join(", ")
        );
        let mut values = vec![Cell::Int(study.0)];
        values.extend(wanted.iter().map(|name| Cell::Text(name)));
        t.rows("trial_params", &sql, &values, |row| {
            first.insert(row.text(0)?.to_owned(), param(row, 1, &mut HashMap::new())?);
            Ok(())
        })?;
    }
    Ok(first)
}

/// Reads the rows of `trials` that meet a condition.
fn trial_rows(
    t: &mut dyn Transaction,
    trials: &mut BTreeMap<i64, Trial>,
    condition: &str,
    values: &[Cell<'_>],
) -> Result<(), StorageError> {
    let sql = format!(
        "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials WHERE {condition}"
    );
    t.rows("trials", &sql, values, |row| {
        let id = row.int(0)?;
        let number = row.int(1)?;
        let trial = Trial {
            id: TrialId(id),
            number: u64::try_from(number).map_err(|_| format!("trial {id} has the number {number}"))?,
            state: names::state(row.text(2)?)?,
            values: Vec::new(),
            params: BTreeMap::new(),
            intermediate: BTreeMap::new(),
            user_attrs: Attrs::new(),
            system_attrs: Attrs::new(),
            started: row.time(3)?,
            finished: row.time(4)?,
        };
        trials.insert(id, trial);
        Ok(())
    })
}

/// Reads what the other tables have about these trials.
fn fill(t: &mut dyn Transaction, trials: &mut BTreeMap<i64, Trial>) -> Result<(), StorageError> {
    if trials.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = trials.keys().copied().collect();
    let mut distributions = HashMap::new();
    of_trials(
        t,
        trials,
        &ids,
        "trial_params",
        "param_name, param_value, distribution_json",
        |trial, row| {
            trial.params.insert(row.text(1)?.to_owned(), param(row, 2, &mut distributions)?);
            Ok(())
        },
    )?;
    let mut results = BTreeMap::new();
    of_trials(t, trials, &ids, "trial_values", "objective, value, value_type", |trial, row| {
        let value = names::restored(row.real(2)?, row.text(3)?)?;
        results.insert((trial.id.0, row.int(1)?), value);
        Ok(())
    })?;
    for ((id, _), value) in results {
        if let Some(trial) = trials.get_mut(&id) {
            trial.values.push(value);
        }
    }
    let reports = "step, intermediate_value, intermediate_value_type";
    of_trials(t, trials, &ids, "trial_intermediate_values", reports, |trial, row| {
        trial.intermediate.insert(row.int(1)?, names::restored(row.real(2)?, row.text(3)?)?);
        Ok(())
    })?;
    for kind in [AttrKind::User, AttrKind::System] {
        of_trials(t, trials, &ids, kind.trial_table(), "key, value_json", |trial, row| {
            let (key, value) = attr(row)?;
            kind.of(&mut trial.user_attrs, &mut trial.system_attrs).insert(key, value);
            Ok(())
        })?;
    }
    Ok(())
}

/// Reads the rows of `table` that belong to one of the trials. The first column is the trial's identity.
fn of_trials(
    t: &mut dyn Transaction,
    trials: &mut BTreeMap<i64, Trial>,
    ids: &[i64],
    table: &str,
    columns: &str,
    mut take: impl FnMut(&mut Trial, &Row<'_>) -> Result<(), Objection>,
) -> Result<(), StorageError> {
    let sql = format!("SELECT trial_id, {columns} FROM {table} WHERE trial_id {}", t.dialect().among);
    t.rows(table, &sql, &[Cell::Ids(ids)], |row| {
        let id = row.int(0)?;
        match trials.get_mut(&id) {
            Some(trial) => take(trial, row).map_err(|objection| objection.in_part(&format!("trial {id}"))),
            None => Ok(()),
        }
    })
}

/// A parameter from its value in `column` and the distribution after it. Most trials of a study have the same
/// distributions: each text is read once.
fn param(
    row: &Row<'_>,
    column: usize,
    distributions: &mut HashMap<String, Distribution>,
) -> Result<Param, Objection> {
    let internal = row.real(column)?.ok_or_else(|| "a parameter without a value".to_owned())?;
    let text = row.text(column + 1)?;
    if let Some(distribution) = distributions.get(text) {
        return Ok(Param { internal, distribution: distribution.clone() });
    }
    let distribution = Distribution::from_json(text)?;
    distributions.insert(text.to_owned(), distribution.clone());
    Ok(Param { internal, distribution })
}

fn attr(row: &Row<'_>) -> Result<(String, serde_json::Value), Objection> {
    let (key, text) = (row.text(1)?, row.text(2)?);
    let part = || format!("attribute {:?}", shortened(key));
    let value = json::parse(text).map_err(|objection| objection.in_part(&part()))?;
    Ok((key.to_owned(), value))
}
