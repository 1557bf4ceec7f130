//! Two images made into one, and their labels with them.

use nn_core::rng::{Purpose, Stream};

use super::{ImageDataGenerator, ImageShape, Rectangle};

/// How an image is mixed with another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// Number of the other image.
    pub partner: usize,
    /// Weight of the image's own label; the partner's is 1 minus this.
    pub share: f64,
    /// CutMix: the part that shows the partner. Mixup, where there is none: every pixel is the weighted mean.
    pub region: Option<Rectangle>,
}

impl ImageDataGenerator {
    /// Whether images are mixed, so that labels are weights of the classes instead of class numbers.
    pub fn mixes(&self) -> bool {
        self.mixup_alpha > 0.0 || self.cutmix_alpha > 0.0
    }

    /// Draws how image `index` of `count` is mixed in `epoch`; `None` if images are not mixed.
    pub fn get_random_mix(
        &self,
        shape: ImageShape,
        count: usize,
        (seed, epoch, index): (u64, u64, usize),
    ) -> Option<Mix> {
        if !self.mixes() || count == 0 {
            return None;
        }
        let mut stream = Stream::new(seed, Purpose::Augment, epoch, index as u64).of("mix");
        let partner = stream.below(count);
        let cut = self.cutmix_alpha > 0.0 && (self.mixup_alpha == 0.0 || stream.unit() < 0.5);
        if !cut {
            return Some(Mix { partner, share: beta(self.mixup_alpha, &mut stream), region: None });
        }
        let side = (1.0 - beta(self.cutmix_alpha, &mut stream)).sqrt();
        let (top, height) = stretch(side, shape.height, &mut stream);
        let (left, width) = stretch(side, shape.width, &mut stream);
        let share = 1.0 - (height * width) as f64 / (shape.height * shape.width) as f64;
        Some(Mix { partner, share, region: Some(Rectangle { top, left, height, width }) })
    }
}

impl Mix {
    /// Mixes the partner into the image.
    ///
    /// # Panics
    /// If either has not the values of one image.
    pub fn apply(&self, image: &mut [f32], partner: &[f32], shape: ImageShape) {
        shape.check(image);
        shape.check(partner);
        match self.region {
            Some(region) => {
                region.rows(shape).for_each(|row| image[row.clone()].copy_from_slice(&partner[row]));
            }
            None => {
                let (own, other) = (self.share as f32, (1.0 - self.share) as f32);
                image.iter_mut().zip(partner).for_each(|(to, from)| *to = own * *to + other * from);
            }
        }
    }

    /// Adds the weights of the two classes to a row of zeros.
    ///
    /// # Panics
    /// If `row` has no place for a class.
    pub fn label(&self, class: usize, partner_class: usize, row: &mut [f32]) {
        row[class] += self.share as f32;
        row[partner_class] += 1.0 - self.share as f32;
    }
}

/// A stretch of `side·size` pixels about a random centre, cut off where it leaves `0..size`: its start and length.
fn stretch(side: f64, size: usize, stream: &mut Stream) -> (usize, usize) {
    let (centre, length) = (stream.below(size), (side * size as f64) as usize);
    let start = centre.saturating_sub(length / 2);
    let end = (centre + length - length / 2).min(size);
    (start, end - start)
}

/// A draw from Beta(alpha, alpha): `x / (x + y)` with `x` and `y` from the gamma distribution, by way of logarithms,
/// for with a small alpha both may be too small for an `f64`.
fn beta(alpha: f64, stream: &mut Stream) -> f64 {
    let (x, y) = (ln_gamma_variate(alpha, stream), ln_gamma_variate(alpha, stream));
    1.0 / (1.0 + (y - x).exp())
}

/// Logarithm of a draw from the gamma distribution of that shape (Marsaglia & Tsang, 2000), which for shapes below 1 is
/// one of shape + 1 times a power of a uniform number.
fn ln_gamma_variate(shape: f64, stream: &mut Stream) -> f64 {
    let d = shape + 1.0 - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    let variate = loop {
        let normal = stream.normal();
        let v = (1.0 + c * normal).powi(3);
        if v > 0.0 && (1.0 - stream.unit()).ln() < normal * normal / 2.0 + d - d * v + d * v.ln() {
            break d * v;
        }
    };
    variate.ln() + (1.0 - stream.unit()).ln() / shape
}
