//! A search: a space, what is known about it, and the next point.

mod ask;
mod builder;
mod error;
mod evaluation;
mod lease;
mod run;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use builder::Settings;
pub use builder::StudyBuilder;
pub use error::{Interrupt, StudyError};
pub use evaluation::{Ending, Evaluation};
use lease::Turns;
pub use run::Run;

use crate::history::{History, Observation};
use crate::space::{Space, SpaceError};
use crate::storage::{Known, NewTrial, StorageError, StudyId};
use crate::trial::{Direction, State, Trial, TrialId};
use crate::value::Value;

/// The system attribute in which an enqueued trial's settled values are stored, by name; Optuna's.
const FIXED: &str = "fixed_params";

/// The system attribute in which it is stored why a point was chosen, see [`reasons`].
const REASONS: &str = "tpe:reasons";

/// The user attribute with the reason why a trial failed.
const FAILURE: &str = "failure";

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
    /// By number.
    trials: Vec<Trial>,
    /// The numbers of those that were not finished when last read.
    unfinished: BTreeSet<u64>,
    /// The greatest identity.
    last: Option<TrialId>,
    /// The [turn](Evaluation::turn) of each.
    turns: Turns,
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

    /// The complete trial with the best value of those that keep their [constraints](Evaluation::constrain), the earliest
    /// of equals: Optuna's `best_trial`. Nothing if there is none.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn best(&self) -> Result<Option<Trial>, StorageError> {
        Ok(self.settings.direction.best(&self.refresh()?.trials).cloned())
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
        let news = self.settings.storage.trials(self.id, &cache.known())?;
        cache.learn(&self.settings.space, self.settings.direction, news);
        Ok(cache)
    }
}

impl Cache {
    fn learn(&mut self, space: &Space, direction: Direction, news: Vec<Trial>) {
        let numbers: Vec<u64> = news.iter().map(|trial| trial.number).collect();
        for trial in news {
            self.last = self.last.max(Some(trial.id));
            match trial.state.is_finished() {
                true => _ = self.unfinished.remove(&trial.number),
                false => _ = self.unfinished.insert(trial.number),
            }
            match self.place(trial.number) {
                Some(place) => self.trials[place] = trial,
                None => {
                    let place = self.trials.partition_point(|known| known.number < trial.number);
                    self.turns.forget(place);
                    self.trials.insert(place, trial);
                }
            }
        }
        self.turns.take(&self.trials);
        let observation = |&number: &u64| {
            let place = self.place(number)?;
            let observation = Observation::new(space, direction, &self.trials[place])?;
            Some(Observation { number: self.turns.at(place), ..observation })
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

    /// The number of the trial that would be created next. In a database some may be missing before it.
    fn next_number(&self) -> u64 {
        self.trials.last().map_or(0, |last| last.number + 1)
    }

    /// The trials that were not finished when last read.
    fn unfinished(&self) -> impl Iterator<Item = &Trial> {
        self.unfinished.iter().filter_map(|&number| Some(&self.trials[self.place(number)?]))
    }

    /// What need not be read again.
    fn known(&self) -> Known {
        Known { unfinished: self.unfinished().map(|trial| trial.id).collect(), last: self.last }
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
