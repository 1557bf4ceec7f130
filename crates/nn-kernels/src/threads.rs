//! The threads that share the work: how many, checked before any is started.

use std::thread::available_parallelism;

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use thiserror::Error;

/// The most threads of a pool.
pub const MOST_THREADS: usize = 1024;

/// Why there are no threads to compute with.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ThreadsError {
    /// A number out of range.
    #[error("{name} = {value}: expected a whole number from 1 to {MOST_THREADS}")]
    Count {
        /// Who names it: `threads`, or the environment variable.
        name: &'static str,
        /// The number.
        value: usize,
    },
    /// The system does not start them.
    #[error(
        "cannot start {threads} threads ({source}): ask for fewer, or allow this user more processes (ulimit -u)"
    )]
    Start {
        /// How many were to be started.
        threads: usize,
        /// What the system says.
        source: ThreadPoolBuildError,
    },
}

/// How many threads to use: `asked` if a number is given, else what `RAYON_NUM_THREADS` says, else as many as the
/// machine runs at once, up to [`MOST_THREADS`]. A variable that holds no whole number, or 0, says nothing.
///
/// # Errors
/// If a number is out of range.
pub fn count(asked: Option<usize>) -> Result<usize, ThreadsError> {
    const VARIABLE: &str = "RAYON_NUM_THREADS";
    let variable = || {
        let text = std::env::var(VARIABLE).ok()?;
        let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is too large to be counted is a number, too.
        Some(text.parse().unwrap_or(usize::MAX)).filter(|&threads| is_whole && threads > 0)
    };
    let (name, value) = match asked {
        Some(asked) => ("threads", asked),
        None => match variable() {
            Some(value) => (VARIABLE, value),
            None => return Ok(available_parallelism().map_or(1, |n| n.get()).min(MOST_THREADS)),
        },
    };
    if (1..=MOST_THREADS).contains(&value) { Ok(value) } else { Err(ThreadsError::Count { name, value }) }
}

/// A pool of as many threads as [`count`] says.
///
/// # Errors
/// If the number is out of range, or the system does not start them.
pub fn pool(asked: Option<usize>) -> Result<ThreadPool, ThreadsError> {
    let threads = count(asked)?;
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|source| ThreadsError::Start { threads, source })
}

/// Computes with as many threads as [`count`] says from now on, wherever no [`pool`] is in force. Programs call it once,
/// before anything computes: where the system refuses threads, the first computation would panic instead.
///
/// # Errors
/// If the number is out of range, the system does not start the threads, or something has computed already.
pub fn start(asked: Option<usize>) -> Result<(), ThreadsError> {
    let threads = count(asked)?;
    let started = ThreadPoolBuilder::new().num_threads(threads).build_global();
    started.map_err(|source| ThreadsError::Start { threads, source })
}
