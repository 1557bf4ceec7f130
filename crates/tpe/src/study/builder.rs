//! Opening a study.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Cache, Study, StudyError};
use crate::pruner::{Nop, Pruner};
use crate::sampler::{Joint, Sampler};
use crate::space::Space;
use crate::storage::{Memory, Storage, StorageError};
use crate::trial::Direction;

/// What a study is like, whatever becomes known of it.
pub(super) struct Settings {
    pub space: Space,
    pub storage: Arc<dyn Storage>,
    pub sampler: Box<dyn Sampler>,
    pub pruner: Box<dyn Pruner>,
    pub name: String,
    pub direction: Direction,
    pub seed: u64,
    pub noisy: bool,
    pub budget: Option<u64>,
    /// How long a running trial may go without a sign of life.
    pub lease: Option<Duration>,
    /// How often a trial is repeated whose worker has died.
    pub repetitions: u64,
    /// What running trials of this worker carry.
    pub worker: Option<String>,
}

/// What a study is to be like; made by [`Study::builder`].
pub struct StudyBuilder(Settings);

impl StudyBuilder {
    pub(super) fn new(space: Space) -> Self {
        Self(Settings {
            space,
            storage: Arc::new(Memory::new()),
            sampler: Box::new(Joint::default()),
            pruner: Box::new(Nop),
            name: "study".to_owned(),
            direction: Direction::Minimize,
            seed: 0,
            noisy: false,
            budget: None,
            lease: None,
            repetitions: 1,
            worker: None,
        })
    }

    /// The study's name in its storage; `study` if not given.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = name.into();
        self
    }

    /// Where the study lives; in memory if not given.
    pub fn storage(mut self, storage: impl Storage + 'static) -> Self {
        self.0.storage = Arc::new(storage);
        self
    }

    /// Where the study lives, together with others.
    pub fn shared_storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.0.storage = storage;
        self
    }

    /// Greater values are better.
    pub fn maximize(mut self) -> Self {
        self.0.direction = Direction::Maximize;
        self
    }

    /// How points are chosen; by [`Joint`] if not given.
    pub fn sampler(mut self, sampler: impl Into<Box<dyn Sampler>>) -> Self {
        self.0.sampler = sampler.into();
        self
    }

    /// How trials are given up; never if not given.
    pub fn pruner(mut self, pruner: impl Into<Box<dyn Pruner>>) -> Self {
        self.0.pruner = pruner.into();
        self
    }

    /// What the random numbers depend on; 0 if not given. All workers of a study should have the same seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Equal points may give different values, so a point may be tried again.
    pub fn noisy(mut self) -> Self {
        self.0.noisy = true;
        self
    }

    /// How many trials the study may have, over all workers and all time. Repetitions of trials whose workers died do
    /// not count.
    pub fn budget(mut self, trials: u64) -> Self {
        self.0.budget = Some(trials);
        self
    }

    /// A running trial whose worker gives no sign of life for `lease` counts as dead: it fails, and is repeated. Signs
    /// are [`Evaluation::report`](super::Evaluation::report), [`Evaluation::renew`](super::Evaluation::renew), and
    /// whatever a [`Run`](super::Run) does. The clocks of the workers should agree much better than that.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.0.lease = Some(lease);
        self
    }

    /// How often a trial is repeated whose worker has died; once if not given.
    pub fn repetitions(mut self, repetitions: u64) -> Self {
        self.0.repetitions = repetitions;
        self
    }

    /// A name of this worker that no other one has, not even later. Whoever comes to know that the worker is dead can give
    /// its trials back at once, with [`Study::abandon`].
    pub fn worker(mut self, name: impl Into<String>) -> Self {
        self.0.worker = Some(name.into());
        self
    }

    /// Creates the study, or opens it if it exists.
    ///
    /// # Errors
    /// The study exists with another goal, and those of the storage.
    pub fn open(self) -> Result<Study, StudyError> {
        let Self(settings) = self;
        match settings.storage.create_study(&settings.name, &[settings.direction]) {
            Ok(_) | Err(StorageError::StudyExists(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let record = settings.storage.study(&settings.name)?.ok_or_else(|| StorageError::Damaged {
            place: "the storage".to_owned(),
            what: format!("study {:?}", settings.name),
            why: "it exists but is not listed".to_owned(),
        })?;
        if record.directions != [settings.direction] {
            let (name, asked) = (settings.name, settings.direction);
            return Err(StudyError::Direction { name, stored: record.directions, asked });
        }
        Ok(Study { settings, id: record.id, cache: Mutex::new(Cache::default()) })
    }
}
