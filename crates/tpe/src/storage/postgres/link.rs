//! Waiting for a server, but not for ever.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::PostgresOptions;
use crate::storage::StorageError;

/// How long a wait goes without a word.
const QUIET: Duration = Duration::from_secs(3);

/// The line to a server: what drives the connection, and the limits of its silence.
pub(super) struct Link {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    /// Whether an answer is still due, such that whatever is asked next would wait behind it.
    silent: Cell<bool>,
}

impl Link {
    pub(super) fn new(place: &str) -> Result<Self, StorageError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime
            .map_err(|source| StorageError::Backend { place: place.to_owned(), source: source.into() })?;
        Ok(Self { runtime: Some(runtime), silent: Cell::new(false) })
    }

    /// Whether an answer did not come in time. The line is of no use then.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.get()
    }

    /// What `work` comes to, if it does so before `limit`.
    ///
    /// # Errors
    /// The server said nothing for this long, or the wait was given up.
    pub(super) fn wait<T>(
        &self,
        place: &str,
        options: &PostgresOptions,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, StorageError> {
        let failed =
            |source: String| StorageError::Backend { place: place.to_owned(), source: source.into() };
        let runtime = self.runtime.as_ref().ok_or_else(|| failed("the connection is closed".to_owned()))?;
        let begin = Instant::now();
        runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                let left = limit.saturating_sub(begin.elapsed());
                if let Ok(done) = timeout(left.min(QUIET), &mut work).await {
                    return Ok(done);
                }
                if left <= QUIET {
                    self.silent.set(true);
                    return Err(failed(format!("the server has said nothing for {} s", limit.as_secs_f64())));
                }
                if !(options.on_wait)(place) {
                    self.silent.set(true);
                    return Err(failed("the wait for the server was given up".to_owned()));
                }
            }
        })
    }

    /// Lets `work` go on beside all that is waited for.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(work);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The system may still look for a host's address, and would be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
