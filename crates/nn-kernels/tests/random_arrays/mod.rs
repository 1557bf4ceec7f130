//! Arrays with a seed: small integers, whose sums are exact, and real numbers, whose sums are not.

#![allow(dead_code)] // Each test file uses some of it.

use nn_kernels::Real;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Integers from -4 to 4. Every sum of fewer than 2^20 of their products is exact in `f32`, in any order.
pub fn integers<R: Real>(seed: u64, len: usize) -> Vec<R> {
    integers_up_to(4, seed, len)
}

/// Integers from `-max` to `max`; zero is never negative.
pub fn integers_up_to<R: Real>(max: i32, seed: u64, len: usize) -> Vec<R> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = 2 * max as u32 + 1;
    (0..len).map(|_| R::of(f64::from((rng.next_u32() % values) as i32 - max))).collect()
}

/// Numbers from -1 to 1 that use the whole mantissa.
pub fn reals<R: Real>(seed: u64, len: usize) -> Vec<R> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| R::of(f64::from(rng.next_u32() as i32) / 2f64.powi(31))).collect()
}

/// What an output holds before it is overwritten: a kernel that reads it or leaves a gap is found out.
pub fn poison<R: Real>(len: usize) -> Vec<R> {
    vec![R::nan(); len]
}

/// Leaves NaN in the scratch buffers of the calling thread and of every worker.
pub fn poison_scratch<R: Real>() {
    const LEN: usize = 16 * 1024;
    // Three levels, because a kernel may borrow more buffers while it holds the first.
    fn poison_levels<R: Real>(levels: usize) {
        if levels > 0 {
            R::with_scratch(LEN, |buffer| {
                poison_levels::<R>(levels - 1);
                buffer.fill(R::nan());
            });
        }
    }
    poison_levels::<R>(3);
    rayon::broadcast(|_| poison_levels::<R>(3));
}

pub fn to_f64<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|v| v.as_f64()).collect()
}

pub fn magnitudes<R: Real>(values: &[R]) -> Vec<f64> {
    values.iter().map(|v| v.as_f64().abs()).collect()
}
