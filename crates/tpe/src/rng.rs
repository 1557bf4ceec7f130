//! Randomness that can be named: every number is a function of the study's seed, the trial and the purpose.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::normal::box_muller;

/// What random numbers are used for; part of a stream's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The stratified points with which a study begins.
    Startup = 1,
    /// The points that a sampler draws for a trial.
    Suggest = 2,
    /// A second draw for the same trial, when every point of the first was known.
    Flattened = 3,
    /// Random tie breaking.
    Unseen = 4,
}

/// A stream of random numbers: ChaCha with 8 rounds, keyed by seed and purpose, one stream for each trial.
///
/// The output is fixed by the specification of ChaCha; conversions to real numbers are written here, because those
/// of a library may change between releases.
#[derive(Debug, Clone)]
pub struct Stream {
    words: ChaCha8Rng,
    /// The second number of the last pair of normal ones.
    spare: Option<f64>,
}

impl Stream {
    /// The stream of a trial.
    pub fn new(seed: u64, purpose: Purpose, trial: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(trial);
        Self { words, spare: None }
    }

    /// A number from 0 (included) to 1 (excluded), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.words.next_u64() >> 11) as f64 * (0.5 / (1u64 << 52) as f64)
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let (first, second) = box_muller(self.uniform(), self.uniform());
        self.spare = Some(second);
        first
    }

    /// A whole number below `n`; the bias is below `n / 2⁶⁴`.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.words.next_u64()) * n as u128) >> 64) as usize
    }
}
