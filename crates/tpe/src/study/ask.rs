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
    /// Those of the storage.
    pub fn ask(&self) -> Result<Option<Evaluation<'_>>, StudyError> {
        loop {
            self.repeat_abandoned()?;
            let cache = self.refresh()?;
            for waiting in cache.trials.iter().filter(|trial| trial.state == State::Waiting) {
                if self.settings.storage.claim(waiting.id, &self.lease_attrs())? {
                    return self.begin(&cache, waiting).map(Some);
                }
            }
            let number = cache.trials.len() as u64;
            let fixed = vec![f64::NAN; self.settings.space.len()];
            let Some(suggestion) = self.suggest(&cache, number, &fixed) else {
                return Ok(None);
            };
            let trial = NewTrial {
                params: self.settings.space.params(&suggestion.point),
                system_attrs: self.notes(&suggestion),
                ..NewTrial::new(State::Running)
            };
            // The point was chosen for this number with what was known: if another worker was faster, again.
            let admission = Admission { number: Some(number), budget: self.settings.budget };
            match self.settings.storage.create_trial(self.id, &trial, admission)? {
                Admitted::Created { id, .. } => {
                    return Ok(Some(Evaluation::new(self, id, number, suggestion.point)));
                }
                Admitted::NumberTaken => continue,
                Admitted::BudgetSpent => return Ok(None),
            }
        }
    }

    /// Chooses what is not settled of a waiting trial that this worker has just claimed.
    fn begin(&self, cache: &Cache, waiting: &Trial) -> Result<Evaluation<'_>, StudyError> {
        let fixed = self.settled(waiting);
        // Settled values may repeat a known point, so there always is a suggestion.
        let suggestion =
            self.suggest(cache, waiting.number, &fixed).unwrap_or_else(|| Suggestion::unweighed(fixed));
        let mut params = self.settings.space.params(&suggestion.point);
        params.retain(|(name, _)| !waiting.params.contains_key(name));
        self.settings.storage.set_params(waiting.id, &params)?;
        Ok(Evaluation::new(self, waiting.id, waiting.number, suggestion.point))
    }

    /// The values that a waiting trial has already, as far as they belong to the space.
    fn settled(&self, waiting: &Trial) -> Vec<f64> {
        let enqueued = waiting.system_attrs.get(FIXED).and_then(|values| values.as_object());
        let value = |name: &str| {
            let enqueued = enqueued.and_then(|values| Value::from_json(values.get(name)?));
            waiting.param(name).or(enqueued)
        };
        let internal = |name: &str| self.settings.space.internal(name, &value(name)?).ok();
        self.settings.space.nodes().iter().map(|node| internal(node.name()).unwrap_or(f64::NAN)).collect()
    }

    fn suggest(&self, cache: &Cache, number: u64, fixed: &[f64]) -> Option<Suggestion> {
        let ask = Ask {
            space: &self.settings.space,
            history: &cache.history,
            number,
            seed: self.settings.seed,
            fixed,
            noisy: self.settings.noisy,
        };
        self.settings.sampler.suggest(&ask).ok()
    }

    /// The system attributes of a new trial.
    fn notes(&self, suggestion: &Suggestion) -> Attrs {
        let mut notes = self.lease_attrs();
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

    pub(super) fn lease_attrs(&self) -> Attrs {
        let lease = self.settings.lease.map(|lease| (lease::LEASE.to_owned(), lease::until(lease)));
        lease.into_iter().collect()
    }

    /// Fails running trials whose leases have run out, and enqueues them again.
    fn repeat_abandoned(&self) -> Result<(), StorageError> {
        if self.settings.lease.is_none() {
            return Ok(());
        }
        let abandoned: Vec<_> =
            self.refresh()?.trials.iter().filter(|trial| lease::has_run_out(trial)).cloned().collect();
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
