//! Random operands: zeros would flatter the memory system and the arithmetic.

use nn_core::rng::{Purpose, Stream};

/// `len` numbers from -0.5 to 0.5; equal seeds give equal numbers.
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, Purpose::Synthesise, 0, 0);
    let mut values = Vec::new();
    values.reserve_exact(len);
    values.extend((0..len).map(|_| stream.word() as f32 / 2f32.powi(32) - 0.5));
    values
}
