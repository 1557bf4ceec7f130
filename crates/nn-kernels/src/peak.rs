//! The most multiply-adds that a core can do, for others to be measured against.

use std::hint::black_box;

use crate::isa::{Isa, dispatch};
use crate::simd::{Kernel, Simd};

/// Independent sums: more than latency times units of any core, and few enough for the registers.
const CHAINS: usize = 12;

/// Multiply-adds of one chain in one round.
const STEPS: u64 = 1000;

/// Runs `rounds` rounds of multiply-adds on values in registers, on the calling thread; returns the FLOPs done.
///
/// # Panics
/// If this processor does not have `isa`.
pub fn fma_chain(isa: Isa, rounds: u64) -> u64 {
    isa.scope(|| dispatch::<f32, _>(Chains { rounds }))
}

struct Chains {
    rounds: u64,
}

impl Kernel<f32> for Chains {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd<f32>>(self, simd: S) -> u64 {
        let (factor, addend) = (simd.splat(black_box(0.5)), simd.splat(black_box(1.0)));
        let mut sums = [simd.splat(black_box(0.0)); CHAINS];
        for _ in 0..self.rounds * STEPS {
            for sum in &mut sums {
                *sum = simd.mul_add(*sum, factor, addend);
            }
        }
        let mut lanes = vec![0.0; S::LANES];
        for sum in sums {
            simd.store(sum, &mut lanes);
            black_box(&lanes);
        }
        self.rounds * STEPS * (CHAINS * S::LANES * 2) as u64
    }
}
