//! How a face becomes the input of a network: one declared object for training and evaluation, kept with the run as
//! `transform.json`.

use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma};
use serde::{Deserialize, Serialize};

use crate::augment::{IMAGENET_MEANS, ImageDataGenerator};
use crate::data::SIDE;

/// What is done to each grey level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// `level / 255 - 0.5`, in `[-0.5, 0.5]`: what the study does, whatever the network.
    #[default]
    Centred,
    /// `level / 127.5 - 1`, in `[-1, 1]`: what MobileNetV2 was trained on.
    Symmetric,
    /// The grey level as it is, 0 to 255: for an augmentation that has a preprocessing function of its own.
    Levels,
    /// `level - mean`, with the mean of each channel of ImageNet, channels in the order blue, green, red: what ResNet50
    /// was trained on.
    ImagenetMeans,
}

impl Scaling {
    /// The value of a grey level in a channel.
    pub fn apply(self, level: f32, channel: usize) -> f32 {
        match self {
            Self::Centred => level / 255.0 - 0.5,
            Self::Symmetric => level / 127.5 - 1.0,
            Self::Levels => level,
            Self::ImagenetMeans => level - IMAGENET_MEANS[channel % 3],
        }
    }
}

/// From the 48x48 grey levels of a face to the input of a network.
///
/// The shape of the network's input decides the rest: an image of another size is resized (linear interpolation between
/// the centres of the pixels), and the grey image is repeated in every channel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// What is done to each grey level.
    pub scaling: Scaling,
    /// What is done to the scaled image: its random part in training, its standardisation always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<ImageDataGenerator>,
    /// Whether evaluation leaves the standardisation out, so that a network is measured on images of another kind than it
    /// was trained on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub raw_test: bool,
}

impl From<Scaling> for Transform {
    fn from(scaling: Scaling) -> Self {
        Self { scaling, ..Self::default() }
    }
}

impl Transform {
    /// Whether standardisation takes statistics of the training faces.
    pub fn needs_fit(&self) -> bool {
        self.augmentation.as_ref().is_some_and(ImageDataGenerator::needs_fit)
    }

    /// Whether inputs of this shape can be made: the flat image, or a square one of any side with 1 or 3 channels.
    pub fn fits(shape: &[usize]) -> bool {
        match *shape {
            [pixels] => pixels == SIDE * SIDE,
            [h, w, channels] => h == w && (channels == 1 || channels == 3),
            _ => false,
        }
    }

    /// What is to be said of an input of another size than the faces; `None` if it has theirs.
    pub fn remark(shape: &[usize]) -> Option<String> {
        match *shape {
            [side, _, _] if side != SIDE && Self::fits(shape) => Some(format!(
                "the network takes images of {side}x{side}: faces are resized from {SIDE}x{SIDE} (linear interpolation)"
            )),
            _ => None,
        }
    }

    /// Writes the scaled image of `shape` that a face becomes to `x`.
    ///
    /// # Panics
    /// If no input of that shape can be made, or `x` has another length.
    pub fn apply(&self, face: &[u8], shape: &[usize], x: &mut [f32]) {
        assert!(Self::fits(shape), "faces cannot become inputs of shape {shape:?}");
        assert_eq!(x.len(), shape.iter().product::<usize>(), "length of the input");
        let (side, channels) = match *shape {
            [side, _, channels] => (side, channels),
            _ => (SIDE, 1),
        };
        if side == SIDE {
            self.scale(face.iter().map(|&level| f32::from(level)), channels, x);
        } else {
            self.scale(resize(face, side).into_iter(), channels, x);
        }
    }

    fn scale(&self, levels: impl Iterator<Item = f32>, channels: usize, x: &mut [f32]) {
        for (x, level) in x.chunks_exact_mut(channels).zip(levels) {
            for (channel, x) in x.iter_mut().enumerate() {
                *x = self.scaling.apply(level, channel);
            }
        }
    }
}

/// The grey levels of a face with `side` rows and columns.
fn resize(face: &[u8], side: usize) -> Vec<f32> {
    /// The library takes floats for shares of full brightness, and cuts off what is above 1.
    const BRIGHTEST: f32 = 255.0;
    let shares = face.iter().map(|&level| f32::from(level) / BRIGHTEST).collect();
    let original: ImageBuffer<Luma<f32>, Vec<f32>> =
        ImageBuffer::from_raw(SIDE as u32, SIDE as u32, shares).expect("a face has as many pixels");
    let resized = imageops::resize(&original, side as u32, side as u32, FilterType::Triangle);
    resized.into_raw().into_iter().map(|share| share * BRIGHTEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::PIXELS;

    fn face() -> Vec<u8> {
        (0..PIXELS).map(|i| (i * 37 % 256) as u8).collect()
    }

    fn transformed(scaling: Scaling, shape: &[usize]) -> Vec<f32> {
        let mut x = vec![f32::NAN; shape.iter().product()];
        Transform::from(scaling).apply(&face(), shape, &mut x);
        x
    }

    #[test]
    fn grey_is_repeated_in_every_channel() {
        let grey = transformed(Scaling::Centred, &[48, 48, 1]);
        let coloured = transformed(Scaling::Centred, &[48, 48, 3]);
        assert_eq!(grey, transformed(Scaling::Centred, &[PIXELS]));
        for (pixel, &level) in coloured.chunks_exact(3).zip(&grey) {
            assert_eq!(pixel, [level; 3]);
        }
    }

    #[test]
    fn scalings_are_those_of_keras() {
        assert_eq!([0.0, 255.0].map(|level| Scaling::Centred.apply(level, 0)), [-0.5, 0.5]);
        assert_eq!([0.0, 255.0].map(|level| Scaling::Symmetric.apply(level, 0)), [-1.0, 1.0]);
        let means: Vec<f32> = (0..3).map(|channel| Scaling::ImagenetMeans.apply(200.0, channel)).collect();
        assert_eq!(means, [200.0 - 103.939, 200.0 - 116.779, 200.0 - 123.68]);
    }

    /// Between centres of pixels at quarters: `(3a + b) / 4`; beyond the outermost centres the outermost value.
    #[test]
    fn twice_the_side_interpolates_at_quarters() {
        let (small, large) = (face(), transformed(Scaling::ImagenetMeans, &[96, 96, 1]));
        let level = |row: usize, column: usize| f32::from(small[row * SIDE + column]);
        let at = |row: usize, column: usize| large[row * 96 + column] + IMAGENET_MEANS[0];
        assert!((at(0, 0) - level(0, 0)).abs() < 1e-3);
        let along = (3.0 * level(0, 4) + level(0, 5)) / 4.0;
        assert!((at(0, 9) - along).abs() < 1e-3, "{} {along}", at(0, 9));
        let rows = [3, 4].map(|row| (3.0 * level(row, 4) + level(row, 5)) / 4.0);
        let between = (rows[0] + 3.0 * rows[1]) / 4.0;
        assert!((at(8, 9) - between).abs() < 1e-3, "{} {between}", at(8, 9));
    }

    #[test]
    fn only_square_images_of_one_or_three_channels_can_be_made() {
        for shape in [&[PIXELS][..], &[48, 48, 1], &[96, 96, 3]] {
            assert!(Transform::fits(shape), "{shape:?}");
        }
        assert_eq!(Transform::remark(&[48, 48, 3]), None);
        assert_eq!(Transform::remark(&[PIXELS]), None);
        let remark = Transform::remark(&[28, 28, 1]).unwrap();
        assert!(remark.contains("28x28") && remark.contains("resized from 48x48"), "{remark}");
        for shape in [&[PIXELS + 1][..], &[48, 47, 1], &[48, 48, 2], &[48, 48], &[]] {
            assert!(!Transform::fits(shape), "{shape:?}");
        }
    }
}
