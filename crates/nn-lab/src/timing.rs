//! Repeating a measurement within a budget of time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::statistics::{cv, mad, median};

/// Samples that vary more than this are called noisy.
const NOISY: f64 = 0.05;

/// A sample lasts at least this long: shorter work is called several times for each.
const SHORTEST_SAMPLE: Duration = Duration::from_micros(50);

/// Work that takes longer is not called again just to see how long it takes.
const LONG: Duration = Duration::from_millis(100);

/// How long to repeat.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Time after which no further repetition begins, if there are enough; a tenth of it goes to the warm-up.
    pub time: Duration,
    /// Repetitions that are enough.
    pub min_reps: usize,
    /// Time after which no further repetition begins, even if they are not enough; one is always made.
    pub most: Duration,
}

impl Budget {
    /// A budget that makes `min_reps` repetitions however long they take.
    pub fn new(time: Duration, min_reps: usize) -> Self {
        Self { time, min_reps, most: Duration::MAX }
    }
}

/// Times of repetitions in milliseconds, in the order in which they were taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The median, in milliseconds.
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// The shortest, in milliseconds.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Median absolute deviation, in milliseconds.
    pub fn mad(&self) -> f64 {
        mad(&self.0)
    }

    /// Coefficient of variation.
    pub fn cv(&self) -> f64 {
        cv(&self.0)
    }

    /// Whether they vary by more than 5 %.
    pub fn is_noisy(&self) -> bool {
        self.cv() > NOISY
    }
}

/// Samples and their summary, as reports hold them. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The median.
    pub median_ms: f64,
    /// The shortest.
    pub min_ms: f64,
    /// Median absolute deviation.
    pub mad_ms: f64,
    /// Coefficient of variation.
    pub cv: f64,
    /// Whether the samples vary by more than 5 %.
    pub noisy: bool,
    /// All of them, in the order in which they were taken.
    pub samples_ms: Vec<f64>,
}

impl From<Samples> for Timing {
    fn from(samples: Samples) -> Self {
        Self {
            median_ms: samples.median(),
            min_ms: samples.min(),
            mad_ms: samples.mad(),
            cv: samples.cv(),
            noisy: samples.is_noisy(),
            samples_ms: samples.0,
        }
    }
}

/// How long `body` takes.
pub fn time<T>(body: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = body();
    let elapsed = start.elapsed();
    drop(result);
    elapsed
}

/// Takes samples of each of `runs` in turn, a round at a time, so that what disturbs the machine disturbs all
/// of them. A run does its work once and returns how long it took.
///
/// Each is first run twice, and then until a tenth of the budget has passed, without being counted. Beyond
/// [`Budget::most`] no round begins, but one of the warm-up and one that counts.
pub fn interleave(budget: &Budget, runs: &mut [&mut dyn FnMut() -> Duration]) -> Vec<Samples> {
    if runs.is_empty() {
        return Vec::new();
    }
    // Beyond the first round there is one more as long as there is time, or there are too few.
    let begins = |start: Instant, done: usize, enough: usize, time: Duration| {
        let elapsed = start.elapsed();
        done == 0 || elapsed < budget.most && (done < enough || elapsed < time)
    };
    let (start, mut warmed) = (Instant::now(), 0);
    while begins(start, warmed, 2, budget.time / 10) {
        for run in runs.iter_mut() {
            run();
        }
        warmed += 1;
    }
    let mut samples = vec![Vec::new(); runs.len()];
    let start = Instant::now();
    while begins(start, samples[0].len(), budget.min_reps, budget.time) {
        for (run, samples) in runs.iter_mut().zip(&mut samples) {
            samples.push(1e3 * run().as_secs_f64());
        }
    }
    samples.into_iter().map(Samples).collect()
}

/// [`interleave`] of a single run.
pub fn repeat(budget: &Budget, mut run: impl FnMut() -> Duration) -> Samples {
    interleave(budget, &mut [&mut run]).remove(0)
}

/// A run for [`interleave`] that calls `body` as often as makes a sample long enough to measure, and returns
/// the time of one call.
pub fn stopwatch(mut body: impl FnMut()) -> impl FnMut() -> Duration {
    let first = time(&mut body);
    // What is long is so the second time, too.
    let once = if first > LONG { first } else { time(&mut body).max(Duration::from_nanos(1)) };
    let calls = SHORTEST_SAMPLE.as_nanos().div_ceil(once.as_nanos()).max(1) as u32;
    move || time(|| (0..calls).for_each(|_| body())) / calls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_alternate_and_the_warm_up_is_not_counted() {
        let calls = std::cell::RefCell::new(String::new());
        let run = |name: char, ms: u64| {
            let calls = &calls;
            move || {
                calls.borrow_mut().push(name);
                Duration::from_millis(ms)
            }
        };
        let (mut a, mut b) = (run('a', 2), run('b', 7));
        let budget = Budget::new(Duration::ZERO, 3);
        let samples = interleave(&budget, &mut [&mut a, &mut b]);
        assert_eq!(samples, [Samples(vec![2.0; 3]), Samples(vec![7.0; 3])]);
        assert_eq!(*calls.borrow(), "ab".repeat(5));
    }

    /// What is slow is measured once, whatever is enough otherwise.
    #[test]
    fn the_most_time_ends_it() {
        let runs = std::cell::Cell::new(0);
        let slow = || {
            runs.set(runs.get() + 1);
            std::thread::sleep(Duration::from_millis(20));
            Duration::from_millis(20)
        };
        let budget = Budget { most: Duration::from_millis(10), ..Budget::new(Duration::from_secs(60), 8) };
        assert_eq!(repeat(&budget, slow), Samples(vec![20.0]));
        assert_eq!(runs.get(), 2);
    }

    #[test]
    fn samples_are_summarised() {
        let samples = Samples(vec![3.0, 1.0, 2.0, 10.0]);
        assert_eq!((samples.median(), samples.min(), samples.mad()), (2.5, 1.0, 1.0));
        assert!(samples.is_noisy());
        assert!(!Samples(vec![100.0, 101.0, 102.0]).is_noisy());
    }
}
