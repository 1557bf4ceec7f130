//! The study's search over the hyper-parameters of a network.
//!
//! A trial is a network with chosen kernel size, dropout, optimiser and activation, trained for a few epochs; its value is
//! the validation accuracy of the last one. Trials live in a study of the crate `tpe`, which several processes may work
//! on.
//!
//! | file | what it holds |
//! |---|---|
//! | `plan` | what a search is asked to be |
//! | `space` | what can be chosen, and the network that follows from it |
//! | `rules` | samplers and pruners by name |
//! | `place` | where studies live |
//! | `presence` | which processes work on a search |
//! | `objective` | the training of one trial |
//! | `kept` | checkpoints of a trial, for whoever repeats it |
//! | `result` | trials, importances and the best trial, for tables and files |

mod error;
mod kept;
mod objective;
mod place;
mod plan;
mod presence;
mod result;
mod rules;
mod space;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nn_core::train::Callback;
use tpe::storage::AttrKind;
use tpe::{State, Study, Trial};

pub use error::SearchError;
pub use kept::Keep;
pub use place::Place;
pub use plan::Plan;
pub use result::{Importance, LEAST_TRIALS, Row, SearchResult, Status, are_enough};
pub use rules::{PrunerName, SamplerName};
pub use space::Choice;

use crate::data::Dataset;
use objective::Objective;
use presence::Presence;

/// The attribute of a study with everything that its trials depend on.
const SETTINGS: &str = "fer:search";

/// How often a trial is repeated whose process died.
const REPETITIONS: u64 = 3;

/// How often a process that has nothing to do looks whether another one has finished.
const LOOK: Duration = Duration::from_millis(300);

/// A search of which everything was checked that can be checked before its first trial.
pub struct Search<'a> {
    plan: &'a Plan<'a>,
    data: &'a Dataset,
    study: Study,
    /// While the search is under way.
    _presence: Option<Presence>,
}

/// Who is told of what happens.
pub struct Audience<'a> {
    /// Makes the callback that follows the training of the trial with this number.
    pub follow: &'a (dyn Fn(u64) -> Box<dyn Callback<f32>> + Sync),
    /// Is told of each trial that this process has ended, with the best one so far of all processes.
    pub ended: &'a (dyn Fn(&Row, Option<&Row>) + Sync),
    /// Is told how many trials of other processes are being waited for, once.
    pub waiting: &'a (dyn Fn(usize) + Sync),
    /// Is told what does not go as it should and ends nothing.
    pub warned: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Search<'a> {
    /// Begins the study in `place`, or with `resume` continues it if it exists. `waiting` is called with the name of a server
    /// that does not answer, whenever it is waited for; the wait is given up if it returns false.
    ///
    /// # Errors
    /// If the study exists and is not to be continued, searches another space, or was begun with other settings; and those
    /// of the storage.
    pub fn open(
        plan: &'a Plan<'a>,
        data: &'a Dataset,
        place: &Place,
        resume: bool,
        waiting: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Result<Self, SearchError> {
        let storage = place.open(waiting)?;
        let settings = plan.settings(data);
        let name = || plan.name.clone();
        let place = place.to_string();
        let presence = Presence::announce(&plan.keep.folder);
        let builder = Study::builder(space::space())
            .name(&plan.name)
            .shared_storage(Arc::clone(&storage))
            .maximize()
            .sampler(plan.sampler.build())
            .pruner(plan.pruner.build(plan.base.epochs))
            .seed(plan.base.seed)
            .budget(plan.trials)
            .lease(plan.lease)
            .repetitions(REPETITIONS);
        let builder = match &presence {
            Some(presence) => builder.worker(&presence.name),
            None => builder,
        };
        if let Some(record) = storage.study(&plan.name)? {
            let trials = storage.trials(record.id, &Default::default())?;
            if !resume {
                return Err(SearchError::Exists { name: name(), place, trials: trials.len() });
            }
            space::check(&trials).map_err(|found| SearchError::Space {
                name: name(),
                place: place.clone(),
                found,
            })?;
            if !trials.is_empty() && !record.user_attrs.contains_key(SETTINGS) {
                return Err(SearchError::Foreign { name: name(), place });
            }
        }
        let study = builder.open()?;
        let stored = || -> Result<_, SearchError> {
            let record = storage.study(&plan.name)?;
            Ok(record.map(|record| (record.id, record.user_attrs.get(SETTINGS).cloned())))
        };
        if let Some((id, None)) = stored()? {
            storage.set_study_attr(id, AttrKind::User, SETTINGS, &settings)?;
        }
        // Read again: another process may have begun the same study at the same time.
        let stored = stored()?.and_then(|(_, stored)| stored).unwrap_or_default();
        if let Some((setting, stored, asked)) = plan::difference(&stored, &settings) {
            return Err(SearchError::Settings { name: name(), place, setting, stored, asked });
        }
        Ok(Self { plan, data, study, _presence: presence })
    }

    /// How many trials the study has already.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn known_trials(&self) -> Result<usize, SearchError> {
        Ok(self.study.trials()?.len())
    }

    /// Takes trials until the study has all of them and none is unfinished, or `stop` is true. A trial that is stopped is
    /// given back to the study, to be repeated; where checkpoints are [kept](Plan::keep), the repetition goes on where it
    /// was left.
    ///
    /// # Errors
    /// Those of the storage. A trial whose training goes wrong fails, and the next one begins.
    pub fn run(&self, stop: &AtomicBool, audience: &Audience<'_>) -> Result<(), SearchError> {
        let objective = Objective::new(self.plan, self.data, stop, audience.warned);
        let ended = |trial: &Trial| {
            let best = self.study.best().ok().flatten().map(|best| Row::of(&best, &HashSet::new()));
            // A trial that fails while the process is being stopped was given back.
            let repeated = stop.load(Ordering::SeqCst).then_some(trial.number);
            (audience.ended)(&Row::of(trial, &repeated.into_iter().collect()), best.as_ref());
        };
        let mut waited = false;
        loop {
            self.take_from_the_dead()?;
            let run = self.study.run().stop(stop).on_trial(ended);
            run.start(|evaluation| objective.evaluate(evaluation, (audience.follow)(evaluation.number())))?;
            let trials = self.study.trials()?;
            let unfinished = trials.iter().filter(|trial| !trial.state.is_finished()).count();
            if unfinished == 0 || stop.load(Ordering::SeqCst) {
                return Ok(());
            }
            if !waited {
                (audience.waiting)(unfinished);
                waited = true;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Gives the trials back of processes that have died, as far as their presence in this search's folder tells, so that
    /// nobody has to wait for the end of a lease.
    fn take_from_the_dead(&self) -> Result<(), SearchError> {
        for dead in Presence::dead(&self.plan.keep.folder) {
            self.study.abandon(&dead.name)?;
        }
        Ok(())
    }

    /// What the search has found so far.
    ///
    /// # Errors
    /// Those of the storage.
    pub fn result(&self) -> Result<SearchResult, SearchError> {
        let trials = self.study.trials()?;
        let completed = trials.iter().filter(|trial| trial.state == State::Complete);
        let values: Vec<f64> = completed.filter_map(Trial::value).collect();
        let importances = if are_enough(&values) { self.study.importance()? } else { Vec::new() };
        Ok(SearchResult::new(self.plan, self.data, &trials, self.study.best()?.as_ref(), importances))
    }
}
