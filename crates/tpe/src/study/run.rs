//! Evaluating trials until there are enough.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Ending, Evaluation, Interrupt, Study, StudyError};
use crate::trial::Trial;

/// How trials are to be evaluated; made by [`Study::run`].
pub struct Run<'a> {
    study: &'a Study,
    trials: Option<u64>,
    time: Option<Duration>,
    workers: usize,
    on_trial: Box<dyn Fn(&Trial) + Sync + 'a>,
    stop: Option<&'a AtomicBool>,
}

impl Study {
    /// Evaluates `trials` more trials, one after the other. See [`run`](Self::run) for more ways.
    ///
    /// # Errors
    /// Those of the storage. A failure of the objective fails the trial, and the next one begins.
    pub fn optimize(
        &self,
        trials: u64,
        objective: impl Fn(&Evaluation<'_>) -> Result<f64, Interrupt> + Sync,
    ) -> Result<(), StudyError> {
        self.run().trials(trials).start(objective)
    }

    /// Evaluates trials: by default one at a time, until the study's budget is spent or the space is exhausted.
    pub fn run(&self) -> Run<'_> {
        Run { study: self, trials: None, time: None, workers: 1, on_trial: Box::new(|_| ()), stop: None }
    }
}

impl<'a> Run<'a> {
    /// At most so many trials.
    pub fn trials(mut self, trials: u64) -> Self {
        self.trials = Some(trials);
        self
    }

    /// No new trial after this time.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// So many trials at a time, each in a thread.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Calls `on_trial` with each trial that has ended.
    pub fn on_trial(mut self, on_trial: impl Fn(&Trial) + Sync + 'a) -> Self {
        self.on_trial = Box::new(on_trial);
        self
    }

    /// No new trial once `stop` is true.
    pub fn stop(mut self, stop: &'a AtomicBool) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Begins, and returns when the last trial has ended.
    ///
    /// # Errors
    /// Those of the storage. A failure of the objective fails the trial, and the next one begins.
    ///
    /// # Panics
    /// If the objective does; the trial fails.
    pub fn start(
        self,
        objective: impl Fn(&Evaluation<'_>) -> Result<f64, Interrupt> + Sync,
    ) -> Result<(), StudyError> {
        let begin = Instant::now();
        let taken = AtomicU64::new(0);
        let failed = AtomicBool::new(false);
        let more = || {
            let stopped =
                self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) || failed.load(Ordering::Relaxed);
            let late = self.time.is_some_and(|time| begin.elapsed() >= time);
            let one_more = |taken: u64| self.trials.is_none_or(|trials| taken < trials).then_some(taken + 1);
            !stopped && !late && taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok()
        };
        let work = || -> Result<(), StudyError> {
            while more() {
                let Some(evaluation) = self.study.ask()? else { break };
                let ending = self.evaluate(&evaluation, &objective)?;
                self.study.tell(&evaluation, ending)?;
                (self.on_trial)(&self.study.settings.storage.trial(evaluation.id())?);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let spawn = |_| scope.spawn(|| work().inspect_err(|_| failed.store(true, Ordering::Relaxed)));
            let workers: Vec<_> = (1..self.workers).map(spawn).collect();
            let own = work().inspect_err(|_| failed.store(true, Ordering::Relaxed));
            let others =
                workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            others.fold(own, |result, other| result.and(other))
        })
    }

    /// How the objective ends a trial, whose lease is kept up meanwhile.
    fn evaluate(
        &self,
        evaluation: &Evaluation<'_>,
        objective: impl Fn(&Evaluation<'_>) -> Result<f64, Interrupt> + Sync,
    ) -> Result<Ending, StudyError> {
        let result = self.keep_alive(evaluation, || catch_unwind(AssertUnwindSafe(|| objective(evaluation))));
        match result {
            Ok(Ok(value)) => Ok(Ending::Complete(value)),
            Ok(Err(Interrupt::Pruned)) => Ok(Ending::Pruned),
            Ok(Err(Interrupt::Abandoned)) => Ok(Ending::Abandoned),
            Ok(Err(Interrupt::Failed(reason))) => {
                self.study.note_failure(evaluation, &reason.to_string());
                Ok(Ending::Failed)
            }
            Err(panic) => {
                self.study.tell(evaluation, Ending::Failed)?;
                resume_unwind(panic)
            }
        }
    }

    /// Runs `work` while another thread renews the lease, three times in its length.
    fn keep_alive<T>(&self, evaluation: &Evaluation<'_>, work: impl FnOnce() -> T) -> T {
        let Some(lease) = self.study.settings.lease else {
            return work();
        };
        let done = Mutex::new(false);
        let woken = Condvar::new();
        let lock = || done.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut guard = lock();
                while !*guard {
                    guard = woken.wait_timeout(guard, lease / 3).unwrap_or_else(PoisonError::into_inner).0;
                    if !*guard {
                        // A storage that cannot be reached now may be reached the next time.
                        let _ = evaluation.renew();
                    }
                }
            });
            let result = work();
            *lock() = true;
            woken.notify_all();
            result
        })
    }
}
