//! What a search is asked to be.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{Keep, PrunerName, SamplerName};
use crate::data::Dataset;
use crate::settings::{ResolvedSettings, SettingsError};

/// What a search is asked to be.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Settings that all trials share: epochs, seed, limit; their model and optimiser are not used.
    pub base: &'a ResolvedSettings,
    /// Images per step.
    pub batch: usize,
    /// Trials in all, over all processes and all time.
    pub trials: u64,
    /// How points are chosen.
    pub sampler: SamplerName,
    /// How trials are given up.
    pub pruner: PrunerName,
    /// The study's name in its storage.
    pub name: String,
    /// How long a running trial of another process may go without a sign of life before it is repeated.
    pub lease: Duration,
    /// Where trials keep their checkpoints.
    pub keep: Keep,
}

impl Plan<'_> {
    /// Checks what does not depend on the data.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |name, value: String, expected: &str| {
            Err(SettingsError::Value { name, value, expected: expected.into() })
        };
        if self.trials == 0 {
            return wrong("trials", "0".into(), "at least 1");
        }
        if self.name.is_empty() {
            return wrong("name", "\"\"".into(), "a name");
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&self.lease) {
            return wrong("lease", self.lease.as_secs().to_string(), "1 to 86400 seconds");
        }
        Ok(())
    }

    /// Everything that the trials depend on, as it is kept with the study.
    pub(super) fn settings(&self, data: &Dataset) -> Json {
        json!({
            "seed": self.base.seed,
            "epochs": self.base.epochs,
            "batch": self.batch,
            "sampler": self.sampler,
            "pruner": self.pruner,
            "images": [data.train.len(), data.val.len()],
            "data": data.fingerprint(),
        })
    }
}

/// The first setting that is not the same in both: its name, and its values.
pub(super) fn difference(stored: &Json, asked: &Json) -> Option<(String, String, String)> {
    let asked = asked.as_object().expect("settings are an object");
    let (name, value) = asked.iter().find(|(name, value)| stored.get(name) != Some(value))?;
    let stored = stored.get(name).map_or("nothing".into(), Json::to_string);
    Some((name.clone(), stored, value.to_string()))
}
