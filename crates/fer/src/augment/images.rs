use std::fmt;

use crate::data::{EMOTIONS, Faces, SIDE};

/// Height, width and channels of an image; its pixels lie row by row, the channels of a pixel side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values per pixel.
    pub channels: usize,
}

impl ImageShape {
    /// An image of `height` rows, `width` columns and `channels` values per pixel.
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Values in an image.
    pub const fn elements(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Panics unless `image` has as many values as the shape, which is not empty.
    #[track_caller]
    pub(super) fn check(self, image: &[f32]) {
        assert!(!image.is_empty(), "an image of {self} has no pixels");
        assert_eq!(image.len(), self.elements(), "values of an image of {self}");
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// The shape of a face.
pub const FACE: ImageShape = ImageShape::new(SIDE, SIDE, 1);

/// Images of one shape that can be asked for by number, each of a class.
pub trait LabelledImages: Sync {
    /// Number of images.
    fn count(&self) -> usize;

    /// Shape of each.
    fn shape(&self) -> ImageShape;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Class of image `i`, below [`classes`](Self::classes).
    fn class(&self, i: usize) -> usize;

    /// Writes the values of image `i`.
    fn read(&self, i: usize, image: &mut [f32]);
}

/// Grey levels, 0 black to 255 white.
impl LabelledImages for Faces {
    fn count(&self) -> usize {
        self.len()
    }

    fn shape(&self) -> ImageShape {
        FACE
    }

    fn classes(&self) -> usize {
        EMOTIONS.len()
    }

    fn class(&self, i: usize) -> usize {
        self.label(i).into()
    }

    fn read(&self, i: usize, image: &mut [f32]) {
        for (value, &level) in image.iter_mut().zip(self.image(i)) {
            *value = level.into();
        }
    }
}
