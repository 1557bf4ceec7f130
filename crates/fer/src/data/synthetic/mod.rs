//! Procedural faces with the seven expressions: a dataset that needs no download.
//!
//! Every image is a drawing: a person (head, hair, skin, beard, glasses), an expression (brows, lids,
//! mouth, wrinkles), a pose, a light, sometimes something in the way, and noise. The classes are balanced
//! and take turns: image `i` of a split shows emotion `i mod 7`.
//!
//! Image `i` of a split depends on `(seed, split, i)` only, and has the same bytes on every machine: the
//! arithmetic is limited to operations that IEEE 754 rounds exactly.

mod canvas;
mod dice;
mod expression;
mod portrait;
mod shape;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use self::dice::Dice;
use super::{Dataset, EMOTIONS, Faces, Source, Split, subset};

/// Number of images in each split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Training images.
    pub train: usize,
    /// Validation images.
    pub val: usize,
    /// Test images.
    pub test: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { train: 2100, val: 350, test: 700 }
    }
}

/// The seed of the embedded dataset.
pub const DEFAULT_SEED: u64 = 0;

/// Draws a dataset.
pub fn dataset(sizes: Sizes, seed: u64) -> Dataset {
    drawn([sizes.train, sizes.val, sizes.test].map(|n| (0..n).collect()), seed)
}

/// What [`Dataset::limit`] leaves of a dataset, without drawing the rest: `n` training faces and the others in
/// proportion, chosen by `subset_seed`.
pub fn limited(sizes: Sizes, seed: u64, n: usize, subset_seed: u64) -> Dataset {
    let labels = [sizes.train, sizes.val, sizes.test].map(|n| (0..n).map(label).collect::<Vec<_>>());
    let positions = subset::positions(labels.each_ref().map(Vec::as_slice), n, subset_seed);
    subset::limited(drawn(positions, seed))
}

/// The images at these positions of the three splits.
fn drawn(positions: [Vec<usize>; 3], seed: u64) -> Dataset {
    let [train, val, test] = Split::ALL.map(|split| faces_at(split, &positions[split as usize], seed));
    Dataset { train, val, test, source: Source::Synthetic { seed }, warnings: Vec::new() }
}

/// The first `n` faces of a split.
pub fn faces(split: Split, n: usize, seed: u64) -> Faces {
    faces_at(split, &(0..n).collect::<Vec<_>>(), seed)
}

fn faces_at(split: Split, positions: &[usize], seed: u64) -> Faces {
    let images: Vec<_> = positions.par_iter().map(|&i| image(split, i, seed)).collect();
    let mut faces = Faces::new();
    for (&i, image) in positions.iter().zip(&images) {
        faces.push(image, label(i));
    }
    faces
}

/// The 48x48 pixels of image `i` of a split.
pub fn image(split: Split, i: usize, seed: u64) -> Vec<u8> {
    portrait::draw(label(i), &mut Dice::new(seed, split as u64, i as u64))
}

/// The emotion of image `i` of any split.
fn label(i: usize) -> u8 {
    (i % EMOTIONS.len()) as u8
}
