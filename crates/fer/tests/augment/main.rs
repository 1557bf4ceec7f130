//! Image augmentation: the same numbers as Keras, what is drawn, what reaches a network, what is refused.

#[path = "../fer_2013/mod.rs"]
mod fer_2013;

mod bad_input;
mod drawing;
mod flow;
mod keras;
mod mixing;
mod whitening;

use fer::augment::{ImageDataGenerator, ImageShape, LabelledImages};
use fer::data::Faces;
use nn_core::rng::{Purpose, Stream};

/// Images in memory; image `i` is of class `i % 7`.
struct Images {
    shape: ImageShape,
    values: Vec<Vec<f32>>,
}

impl Images {
    fn new(shape: ImageShape, values: Vec<Vec<f32>>) -> Self {
        assert!(values.iter().all(|image| image.len() == shape.elements()));
        Self { shape, values }
    }

    /// Whole grey levels at random.
    fn random(shape: ImageShape, count: usize) -> Self {
        let mut stream = Stream::new(1, Purpose::Preview, 0, 0);
        let mut image = || (0..shape.elements()).map(|_| stream.below(256) as f32).collect();
        Self::new(shape, (0..count).map(|_| image()).collect())
    }
}

impl LabelledImages for Images {
    fn count(&self) -> usize {
        self.values.len()
    }

    fn shape(&self) -> ImageShape {
        self.shape
    }

    fn classes(&self) -> usize {
        7
    }

    fn class(&self, i: usize) -> usize {
        i % 7
    }

    fn read(&self, i: usize, image: &mut [f32]) {
        image.copy_from_slice(&self.values[i]);
    }
}

fn from_toml(text: &str) -> ImageDataGenerator {
    toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A face at half its size: the means of two by two pixels.
fn halved(faces: &Faces, i: usize) -> Vec<f32> {
    let face = faces.image(i);
    let at = |row: usize, column: usize| f32::from(face[row * 48 + column]);
    let mean = |r, c| (at(r, c) + at(r, c + 1) + at(r + 1, c) + at(r + 1, c + 1)) / 4.0;
    (0..576).map(|place| mean(place / 24 * 2, place % 24 * 2)).collect()
}
