//! The ceiling of memory: bytes per second from each level, measured.
//!
//! The loops are plain Rust that the compiler vectorises for the target's baseline (on x86-64, 16-byte
//! registers). From L2 on that is enough to saturate the memory; for L1 the figures are a lower bound.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::machine::Caches;

/// How long one run over a working set lasts, at least.
const RUN: Duration = Duration::from_millis(10);

/// Runs of which the best counts.
const RUNS: usize = 5;

/// A level of the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The usual names.
pub enum Level {
    L1,
    L2,
    L3,
    #[serde(rename = "DRAM")]
    Dram,
}

impl Level {
    /// From the nearest to the farthest.
    pub const ALL: [Self; 4] = [Self::L1, Self::L2, Self::L3, Self::Dram];

    /// Bytes that each of `threads` threads works on so that they come from this level: half of a cache, or
    /// together four times the last cache, but no more than 1 GiB.
    pub fn working_set(self, caches: &Caches, threads: usize) -> usize {
        match self {
            Self::L1 => caches.l1 / 2,
            Self::L2 => caches.l2 / 2,
            Self::L3 => (caches.l3 / 2 / threads).max(2 * caches.l2),
            Self::Dram => (4 * caches.l3).min(1 << 30) / threads,
        }
    }

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::Dram => "DRAM",
        }
    }
}

/// Bytes per second in units of 10⁹.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Where the data lie.
    pub level: Level,
    /// Threads that work at once, each on data of its own.
    pub threads: usize,
    /// Bytes that each thread works on.
    pub working_set: usize,
    /// Summing an array.
    pub read_gbs: f64,
    /// `a = b + s·c`: two arrays read and one written, 12 bytes for each element.
    pub triad_gbs: f64,
}

impl Bandwidth {
    /// Measures one level with all threads of `pool`.
    pub fn measure(pool: &ThreadPool, level: Level, caches: &Caches) -> Self {
        let threads = pool.current_num_threads();
        let working_set = level.working_set(caches, threads);
        let elements = working_set / size_of::<f32>();
        let read_gbs = best(pool, elements * 4, || {
            let values = vec![1f32; elements];
            move || {
                black_box(sum(black_box(&values)));
            }
        });
        let third = elements / 3;
        let triad_gbs = best(pool, third * 12, || {
            let (mut a, b, c) = (vec![0f32; third], vec![1f32; third], vec![2f32; third]);
            move || {
                triad(&mut a, black_box(&b), black_box(&c));
                black_box(&a);
            }
        });
        Self { level, threads, working_set, read_gbs, triad_gbs }
    }

    /// The ceiling: the better of the two.
    pub fn gbs(&self) -> f64 {
        self.read_gbs.max(self.triad_gbs)
    }
}

/// The best rate, in GB/s, of a pass that moves `bytes` bytes on each thread. `make` gives each thread its pass.
fn best<F: FnMut()>(pool: &ThreadPool, bytes: usize, make: impl Fn() -> F + Sync) -> f64 {
    // Each thread adds up its own rate, so that none is charged with another's start.
    let rates = pool.broadcast(|_| {
        let mut pass = make();
        let mut passes = 1u32;
        loop {
            let start = Instant::now();
            (0..passes).for_each(|_| pass());
            if start.elapsed() >= RUN {
                break;
            }
            passes = passes.saturating_mul(2);
        }
        let run = |pass: &mut F| {
            let start = Instant::now();
            (0..passes).for_each(|_| pass());
            f64::from(passes) * bytes as f64 / start.elapsed().as_secs_f64() / 1e9
        };
        (0..RUNS).map(|_| run(&mut pass)).fold(0.0, f64::max)
    });
    rates.into_iter().sum()
}

/// Independent partial sums, enough to hide the latency of an addition.
const LANES: usize = 32;

fn sum(values: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0; LANES];
    for chunk in values.chunks_exact(LANES) {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums
}

fn triad(a: &mut [f32], b: &[f32], c: &[f32]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        *a = b + 3.0 * c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_passes_compute_what_they_claim() {
        let values: Vec<f32> = (0..256).map(|i| i as f32).collect();
        assert_eq!(sum(&values).iter().sum::<f32>(), 255.0 * 128.0);
        let mut a = vec![0.0; 256];
        triad(&mut a, &values, &values);
        assert_eq!((a[1], a[255]), (4.0, 1020.0));
    }

    #[test]
    fn working_sets_lie_where_they_should() {
        let caches = Caches { l1: 48 << 10, l2: 1 << 20, l3: 32 << 20 };
        for threads in [1, 2, 8] {
            let [l1, l2, l3, dram] = Level::ALL.map(|level| level.working_set(&caches, threads));
            assert!(l1 < caches.l1 && l2 > caches.l1 && l2 < caches.l2);
            assert!(l3 > caches.l2 && l3 * threads <= caches.l3);
            assert!(dram * threads > 2 * caches.l3);
        }
    }
}
