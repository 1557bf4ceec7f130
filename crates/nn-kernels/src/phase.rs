//! Where a kernel's time goes: into laying out operands, multiplying, or laying out results.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Time spent in the phases of kernels, summed over threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Phases {
    /// Copying or transforming operands into the layout that is multiplied.
    pub pack: Duration,
    /// Multiplying.
    pub multiply: Duration,
    /// Transforming products into results.
    pub unpack: Duration,
}

static RECORDING: AtomicBool = AtomicBool::new(false);
static NANOSECONDS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// Runs `body` and reports the phases of all kernels that ran meanwhile, on any thread. Recording costs a few
/// tens of nanoseconds per phase; without it a phase costs a load.
pub fn record<T>(body: impl FnOnce() -> T) -> (T, Phases) {
    NANOSECONDS.iter().for_each(|total| total.store(0, Relaxed));
    RECORDING.store(true, Relaxed);
    let result = body();
    RECORDING.store(false, Relaxed);
    let [pack, multiply, unpack] = [0, 1, 2].map(|i| Duration::from_nanos(NANOSECONDS[i].load(Relaxed)));
    (result, Phases { pack, multiply, unpack })
}

#[inline(always)]
pub(crate) fn pack<T>(body: impl FnOnce() -> T) -> T {
    timed(0, body)
}

#[inline(always)]
pub(crate) fn multiply<T>(body: impl FnOnce() -> T) -> T {
    timed(1, body)
}

#[inline(always)]
pub(crate) fn unpack<T>(body: impl FnOnce() -> T) -> T {
    timed(2, body)
}

#[inline(always)]
fn timed<T>(phase: usize, body: impl FnOnce() -> T) -> T {
    let start = RECORDING.load(Relaxed).then(Instant::now);
    let result = body();
    if let Some(start) = start {
        NANOSECONDS[phase].fetch_add(start.elapsed().as_nanos() as u64, Relaxed);
    }
    result
}
