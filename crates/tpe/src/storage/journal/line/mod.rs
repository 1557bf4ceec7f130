//! Operations as lines of text, in Optuna's journal format.

mod fields;

use serde_json::{Map, Value as Json, json};

use self::fields::Fields;
use crate::distribution::Distribution;
use crate::json;
use crate::objection::{Objection, shortened};
use crate::storage::tables::Operation;
use crate::storage::{AttrKind, NewTrial, StudyId};
use crate::trial::{Direction, Param, State, TrialId};

/// The numbers of the operations; an attribute of the user has the first of two.
mod code {
    pub(super) const CREATE_STUDY: i64 = 0;
    pub(super) const DELETE_STUDY: i64 = 1;
    pub(super) const SET_STUDY_ATTR: [i64; 2] = [2, 3];
    pub(super) const CREATE_TRIAL: i64 = 4;
    pub(super) const SET_PARAM: i64 = 5;
    pub(super) const SET_STATE: i64 = 6;
    pub(super) const REPORT: i64 = 7;
    pub(super) const SET_TRIAL_ATTR: [i64; 2] = [8, 9];
    /// Of Rustuna; Optuna passes over it too.
    pub(super) const DISCARD_TRIALS: i64 = 10;
}

/// The states in the order of their numbers.
const STATES: [State; 5] = [State::Running, State::Complete, State::Pruned, State::Fail, State::Waiting];

/// The directions in the order of their numbers, which begin with 1.
const DIRECTIONS: [Direction; 2] = [Direction::Minimize, Direction::Maximize];

/// The line for an operation of `worker`, with its break.
pub(super) fn write(operation: &Operation, worker: &str) -> String {
    let (code, fields) = match operation {
        Operation::CreateStudy { name, directions } => {
            let directions: Vec<_> = directions.iter().map(|of| number_in(&DIRECTIONS, of) + 1).collect();
            (code::CREATE_STUDY, json!({ "study_name": name, "directions": directions }))
        }
        Operation::DeleteStudy(study) => (code::DELETE_STUDY, json!({ "study_id": study.0 })),
        Operation::SetStudyAttr { study, kind, key, value } => (
            code::SET_STUDY_ATTR[*kind as usize],
            json!({ "study_id": study.0, attr_name(*kind): { key: value } }),
        ),
        Operation::CreateTrial { .. } => (code::CREATE_TRIAL, creation(operation)),
        Operation::SetParam { trial, name, param } => (
            code::SET_PARAM,
            json!({
                "trial_id": trial.0,
                "param_name": name,
                "param_value_internal": json::number(param.internal),
                "distribution": param.distribution.to_json(),
            }),
        ),
        Operation::SetState { trial, state, values, at } => {
            let values = values.as_deref().filter(|values| !values.is_empty()).map(numbers);
            let mut fields =
                json!({ "trial_id": trial.0, "state": number_in(&STATES, state), "values": values });
            if let Some(at) = at {
                let name = if state.is_finished() { "datetime_complete" } else { "datetime_start" };
                fields[name] = fields::time(*at).into();
            }
            (code::SET_STATE, fields)
        }
        Operation::Report { trial, step, value } => (
            code::REPORT,
            json!({ "trial_id": trial.0, "step": step, "intermediate_value": json::number(*value) }),
        ),
        Operation::SetTrialAttr { trial, kind, key, value } => (
            code::SET_TRIAL_ATTR[*kind as usize],
            json!({ "trial_id": trial.0, attr_name(*kind): { key: value } }),
        ),
    };
    // The code comes first, as in Optuna's lines.
    let (worker, fields) = (json!(worker), json::write(&fields));
    format!("{{\"op_code\":{code},\"worker_id\":{worker},{}\n", &fields[1..])
}

/// The fields of [`Operation::CreateTrial`].
fn creation(operation: &Operation) -> Json {
    let Operation::CreateTrial { study, new, started, finished, repeats } = operation else {
        return Json::Null;
    };
    let (value, values) = match new.values.as_slice() {
        [] => (Json::Null, Json::Null),
        [value] => (json::number(*value), Json::Null),
        several => (Json::Null, numbers(several)),
    };
    let params = |of: fn(&Param) -> Json| -> Map<String, Json> {
        new.params.iter().map(|(name, param)| (name.clone(), of(param))).collect()
    };
    let intermediate: Map<String, Json> =
        new.intermediate.iter().map(|(step, value)| (step.to_string(), json::number(*value))).collect();
    let mut fields = json!({
        "study_id": study.0,
        "datetime_start": started.map(fields::time),
        "state": number_in(&STATES, &new.state),
        "value": value,
        "values": values,
        "distributions": params(|param| param.distribution.to_json().into()),
        "params": params(|param| json::number(param.internal)),
        "user_attrs": new.user_attrs,
        "system_attrs": new.system_attrs,
        "intermediate_values": intermediate,
    });
    if let Some(finished) = finished {
        fields["datetime_complete"] = fields::time(*finished).into();
    }
    if let Some(repeats) = repeats {
        fields["repeats"] = repeats.0.into();
    }
    fields
}

/// The operation in a line; `None` for one that has no effect.
///
/// # Errors
/// What is wrong with the line.
pub(super) fn read(line: &[u8]) -> Result<Option<Operation>, Objection> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let json = json::parse(text)?;
    let line = Fields(&json);
    let study = || line.whole("study_id").map(StudyId);
    let trial = || line.whole("trial_id").map(TrialId);
    let operation = match line.whole("op_code")? {
        code::CREATE_STUDY => {
            let directions = line.list("directions")?;
            Operation::CreateStudy {
                name: line.text("study_name")?.to_owned(),
                directions: directions.iter().map(direction).collect::<Result<_, _>>()?,
            }
        }
        code::DELETE_STUDY => Operation::DeleteStudy(study()?),
        op if code::SET_STUDY_ATTR.contains(&op) => {
            let kind = kind_of(op, code::SET_STUDY_ATTR);
            let (key, value) = line.single(attr_name(kind))?;
            Operation::SetStudyAttr { study: study()?, kind, key, value }
        }
        code::CREATE_TRIAL => Operation::CreateTrial {
            study: study()?,
            new: new_trial(&line)?,
            started: line.time("datetime_start")?,
            finished: line.time("datetime_complete")?,
            repeats: line.optional("repeats", Fields::whole)?.map(TrialId),
        },
        code::SET_PARAM => Operation::SetParam {
            trial: trial()?,
            name: line.text("param_name")?.to_owned(),
            param: Param {
                internal: line.number("param_value_internal")?,
                distribution: distribution(line.text("distribution")?)?,
            },
        },
        code::SET_STATE => {
            let state = state(line.whole("state")?)?;
            let at = if state.is_finished() { "datetime_complete" } else { "datetime_start" };
            Operation::SetState {
                trial: trial()?,
                state,
                values: line.numbers("values")?,
                at: line.time(at)?,
            }
        }
        code::REPORT => Operation::Report {
            trial: trial()?,
            step: line.whole("step")?,
            value: line.number("intermediate_value")?,
        },
        op if code::SET_TRIAL_ATTR.contains(&op) => {
            let kind = kind_of(op, code::SET_TRIAL_ATTR);
            let (key, value) = line.single(attr_name(kind))?;
            Operation::SetTrialAttr { trial: trial()?, kind, key, value }
        }
        code::DISCARD_TRIALS => return Ok(None),
        other => return Err(format!("there is no operation {other}").into()),
    };
    Ok(Some(operation))
}

fn new_trial(line: &Fields<'_>) -> Result<NewTrial, Objection> {
    let internal = line.object("params")?;
    let distributions = line.object("distributions")?;
    let mut params = Vec::with_capacity(internal.len());
    for (name, value) in &internal {
        let internal =
            json::as_f64(value).ok_or_else(|| format!("parameter {:?} is no number", shortened(name)))?;
        let text = distributions.get(name).and_then(Json::as_str);
        let text = text.ok_or_else(|| format!("parameter {:?} has no distribution", shortened(name)))?;
        params.push((name.clone(), Param { internal, distribution: distribution(text)? }));
    }
    let mut intermediate = Vec::new();
    for (step, value) in &line.object("intermediate_values")? {
        let pair = step.parse().ok().zip(json::as_f64(value));
        intermediate.push(pair.ok_or_else(|| format!("intermediate value {:?} is wrong", shortened(step)))?);
    }
    let value = line.optional("value", Fields::number)?.map(|value| vec![value]);
    Ok(NewTrial {
        state: line.optional("state", Fields::whole)?.map_or(Ok(State::Running), state)?,
        values: line.numbers("values")?.or(value).unwrap_or_default(),
        params,
        intermediate,
        user_attrs: line.object("user_attrs")?,
        system_attrs: line.object("system_attrs")?,
    })
}

fn attr_name(kind: AttrKind) -> &'static str {
    match kind {
        AttrKind::User => "user_attr",
        AttrKind::System => "system_attr",
    }
}

fn kind_of(op: i64, codes: [i64; 2]) -> AttrKind {
    if op == codes[0] { AttrKind::User } else { AttrKind::System }
}

fn number_in<T: PartialEq>(all: &[T], one: &T) -> usize {
    all.iter().take_while(|other| *other != one).count()
}

fn state(number: i64) -> Result<State, String> {
    let state = usize::try_from(number).ok().and_then(|index| STATES.get(index));
    state.copied().ok_or_else(|| format!("there is no state {number}"))
}

fn direction(number: &Json) -> Result<Direction, String> {
    let index = number.as_u64().and_then(|number| number.checked_sub(1));
    let direction = index.and_then(|index| DIRECTIONS.get(usize::try_from(index).ok()?));
    direction.copied().ok_or_else(|| format!("there is no direction {}", shortened(&json::write(number))))
}

fn distribution(text: &str) -> Result<Distribution, Objection> {
    Ok(Distribution::from_json(text)?)
}

fn numbers(values: &[f64]) -> Json {
    values.iter().map(|&value| json::number(value)).collect()
}
