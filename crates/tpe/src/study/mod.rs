//! A search: a space, what is known about it, and the next point.

mod ask;
mod builder;
mod error;
mod evaluation;
mod lease;
mod run;

use std::sync::{Mutex, MutexGuard, PoisonError};

use builder::Settings;
pub use builder::StudyBuilder;
pub use error::{Interrupt, StudyError};
pub use evaluation::{Ending, Evaluation};
pub use run::Run;

use crate::history::{History, Observation};
use crate::space::{Space, SpaceError};
use crate::storage::{Known, NewTrial, StorageError, StudyId};
use crate::trial::{Direction, State, Trial};
use crate::value::Value;

/// The system attribute in which an enqueued trial's settled values are stored, by name; Optuna's.
const FIXED: &str = "fixed_params";

/// The system attribute in which it is stored why a point was chosen, see [`reasons`].
const REASONS: &str = "tpe:reasons";

/// A search for the point of a [`Space`] at which an objective is least or greatest.
///
/// Workers that open a study of the same name in the same storage, in threads, processes or on machines, work on it
/// together. What a trial is given depends on the study's seed, on the trial's [turn](Evaluation::turn) and on what is
/// known of the others when it begins, and on nothing else.
///
/// ```
/// use tpe::space::{Space, float};
/// use tpe::study::Study;
///
/// let space = Space::new([float("x", -10.0, 10.0)])?;
/// let study = Study::builder(space).open()?;
/// study.optimize(50, |trial| Ok((trial.float("x") - 2.0).powi(2)))?;
/// let best = study.best()?.expect("fifty trials were evaluated");
/// assert!(best.value().unwrap() < 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Study {
    settings: Settings,
    id: StudyId,
    cache: Mutex<Cache>,
}

/// What this worker has read of the study.
#[derive(Debug, Default)]
struct Cache {
    known: Known,
    /// By number.
    trials: Vec<Trial>,
    /// The [turn](Evaluation::turn) of each.
    turns: Vec<u64>,
    /// Observations by turn: a repetition takes the place of what it repeats.
    history: History,
}

impl Study {
    /// A new or an existing study over `space`.
    pub fn builder(space: Space) -> StudyBuilder {
        StudyBuilder::new(space)
    }

    /// The study's name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What is searched.
    pub fn space(&self) -> &Space {
        &self.settings.space
    }

    /// Which way is better.
    pub fn direction(&self) -> Direction {
        self.settings.direction
    }

    /// All trials, by number, as they are now.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn trials(&self) -> Result<Vec<Trial>, StorageError> {
        Ok(self.refresh()?.trials.clone())
    }

    /// The completed trial with the best value that breaks no constraint; the earliest one of equals.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn best(&self) -> Result<Option<Trial>, StorageError> {
        let cache = self.refresh()?;
        let complete =
            cache.trials.iter().filter(|trial| trial.state == State::Complete && trial.violation() == 0.0);
        let losses = complete.filter_map(|trial| Some((self.settings.direction.loss(trial.value()?), trial)));
        let losses = losses.filter(|(loss, _)| !loss.is_nan());
        Ok(losses.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, trial)| trial.clone()))
    }

    /// How much each parameter matters for reaching good values; see [`importance`](crate::importance()).
    ///
    /// # Errors
    /// Those of the storage.
    pub fn importance(&self) -> Result<Vec<(String, f64)>, StorageError> {
        Ok(crate::importance(self.settings.direction, &self.refresh()?.trials))
    }

    /// Adds a trial to be evaluated before others. Parameters that are not given are sampled when its turn comes.
    ///
    /// # Errors
    /// A parameter that the space does not have, or a value that the parameter cannot have, and those of the storage.
    pub fn enqueue<N: AsRef<str>, V: Into<Value>>(
        &self,
        values: impl IntoIterator<Item = (N, V)>,
    ) -> Result<(), StudyError> {
        let mut settled = serde_json::Map::new();
        for (name, value) in values {
            let (name, value) = (name.as_ref(), value.into());
            self.settings.space.internal(name, &value)?;
            settled.insert(name.to_owned(), value.to_json());
        }
        let mut trial = NewTrial::new(State::Waiting);
        trial.system_attrs.insert(FIXED.to_owned(), settled.into());
        self.settings.storage.create_trial(self.id, &trial, Default::default())?;
        Ok(())
    }

    /// Reads what has changed.
    fn refresh(&self) -> Result<MutexGuard<'_, Cache>, StorageError> {
        // A thread that panicked in a storage has not changed the cache.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let news = self.settings.storage.trials(self.id, &cache.known)?;
        cache.learn(&self.settings.space, self.settings.direction, news);
        Ok(cache)
    }
}

impl Cache {
    fn learn(&mut self, space: &Space, direction: Direction, news: Vec<Trial>) {
        let numbers: Vec<u64> = news.iter().map(|trial| trial.number).collect();
        for trial in news {
            self.known.last = self.known.last.max(Some(trial.id));
            self.known.unfinished.retain(|&id| id != trial.id);
            if !trial.state.is_finished() {
                self.known.unfinished.push(trial.id);
            }
            match self.trials.binary_search_by_key(&trial.number, |known| known.number) {
                Ok(place) => self.trials[place] = trial,
                Err(place) => {
                    self.turns.truncate(place);
                    self.trials.insert(place, trial);
                }
            }
        }
        lease::take_turns(&mut self.turns, &self.trials);
        let observation = |&number: &u64| {
            let place = self.place(number)?;
            let observation = Observation::new(space, direction, &self.trials[place])?;
            Some(Observation { number: self.turns[place], ..observation })
        };
        let observations: Vec<_> = numbers.iter().filter_map(observation).collect();
        if observations.len() > self.history.observations().len() {
            let earlier = std::mem::take(&mut self.history).into_iter();
            self.history = earlier.chain(observations).collect();
        } else {
            observations.into_iter().for_each(|observation| self.history.record(observation));
        }
    }

    /// Where the trial with this number is.
    fn place(&self, number: u64) -> Option<usize> {
        self.trials.binary_search_by_key(&number, |trial| trial.number).ok()
    }

    /// The turn of the trial that would be created next.
    fn next_turn(&self) -> u64 {
        lease::next_turn(&self.turns)
    }
}

/// Why a trial's point was chosen: for each parameter `ln (l / g)`, how much likelier the value was among the good
/// trials than among the others. Empty for points that were not weighed, such as the first ones.
pub fn reasons(trial: &Trial) -> Vec<(String, f64)> {
    let stored = trial.system_attrs.get(REASONS).and_then(|reasons| reasons.as_object());
    let reasons =
        stored.into_iter().flatten().filter_map(|(name, reason)| Some((name.clone(), reason.as_f64()?)));
    reasons.collect()
}

impl Space {
    /// The internal representation of a value of the parameter `name`.
    ///
    /// # Errors
    /// The parameter is not in the space, or cannot have the value.
    pub fn internal(&self, name: &str, value: &Value) -> Result<f64, SpaceError> {
        let index = self.index(name).ok_or_else(|| SpaceError::UnknownParameter {
            name: name.to_owned(),
            nearest: self.nearest(name),
        })?;
        let distribution = self.nodes()[index].domain().distribution();
        distribution.internal(value).ok_or_else(|| SpaceError::Value {
            name: name.to_owned(),
            value: value.to_string(),
            expected: distribution.to_json(),
        })
    }
}
