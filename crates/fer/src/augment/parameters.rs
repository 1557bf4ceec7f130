//! What is drawn at random for one image.

use std::ops::Range;

use nn_core::rng::{Purpose, Stream};
use serde::{Deserialize, Serialize};

use super::error::require;
use super::{AugmentError, ImageDataGenerator, ImageShape, RandomErasing, ShiftRange};

/// A transformation of one image, with Keras's names; the default leaves the image as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransformParameters {
    /// Rotation in degrees, counter-clockwise.
    pub theta: f64,
    /// Shift in pixels; the image moves to the left.
    pub tx: f64,
    /// Shift in pixels; the image moves up.
    pub ty: f64,
    /// Shear in degrees.
    pub shear: f64,
    /// Zoom of the width; above 1 the image becomes narrower.
    pub zx: f64,
    /// Zoom of the height; above 1 the image becomes lower.
    pub zy: f64,
    /// Row and column of the image at which the result begins, before anything else is done to it.
    pub crop: [i64; 2],
    /// Mirror left to right.
    pub flip_horizontal: bool,
    /// Mirror top to bottom.
    pub flip_vertical: bool,
    /// Added to all values, which are then cut to the image's range.
    pub channel_shift_intensity: Option<f64>,
    /// Factor of the brightness.
    pub brightness: Option<f64>,
    /// Factor of the contrast.
    pub contrast: Option<f64>,
    /// What is painted over.
    pub erase: Option<Rectangle>,
}

impl Default for TransformParameters {
    fn default() -> Self {
        Self {
            theta: 0.0,
            tx: 0.0,
            ty: 0.0,
            shear: 0.0,
            zx: 1.0,
            zy: 1.0,
            crop: [0, 0],
            flip_horizontal: false,
            flip_vertical: false,
            channel_shift_intensity: None,
            brightness: None,
            contrast: None,
            erase: None,
        }
    }
}

impl TransformParameters {
    pub(super) fn check(&self, shape: ImageShape) -> Result<(), AugmentError> {
        require(shape.elements() > 0, "shape", shape, "at least one pixel")?;
        for (name, value) in [
            ("theta", self.theta),
            ("tx", self.tx),
            ("ty", self.ty),
            ("shear", self.shear),
            ("zx", self.zx),
            ("zy", self.zy),
            ("channel_shift_intensity", self.channel_shift_intensity.unwrap_or_default()),
            ("brightness", self.brightness.unwrap_or_default()),
            ("contrast", self.contrast.unwrap_or_default()),
        ] {
            require(value.is_finite(), name, value, "a finite number")?;
        }
        let Rectangle { top, left, height, width } = self.erase.unwrap_or_default();
        let fits = |first: usize, len, size| first.checked_add(len).is_some_and(|end| end <= size);
        let inside = fits(top, height, shape.height) && fits(left, width, shape.width);
        require(inside, "erase", format!("{:?}", self.erase), "a rectangle inside the image")
    }
}

/// A part of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rectangle {
    /// Its first row.
    pub top: usize,
    /// Its first column.
    pub left: usize,
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
}

impl Rectangle {
    /// The positions of its rows in the values of an image.
    pub(super) fn rows(self, shape: ImageShape) -> impl Iterator<Item = Range<usize>> {
        (self.top..self.top + self.height).map(move |row| {
            let start = (row * shape.width + self.left) * shape.channels;
            start..start + self.width * shape.channels
        })
    }
}

impl ImageDataGenerator {
    /// Draws the transformation of image `index` in `epoch`.
    ///
    /// Every parameter has random numbers of its own, so that another range does not change the other parameters.
    pub fn get_random_transform(
        &self,
        shape: ImageShape,
        seed: u64,
        epoch: u64,
        index: usize,
    ) -> TransformParameters {
        let stream = |name| Stream::new(seed, Purpose::Augment, epoch, index as u64).of(name);
        let within = |name, most: f64| if most != 0.0 { stream(name).uniform(-most, most) } else { 0.0 };
        let flip = |name, on: bool| on && stream(name).unit() < 0.5;
        let factor = |name, range: Option<[f64; 2]>| range.map(|[low, high]| stream(name).uniform(low, high));
        let [zx, zy] = match self.zoom_range.bounds() {
            [1.0, 1.0] => [1.0, 1.0],
            [low, high] => {
                let mut stream = stream("zoom_range");
                [stream.uniform(low, high), stream.uniform(low, high)]
            }
        };
        let crop = if self.crop_padding == 0 {
            [0, 0]
        } else {
            let mut stream = stream("crop_padding");
            [(); 2].map(|()| stream.below(2 * self.crop_padding + 1) as i64 - self.crop_padding as i64)
        };
        let shift = self.channel_shift_range;
        TransformParameters {
            theta: within("rotation_range", self.rotation_range),
            tx: draw_shift(&self.width_shift_range, shape.width, || stream("width_shift_range")),
            ty: draw_shift(&self.height_shift_range, shape.height, || stream("height_shift_range")),
            shear: within("shear_range", self.shear_range),
            zx,
            zy,
            crop,
            flip_horizontal: flip("horizontal_flip", self.horizontal_flip),
            flip_vertical: flip("vertical_flip", self.vertical_flip),
            channel_shift_intensity: (shift != 0.0).then(|| within("channel_shift_range", shift)),
            brightness: factor("brightness_range", self.brightness_range),
            contrast: factor("contrast_range", self.contrast_range),
            erase: self
                .random_erasing
                .as_ref()
                .and_then(|erasing| erasing.draw(shape, stream("random_erasing"))),
        }
    }
}

/// Pixels to shift by, along an axis of `size` pixels.
fn draw_shift(range: &ShiftRange, size: usize, stream: impl FnOnce() -> Stream) -> f64 {
    let unit = |largest: f64| if largest < 1.0 { size as f64 } else { 1.0 };
    let either_way = |mut stream: Stream, shift: f64| if stream.unit() < 0.5 { -shift } else { shift };
    match range {
        ShiftRange::Below(0) | ShiftRange::Within(0.0) => 0.0,
        ShiftRange::Below(n) => {
            let mut stream = stream();
            let shift = stream.below(*n as usize) as f64;
            either_way(stream, shift)
        }
        ShiftRange::Within(most) => stream().uniform(-most, *most) * unit(*most),
        ShiftRange::OneOf(shifts) => {
            let mut stream = stream();
            let shift = shifts[stream.below(shifts.len())];
            either_way(stream, shift) * unit(shifts.iter().fold(0.0, |most, shift| shift.abs().max(most)))
        }
    }
}

impl RandomErasing {
    /// A rectangle with the area and aspect drawn; drawn again, up to ten times, if it is larger than the image.
    fn draw(&self, shape: ImageShape, mut stream: Stream) -> Option<Rectangle> {
        const ATTEMPTS: usize = 10;
        if stream.unit() >= self.probability {
            return None;
        }
        let [flat, tall] = self.aspect.map(f64::ln);
        (0..ATTEMPTS).find_map(|_| {
            let area = stream.uniform(self.area[0], self.area[1]) * (shape.height * shape.width) as f64;
            // Uniform in the logarithm: as often flat as tall.
            let aspect = stream.uniform(flat, tall).exp();
            let [height, width] =
                [area * aspect, area / aspect].map(|square| (square.sqrt().round() as usize).max(1));
            let fits = height <= shape.height && width <= shape.width;
            fits.then(|| Rectangle {
                top: stream.below(shape.height - height + 1),
                left: stream.below(shape.width - width + 1),
                height,
                width,
            })
        })
    }
}
