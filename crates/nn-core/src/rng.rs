//! Randomness that can be named: every random number is a function of what it is for.
//!
//! A stream is keyed by a seed, a [`Purpose`] and two coordinates (an epoch and a step, say), so nothing
//! depends on which thread draws first or on how often something was drawn before, and a resumed run needs no
//! generator state. The generator is ChaCha with 8 rounds, whose output is fixed by its specification; the
//! conversions to real numbers are written here, because those of a library may change between releases.

use nn_kernels::Real;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are used for; part of a stream's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Generating synthetic data.
    Synthesise = 1,
    /// Choosing a subset of a data set.
    Subset = 2,
    /// Choosing examples to show.
    Preview = 3,
    /// Initial values of parameters.
    Initialise = 4,
    /// The order of the samples in an epoch.
    Shuffle = 5,
    /// Dropout masks.
    Dropout = 6,
    /// Points and directions of gradient checks.
    GradientCheck = 7,
    /// Variations of training images.
    Augment = 8,
}

/// A stream of random numbers with a key of its own.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream for `purpose` at coordinates (`a`, `b`).
    pub fn new(seed: u64, purpose: Purpose, a: u64, b: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, a, b]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The sub-stream of a named thing, such as a layer; to be chosen before the first number is drawn.
    pub fn of(mut self, name: &str) -> Self {
        self.0.set_stream(fnv1a(name));
        self
    }

    /// Continues at the `index`-th 32-bit word of the stream.
    pub fn skip_to(&mut self, index: u64) {
        self.0.set_word_pos(index.into());
    }

    /// 32 random bits.
    pub fn word(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * 2f64.powi(-53)
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and standard deviation 1 (Box & Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Uniform in `0..n`. The bias of the multiplication is below `n / 2^64`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }

    /// A random order of `0..n` (Fisher & Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }

    /// `k` distinct members of `items` in random order; all of them if there are fewer.
    pub fn choose(&mut self, items: &[usize], k: usize) -> Vec<usize> {
        let order = self.permutation(items.len());
        order.into_iter().take(k).map(|i| items[i]).collect()
    }

    /// Fills `values` with normal numbers of the given standard deviation.
    pub fn fill_normal<R: Real>(&mut self, values: &mut [R], std: f64) {
        values.fill_with(|| R::of(std * self.normal()));
    }
}

/// Hash of a name (Fowler, Noll & Vo; 64 bits, variant 1a).
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_fixed_for_ever() {
        let mut stream = Stream::new(1, Purpose::Initialise, 2, 3).of("dense");
        let words: Vec<u32> = (0..4).map(|_| stream.word()).collect();
        assert_eq!(words, GOLDEN);
        stream.skip_to(1);
        assert_eq!(stream.word(), GOLDEN[1]);
    }

    /// From ChaCha's specification (Bernstein, 2008), by an implementation independent of the library.
    const GOLDEN: [u32; 4] = [0x5ca3_8597, 0xb75c_4744, 0x4912_5825, 0x925a_d409];

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |seed, purpose, a, b, name: &str| Stream::new(seed, purpose, a, b).of(name).unit();
        let base = first(1, Purpose::Shuffle, 2, 3, "x");
        for other in [
            first(2, Purpose::Shuffle, 2, 3, "x"),
            first(1, Purpose::Dropout, 2, 3, "x"),
            first(1, Purpose::Shuffle, 3, 3, "x"),
            first(1, Purpose::Shuffle, 2, 4, "x"),
            first(1, Purpose::Shuffle, 2, 3, "y"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Stream::new(7, Purpose::Shuffle, 0, 0).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn normal_numbers_have_mean_0_and_deviation_1() {
        let mut stream = Stream::new(3, Purpose::GradientCheck, 0, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }
}
