//! Opening a study.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Cache, Study, StudyError};
use crate::pruner::{Nop, Pruner};
use crate::sampler::{Joint, Sampler};
use crate::space::Space;
use crate::storage::{Memory, Storage, StorageError};
use crate::trial::Direction;

/// What a study is to be like; made by [`Study::builder`].
pub struct StudyBuilder {
    space: Space,
    storage: Arc<dyn Storage>,
    sampler: Box<dyn Sampler>,
    pruner: Box<dyn Pruner>,
    name: String,
    direction: Direction,
    seed: u64,
    noisy: bool,
    budget: Option<u64>,
    lease: Option<Duration>,
    repetitions: u64,
}

impl StudyBuilder {
    pub(super) fn new(space: Space) -> Self {
        Self {
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
        }
    }

    /// The study's name in its storage; `study` if not given.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Where the study lives; in memory if not given.
    pub fn storage(mut self, storage: impl Storage + 'static) -> Self {
        self.storage = Arc::new(storage);
        self
    }

    /// Where the study lives, together with others.
    pub fn shared_storage(mut self, storage: Arc<dyn Storage>) -> Self {
        self.storage = storage;
        self
    }

    /// Greater values are better.
    pub fn maximize(mut self) -> Self {
        self.direction = Direction::Maximize;
        self
    }

    /// How points are chosen; by [`Joint`] if not given.
    pub fn sampler(mut self, sampler: impl Into<Box<dyn Sampler>>) -> Self {
        self.sampler = sampler.into();
        self
    }

    /// How trials are given up; never if not given.
    pub fn pruner(mut self, pruner: impl Into<Box<dyn Pruner>>) -> Self {
        self.pruner = pruner.into();
        self
    }

    /// What the random numbers depend on; 0 if not given. All workers of a study should have the same seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Equal points may give different values, so a point may be tried again.
    pub fn noisy(mut self) -> Self {
        self.noisy = true;
        self
    }

    /// How many trials the study may have, over all workers and all time. Repetitions of trials whose workers died do
    /// not count.
    pub fn budget(mut self, trials: u64) -> Self {
        self.budget = Some(trials);
        self
    }

    /// A running trial whose worker gives no sign of life for `lease` counts as dead: it fails, and is repeated. Signs
    /// are [`Evaluation::report`](super::Evaluation::report), [`Evaluation::renew`](super::Evaluation::renew), and
    /// whatever a [`Run`](super::Run) does. The clocks of the workers should agree much better than that.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// How often a trial is repeated whose worker has died; once if not given.
    pub fn repetitions(mut self, repetitions: u64) -> Self {
        self.repetitions = repetitions;
        self
    }

    /// Creates the study, or opens it if it exists.
    ///
    /// # Errors
    /// The study exists with another goal, and those of the storage.
    pub fn open(self) -> Result<Study, StudyError> {
        match self.storage.create_study(&self.name, &[self.direction]) {
            Ok(_) | Err(StorageError::StudyExists(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let record = self.storage.study(&self.name)?.ok_or_else(|| StorageError::Damaged {
            place: "the storage".to_owned(),
            what: format!("study {:?}", self.name),
            why: "it exists but is not listed".to_owned(),
        })?;
        if record.directions != [self.direction] {
            return Err(StudyError::Direction {
                name: self.name,
                stored: record.directions,
                asked: self.direction,
            });
        }
        Ok(Study {
            storage: self.storage,
            sampler: self.sampler,
            pruner: self.pruner,
            space: self.space,
            id: record.id,
            name: self.name,
            direction: self.direction,
            seed: self.seed,
            noisy: self.noisy,
            budget: self.budget,
            lease: self.lease,
            repetitions: self.repetitions,
            cache: Mutex::new(Cache::default()),
        })
    }
}
