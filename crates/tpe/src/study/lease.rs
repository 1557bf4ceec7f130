//! Signs of life: a running trial carries its worker's name, and the time until which that is believed to live. Trials of
//! the dead are repeated.

use std::time::Duration;

use serde_json::Value as Json;

use crate::storage::{FAILED_TRIAL, NewTrial, now};
use crate::trial::{State, Trial};

/// The system attribute with the time at which a lease runs out, in microseconds since 1970.
pub(super) const LEASE: &str = "tpe:lease";

/// The system attribute with the name of a running trial's worker.
pub(super) const WORKER: &str = "tpe:worker";

/// The system attribute with the numbers of the failed trials that a trial repeats; Optuna's.
const HISTORY: &str = "retry_history";

/// The value of [`LEASE`] for one that begins now.
pub(super) fn until(lease: Duration) -> Json {
    let micros = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
    now().as_microsecond().saturating_add(micros).into()
}

/// Whether a trial runs without a living worker. Trials without a lease are left alone.
pub(super) fn has_run_out(trial: &Trial) -> bool {
    let until = trial.system_attrs.get(LEASE).and_then(Json::as_i64);
    trial.state == State::Running && until.is_some_and(|until| until < now().as_microsecond())
}

/// Whether a worker evaluates the trial.
pub(super) fn is_of(trial: &Trial, worker: &str) -> bool {
    let own = trial.system_attrs.get(WORKER).and_then(Json::as_str);
    trial.state == State::Running && own == Some(worker)
}

/// The trial that is to repeat `trial`, unless that is the last one of so many `repetitions` itself. It is what
/// Optuna's callback for stale trials makes.
pub(super) fn repetition(trial: &Trial, repetitions: u64) -> Option<NewTrial> {
    let earlier = trial.system_attrs.get(HISTORY).and_then(Json::as_array);
    let mut history = earlier.cloned().unwrap_or_default();
    if history.len() as u64 >= repetitions {
        return None;
    }
    history.push(trial.number.into());
    let mut repetition = NewTrial {
        params: trial.params.clone().into_iter().collect(),
        user_attrs: trial.user_attrs.clone(),
        system_attrs: trial.system_attrs.clone(),
        ..NewTrial::new(State::Waiting)
    };
    repetition.system_attrs.remove(LEASE);
    repetition.system_attrs.remove(WORKER);
    repetition.system_attrs.retain(|key, _| !key.starts_with("completed_rung_"));
    repetition.system_attrs.entry(FAILED_TRIAL.to_owned()).or_insert_with(|| trial.number.into());
    repetition.system_attrs.insert(HISTORY.to_owned(), history.into());
    Some(repetition)
}

/// Whether `trial` repeats the trial with this number directly.
pub(super) fn repeats(trial: &Trial, number: u64) -> bool {
    let history = trial.system_attrs.get(HISTORY).and_then(Json::as_array);
    history.and_then(|history| history.last()).and_then(Json::as_u64) == Some(number)
}

/// The [turns](super::Evaluation::turn) of a study's trials.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// By the trials' places.
    of: Vec<u64>,
    next: u64,
}

impl Turns {
    /// The turn of the trial at `place`.
    pub fn at(&self, place: usize) -> u64 {
        self.of[place]
    }

    /// The turn of the next trial that repeats no other.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Forgets the turns from `place` on.
    pub fn forget(&mut self, place: usize) {
        if place < self.of.len() {
            self.of.truncate(place);
            self.next = self.of.iter().max().map_or(0, |last| last + 1);
        }
    }

    /// Gives those of `trials` a turn that have none yet, which are the last ones.
    pub fn take(&mut self, trials: &[Trial]) {
        for trial in &trials[self.of.len()..] {
            let repeated = trial.system_attrs.get(FAILED_TRIAL).and_then(Json::as_u64);
            let place =
                repeated.and_then(|first| trials.binary_search_by_key(&first, |other| other.number).ok());
            match place.and_then(|place| self.of.get(place)) {
                Some(&turn) => self.of.push(turn),
                None => {
                    self.of.push(self.next);
                    self.next += 1;
                }
            }
        }
    }
}
