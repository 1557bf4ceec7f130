//! Random streams that are the same on every machine and in every release.
//!
//! A [`Stream`] is ChaCha8 keyed by four words, so that each purpose, split and image has numbers of its
//! own: image 7 looks the same whether or not image 6 was drawn before it. The conversions from bits to
//! floats and ranges are written here, because those of `rand` may change between releases.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is used for: the second word of its key.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Drawing a synthetic face.
    Face = 1,
    /// Choosing a stratified subset.
    Subset = 2,
    /// Choosing the images of a preview.
    Preview = 3,
}

/// A reproducible sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream keyed by `(seed, purpose, a, b)`; `a` and `b` tell streams of one purpose apart.
    pub fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in `[0, 1)`: the top 24 bits of a word, which an `f32` holds exactly.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.unit() < p
    }

    /// Bell-shaped with mean 0 and variance 1, within ±3.5: the centred sum of four uniforms.
    ///
    /// Var(U) = 1/12, so the sum of four has variance 1/3. Only additions and a product: the same bits
    /// everywhere, which a logarithm and a cosine would not promise.
    pub fn bell(&mut self) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_8
    }

    /// Uniform integer in `0..bound`, without bias (Lemire's method would be faster; this one is plain).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        let fair = u64::MAX - u64::MAX % bound;
        loop {
            let word = self.0.next_u64();
            if word < fair {
                return (word % bound) as usize;
            }
        }
    }

    /// `k` distinct members of `items` in random order (all of them if there are fewer than `k`).
    pub fn choose(&mut self, items: &[usize], k: usize) -> Vec<usize> {
        let mut pool = items.to_vec();
        let k = k.min(pool.len());
        for i in 0..k {
            let j = i + self.below(pool.len() - i);
            pool.swap(i, j);
        }
        pool.truncate(k);
        pool
    }
}
