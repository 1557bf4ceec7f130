//! Where the next trial comes from.

use super::evaluation::Evaluation;
use super::{Cache, FIXED, REASONS, Study, StudyError, lease};
use crate::json;
use crate::sampler::{Ask, Suggestion};
use crate::storage::{Admission, Admitted, NewTrial, StorageError};
use crate::trial::{Attrs, State, Trial};
use crate::value::Value;

impl Study {
    /// A trial to be evaluated: one that waits, or else a new one. Nothing if the study has all its trials, or every
    /// point of the space has been tried.
    ///
    /// # Errors
    /// [`StudyError::Unlisted`], and those of the storage.
    pub fn ask(&self) -> Result<Option<Evaluation<'_>>, StudyError> {
        let mut taken = None;
        loop {
            self.repeat_abandoned()?;
            let cache = self.refresh()?;
            for waiting in cache.unfinished().filter(|trial| trial.state == State::Waiting) {
                if self.settings.storage.claim(waiting.id, &self.worker_attrs())? {
                    return self.begin(&cache, waiting).map(Some);
                }
            }
            let (number, turn) = (cache.next_number(), cache.turns.next());
            if taken == Some(number) {
                return Err(StudyError::Unlisted { name: self.settings.name.clone(), number });
            }
            let fixed = vec![f64::NAN; self.settings.space.len()];
            let Some(suggestion) = self.suggest(&cache, turn, &fixed) else {
                return Ok(None);
            };
            let trial = NewTrial {
                params: self.settings.space.params(&suggestion.point),
                system_attrs: self.notes(&suggestion),
                ..NewTrial::new(State::Running)
            };
            // The point was chosen for this turn with what was known: if another worker was faster, again.
            let admission = Admission { number: Some(number), budget: self.settings.budget };
            match self.settings.storage.create_trial(self.id, &trial, admission)? {
                Admitted::Created { id, .. } => {
                    return Ok(Some(Evaluation::new(self, id, number, turn, suggestion.point)));
                }
                Admitted::NumberTaken => taken = Some(number),
                Admitted::BudgetSpent => return Ok(None),
            }
        }
    }

    /// Chooses what is not settled of a waiting trial that this worker has just claimed.
    fn begin(&self, cache: &Cache, waiting: &Trial) -> Result<Evaluation<'_>, StudyError> {
        let fixed = self.settled(waiting);
        let turn = cache.place(waiting.number).map_or(waiting.number, |place| cache.turns.at(place));
        // Settled values may repeat a known point, so there always is a suggestion.
        let suggestion = self.suggest(cache, turn, &fixed).unwrap_or_else(|| Suggestion::unweighed(fixed));
        let mut params = self.settings.space.params(&suggestion.point);
        params.retain(|(name, _)| !waiting.params.contains_key(name));
        self.settings.storage.set_params(waiting.id, &params)?;
        Ok(Evaluation::new(self, waiting.id, waiting.number, turn, suggestion.point))
    }

    /// The values that a waiting trial has already, as far as they belong to the space.
    fn settled(&self, waiting: &Trial) -> Vec<f64> {
        let enqueued = waiting.system_attrs.get(FIXED).and_then(|values| values.as_object());
        let value = |name: &str| {
            let enqueued = enqueued.and_then(|values| Value::from_json(values.get(name)?).ok());
            waiting.param(name).or(enqueued)
        };
        let internal = |name: &str| self.settings.space.internal(name, &value(name)?).ok();
        self.settings.space.nodes().iter().map(|node| internal(node.name()).unwrap_or(f64::NAN)).collect()
    }

    fn suggest(&self, cache: &Cache, turn: u64, fixed: &[f64]) -> Option<Suggestion> {
        let ask = Ask {
            space: &self.settings.space,
            history: &cache.history,
            number: turn,
            seed: self.settings.seed,
            fixed,
            noisy: self.settings.noisy,
        };
        self.settings.sampler.suggest(&ask).ok()
    }

    /// The system attributes of a new trial.
    fn notes(&self, suggestion: &Suggestion) -> Attrs {
        let mut notes = self.worker_attrs();
        let weighed = self
            .settings
            .space
            .nodes()
            .iter()
            .zip(&suggestion.reasons)
            .filter(|(_, reason)| reason.is_finite());
        let reasons: serde_json::Map<_, _> =
            weighed.map(|(node, &reason)| (node.name().to_owned(), json::number(reason))).collect();
        if !reasons.is_empty() {
            notes.insert(REASONS.to_owned(), reasons.into());
        }
        notes
    }

    /// The system attributes by which a running trial's worker is known, and known to live.
    pub(super) fn worker_attrs(&self) -> Attrs {
        let lease = self.settings.lease.map(|lease| (lease::LEASE.to_owned(), lease::until(lease)));
        let worker = self.settings.worker.clone().map(|worker| (lease::WORKER.to_owned(), worker.into()));
        lease.into_iter().chain(worker).collect()
    }

    /// Fails running trials whose leases have run out, and enqueues them again.
    fn repeat_abandoned(&self) -> Result<(), StorageError> {
        if self.settings.lease.is_none() {
            return Ok(());
        }
        let abandoned: Vec<_> =
            self.refresh()?.unfinished().filter(|trial| lease::has_run_out(trial)).cloned().collect();
        for trial in abandoned {
            self.give_back(&trial, self.settings.repetitions)?;
        }
        Ok(())
    }

    /// Fails a running trial and enqueues it again, unless it is the last one of so many `repetitions` itself. Says
    /// whether it was still running.
    pub(super) fn give_back(&self, trial: &Trial, repetitions: u64) -> Result<bool, StorageError> {
        match lease::repetition(trial, repetitions) {
            Some(repetition) => self.settings.storage.repeat(trial.id, &repetition),
            None => self.settings.storage.finish(trial.id, State::Fail, &[]),
        }
    }
}
