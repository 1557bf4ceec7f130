//! The ceiling of arithmetic: fused multiply-adds per second, measured.

use std::time::{Duration, Instant};

use nn_kernels::isa::Isa;
use nn_kernels::peak::fma_chain;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

/// How long one run of the chains lasts: long against waking the threads.
const RUN: Duration = Duration::from_millis(10);

/// Runs of which the best counts: a ceiling is what nothing disturbed.
const RUNS: usize = 15;

/// Two peaks that differ by more than this part were not measured on a quiet machine.
const QUIET: f64 = 0.05;

/// The multiply-adds per second that all threads of `pool` reach together with `isa`, in GFLOP/s (a fused
/// multiply-add is two operations). Takes about a fifth of a second.
pub fn gflops(pool: &ThreadPool, isa: Isa) -> f64 {
    let mut rounds = 1;
    pool.install(|| {
        while rounds < u64::MAX / 2 {
            let start = Instant::now();
            fma_chain(isa, rounds);
            if start.elapsed() >= RUN {
                break;
            }
            rounds *= 2;
        }
    });
    let run = || {
        let start = Instant::now();
        let flops: u64 = pool.broadcast(|_| fma_chain(isa, rounds)).into_iter().sum();
        flops as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..RUNS).map(|_| run()).fold(0.0, f64::max)
}

/// The peak in GFLOP/s before and after what was measured beside it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeakPair {
    /// Measured first.
    pub before: f64,
    /// Measured last.
    pub after: f64,
}

impl PeakPair {
    /// Measures the peak, runs `body`, and measures the peak again.
    pub fn around<T>(pool: &ThreadPool, isa: Isa, body: impl FnOnce() -> T) -> (Self, T) {
        let before = gflops(pool, isa);
        let result = body();
        (Self { before, after: gflops(pool, isa) }, result)
    }

    /// What shares of the peak refer to: the larger of the two.
    pub fn gflops(self) -> f64 {
        self.before.max(self.after)
    }

    /// Whether the two agree.
    pub fn is_quiet(self) -> bool {
        (self.before - self.after).abs() <= QUIET * self.gflops()
    }

    /// A line to print: one number if the two agree, else both and a warning.
    pub fn describe(self) -> String {
        if self.is_quiet() {
            return format!("peak {:.1} GFLOP/s", self.gflops());
        }
        format!("peak {:.1} GFLOP/s before, {:.1} after: the machine was not quiet", self.before, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_that_differ_are_both_told() {
        let quiet = PeakPair { before: 100.0, after: 96.0 };
        assert_eq!(quiet.describe(), "peak 100.0 GFLOP/s");
        let loud = PeakPair { before: 94.0, after: 100.0 };
        assert_eq!(loud.describe(), "peak 94.0 GFLOP/s before, 100.0 after: the machine was not quiet");
        assert_eq!(loud.gflops(), 100.0);
    }
}
