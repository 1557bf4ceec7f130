use std::cell::Cell;
use std::time::Duration;

use nn_kernels::isa::Isa;
use nn_kernels::phase;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use super::{Case, Dir, Operands, verify};
use crate::machine::Caches;
use crate::peak::PeakPair;
use crate::problem::Problem;
use crate::timing::{Budget, Samples, Timing, repeat, stopwatch, time};
use crate::verify::{AFFORDABLE_MACS, Verified};

/// Where the operands are when a repetition begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Caching {
    /// Every repetition works on the same arrays, which are in a cache as far as they fit.
    Warm,
    /// Repetitions take turns among copies that together exceed twice the last cache.
    Cold,
}

impl Caching {
    /// How many copies of operands of `bytes` bytes there must be.
    pub fn copies(self, bytes: usize, caches: &Caches) -> usize {
        match self {
            Self::Warm => 1,
            // The one in use does not count: it is the least recently used others that push it out.
            Self::Cold => (2 * caches.l3).div_ceil(bytes) + 1,
        }
    }

    /// Bytes that measuring a problem takes, but for what a kernel lays out on the way: operands with their copies, and an
    /// image with the weight in `f64`, twice, to compare with.
    pub fn bytes(self, problem: &Problem) -> u64 {
        let g = &problem.geometry;
        let operands = problem.compulsory_bytes();
        let copies = self.copies(operands, &Caches::detect());
        let compared =
            [g.input_len(), g.weight_len(), g.output_len()].into_iter().fold(0, usize::saturating_add);
        operands.saturating_mul(copies).saturating_add(compared.saturating_mul(2 * size_of::<f64>())) as u64
    }
}

/// What became of a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It is right and was timed.
    Timed {
        /// The comparison with the reference.
        verified: Verified,
        /// The bound that was kept.
        bound: String,
        /// Copies of the operands among which repetitions take turns.
        copies: usize,
        /// The samples.
        #[serde(flatten)]
        timing: Timing,
        /// Rate of the median, in GFLOP/s.
        gflops: f64,
        /// That rate as a part of the peak.
        of_peak: f64,
        /// Compulsory bytes over the median time, in GB/s.
        gbs: f64,
        /// Where the time goes, if the kernel tells.
        phases: Option<Phases>,
    },
    /// The algorithm does not do it.
    Skipped {
        /// Why.
        reason: String,
    },
    /// Its result is wrong; it was not timed.
    Failed {
        /// What is wrong.
        reason: String,
    },
}

/// Parts of a kernel's time, summed over threads; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Phases {
    /// Laying out or transforming operands.
    pub pack: f64,
    /// Multiplying.
    pub multiply: f64,
    /// Transforming products into results.
    pub unpack: f64,
}

impl Phases {
    /// The parts of recorded times; `None` if there are none.
    fn parts(times: phase::Phases) -> Option<Self> {
        let [pack, multiply, unpack] = [times.pack, times.multiply, times.unpack].map(|t| t.as_secs_f64());
        let total = pack + multiply + unpack;
        (total > 0.0).then(|| Self { pack: pack / total, multiply: multiply / total, unpack: unpack / total })
    }
}

/// A case and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The problem's canonical text.
    pub problem: String,
    /// Its name, or its text.
    pub label: String,
    /// `fwd`, `bwd_d` or `bwd_w`.
    pub direction: String,
    /// The algorithm that was asked for.
    pub algorithm: String,
    /// The one that ran.
    pub resolved: Option<String>,
    /// FLOPs of direct convolution, taps on padding not counted.
    pub flops: u64,
    /// Input, weight and output once each.
    pub compulsory_bytes: usize,
    /// The outcome.
    #[serde(flatten)]
    pub status: Status,
}

/// What `nn-lab bench conv` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvReport {
    /// `conv`.
    pub kind: String,
    /// Instruction set.
    pub isa: String,
    /// Threads.
    pub threads: usize,
    /// Where operands were.
    pub caching: Caching,
    /// The peak before and after, in GFLOP/s.
    pub peak: PeakPair,
    /// The cases.
    pub entries: Vec<Entry>,
}

impl ConvReport {
    /// Whether any case is wrong.
    pub fn has_failed(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.status, Status::Failed { .. }))
    }
}

/// With what is measured.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Threads.
    pub pool: &'a ThreadPool,
    /// Instruction set.
    pub isa: Isa,
    /// Where operands are.
    pub caching: Caching,
    /// How long each case is repeated.
    pub budget: Budget,
}

/// Verifies and times each case; `progress` hears of each before it begins.
pub fn measure(cases: &[Case], options: &Options, mut progress: impl FnMut(&Case)) -> ConvReport {
    let Options { pool, isa, caching, .. } = *options;
    let (peak, mut entries) = PeakPair::around(pool, isa, || {
        let entries = cases.iter().map(|case| {
            progress(case);
            entry(case, options)
        });
        entries.collect::<Vec<_>>()
    });
    for entry in &mut entries {
        if let Status::Timed { gflops, of_peak, .. } = &mut entry.status {
            *of_peak = *gflops / peak.gflops();
        }
    }
    let (isa, threads) = (isa.to_string(), pool.current_num_threads());
    ConvReport { kind: "conv".into(), isa, threads, caching, peak, entries }
}

fn entry(case: &Case, options: &Options) -> Entry {
    let resolved = case.resolved();
    let status = match resolved {
        None => Status::Skipped {
            reason: format!("{} does not support {} of this problem", case.algorithm, Dir(case.direction)),
        },
        Some(_) => options
            .pool
            .install(|| options.isa.scope(|| verify_and_time(case, options, |a, b, c| case.run(a, b, c)))),
    };
    Entry {
        problem: case.problem.to_string(),
        label: case.problem.label(),
        direction: Dir(case.direction).to_string(),
        algorithm: case.algorithm.to_string(),
        resolved: resolved.map(|algorithm| algorithm.to_string()),
        flops: case.problem.flops(),
        compulsory_bytes: case.problem.compulsory_bytes(),
        status,
    }
}

/// `kernel` computes the case.
fn verify_and_time(case: &Case, options: &Options, kernel: impl Fn(&[f32], &[f32], &mut [f32])) -> Status {
    let Case { problem, direction, .. } = case;
    let bound = case.bound();
    let once = Cell::new(Duration::ZERO);
    let timed =
        |first: &[f32], second: &[f32], out: &mut [f32]| once.set(time(|| kernel(first, second, out)));
    let verified = match verify(problem, *direction, bound, AFFORDABLE_MACS, timed) {
        Ok(verified) => verified,
        Err(wrong) => return Status::Failed { reason: wrong.to_string() },
    };
    let bytes = problem.compulsory_bytes();
    let timed = |copies, samples, phases| {
        let timing = Timing::from(samples);
        Status::Timed {
            verified,
            bound: bound.to_string(),
            copies,
            gflops: problem.flops() as f64 / timing.median_ms / 1e6,
            of_peak: 0.0,
            gbs: bytes as f64 / timing.median_ms / 1e6,
            phases,
            timing,
        }
    };
    // What takes that long is not run again: its sample is the run that was verified.
    if once.get() >= options.budget.most {
        return timed(1, Samples(vec![1e3 * once.get().as_secs_f64()]), None);
    }
    let copies = options.caching.copies(bytes, &Caches::detect());
    let mut operands: Vec<_> =
        (0..copies as u64).map(|seed| Operands::random(problem, *direction, seed)).collect();
    let mut next = 0;
    let mut run = || {
        let Operands { first, second, out } = &mut operands[next];
        kernel(first, second, out);
        next = (next + 1) % copies;
    };
    let samples: Samples = repeat(&options.budget, stopwatch(&mut run));
    let ((), times) = phase::record(|| (0..3).for_each(|_| run()));
    timed(copies, samples, Phases::parts(times))
}

#[cfg(test)]
mod tests {
    use nn_kernels::conv::{Algorithm, Direction};
    use nn_kernels::threads;

    use super::*;

    #[test]
    fn a_wrong_kernel_fails_and_is_not_timed() {
        let case = Case {
            problem: "mb2_ic3ih8oc4kh3ph1".parse().unwrap(),
            direction: Direction::Output,
            algorithm: Algorithm::Im2col,
        };
        let pool = threads::pool(Some(1)).unwrap();
        let budget = Budget::new(Duration::ZERO, 1);
        let options = Options { pool: &pool, isa: Isa::Portable, caching: Caching::Warm, budget };
        let runs = Cell::new(0);
        let status_of = |error: f32| {
            runs.set(0);
            verify_and_time(&case, &options, |a, b, c| {
                runs.set(runs.get() + 1);
                case.run(a, b, c);
                c[100] += error;
            })
        };
        assert!(matches!(status_of(0.0), Status::Timed { .. }) && runs.get() > 1);
        let status = status_of(1e-3);
        assert!(
            matches!(&status, Status::Failed { reason } if reason.contains("element 100 ")),
            "{status:?}"
        );
        assert_eq!(runs.get(), 1);
        let mut report = measure(std::slice::from_ref(&case), &options, |_| ());
        assert!(!report.has_failed());
        report.entries[0].status = status;
        assert!(report.has_failed());
    }

    #[test]
    fn a_slow_kernel_is_run_once() {
        let case = Case {
            problem: "mb1_ic1ih4oc1kh3".parse().unwrap(),
            direction: Direction::Output,
            algorithm: Algorithm::Im2col,
        };
        let pool = threads::pool(Some(1)).unwrap();
        let budget = Budget { most: Duration::from_millis(5), ..Budget::new(Duration::from_secs(60), 8) };
        let options = Options { pool: &pool, isa: Isa::Portable, caching: Caching::Cold, budget };
        let runs = Cell::new(0);
        let status = verify_and_time(&case, &options, |a, b, c| {
            runs.set(runs.get() + 1);
            std::thread::sleep(Duration::from_millis(10));
            case.run(a, b, c);
        });
        assert!(
            matches!(&status, Status::Timed { timing, copies: 1, .. } if timing.median_ms >= 10.0),
            "{status:?}"
        );
        assert_eq!(runs.get(), 1);
    }

    #[test]
    fn what_a_problem_takes_is_known_before() {
        let problem: Problem = "mb4294967295_ic1ih8oc1kh3".parse().unwrap();
        assert_eq!(Caching::Warm.bytes(&problem), 4 * (4_294_967_295 * (64 + 36) + 9) + 16 * (64 + 9 + 36));
    }

    #[test]
    fn cold_operands_have_left_the_last_cache_when_their_turn_comes() {
        let caches = Caches { l3: 100, ..Caches::default() };
        for bytes in [1, 7, 100, 199, 200, 1000] {
            let copies = Caching::Cold.copies(bytes, &caches);
            assert!(copies >= 2 && (copies - 1) * bytes >= 200, "{bytes} bytes: {copies}");
        }
        assert_eq!(Caching::Warm.copies(7, &caches), 1);
    }
}
