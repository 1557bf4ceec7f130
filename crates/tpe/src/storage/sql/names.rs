//! How Optuna's tables spell states, directions, numbers without a finite value, and times.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::Cell;
use crate::objection::shortened;
use crate::trial::{Direction, State};

const STATES: [(State, &str); 5] = [
    (State::Running, "RUNNING"),
    (State::Complete, "COMPLETE"),
    (State::Pruned, "PRUNED"),
    (State::Fail, "FAIL"),
    (State::Waiting, "WAITING"),
];

const DIRECTIONS: [(Direction, &str); 2] =
    [(Direction::Minimize, "MINIMIZE"), (Direction::Maximize, "MAXIMIZE")];

/// The types of numbers that a column of numbers does not hold: there it is null.
const NOT_FINITE: [(f64, &str); 3] =
    [(f64::INFINITY, "INF_POS"), (f64::NEG_INFINITY, "INF_NEG"), (f64::NAN, "NAN")];

const FINITE: &str = "FINITE";

/// The name of a state.
pub(super) fn state_name(state: State) -> &'static str {
    name(&STATES, state)
}

/// The state of a name.
pub(super) fn state(name: &str) -> Result<State, String> {
    named(&STATES, name).ok_or_else(|| format!("{:?} is not a state", shortened(name)))
}

/// The name of a direction.
pub(super) fn direction_name(direction: Direction) -> &'static str {
    name(&DIRECTIONS, direction)
}

/// The direction of a name.
pub(super) fn direction(name: &str) -> Result<Direction, String> {
    named(&DIRECTIONS, name).ok_or_else(|| format!("{:?} is not a direction", shortened(name)))
}

fn name<T: PartialEq>(names: &[(T, &'static str)], value: T) -> &'static str {
    names.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name)
}

fn named<T: Copy>(names: &[(T, &str)], name: &str) -> Option<T> {
    names.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}

/// A number as it is stored: a finite one or null, and its type.
pub(super) fn stored(number: f64) -> [Cell<'static>; 2] {
    let same = |other: f64| other == number || (other.is_nan() && number.is_nan());
    match NOT_FINITE.iter().find(|(other, _)| same(*other)) {
        Some((_, kind)) => [Cell::Null, Cell::Text(kind)],
        None => [Cell::Real(number), Cell::Text(FINITE)],
    }
}

/// The number that is stored as `number` and `kind`.
pub(super) fn restored(number: Option<f64>, kind: &str) -> Result<f64, String> {
    match number {
        Some(number) if kind == FINITE => Ok(number),
        None => named(&NOT_FINITE, kind).ok_or_else(|| format!("no number of type {:?}", shortened(kind))),
        Some(number) => Err(format!("the number {number:?} of type {:?}", shortened(kind))),
    }
}

/// A time as SQLite keeps it: Universal Time without a word about it.
#[cfg(feature = "sqlite")]
pub(in super::super) fn time_text(time: Timestamp) -> String {
    Offset::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
}

/// The time of such a text.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let read = text.parse::<DateTime>().and_then(|time| Offset::UTC.to_timestamp(time));
    read.map_err(|_| format!("{:?} is not a date and a time", shortened(text)))
}
