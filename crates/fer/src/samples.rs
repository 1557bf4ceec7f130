//! Faces as the networks see them.

use nn_core::Shape;
use nn_core::train::{Dataset, Targets};

use crate::data::{Faces, PIXELS};

/// The value that a network gets for a grey level: `level / 255 - 0.5`, in `[-0.5, 0.5]`.
pub fn scale(level: u8) -> f32 {
    f32::from(level) / 255.0 - 0.5
}

/// A split as a data set for training: pixels are scaled when a batch is asked for, so that the faces stay in
/// memory as bytes.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    faces: &'a Faces,
    shape: Shape,
}

impl<'a> Samples<'a> {
    /// The faces as samples of `shape`, the flat image `[2304]` or `[48, 48, 1]`.
    pub fn new(faces: &'a Faces, shape: &Shape) -> Self {
        Self { faces, shape: shape.clone() }
    }
}

impl Dataset<f32> for Samples<'_> {
    fn len(&self) -> usize {
        self.faces.len()
    }

    fn sample_shape(&self) -> Shape {
        // A network that does not take the pixels of one face is refused by its own check of the shape.
        if self.shape.elements() == PIXELS { self.shape.clone() } else { Shape::new([PIXELS]) }
    }

    fn check_targets(&self, output: &Shape) -> Result<(), String> {
        let labels = self.faces.labels().iter().map(|&label| usize::from(label)).collect();
        Targets::<f32>::Classes(labels).check(output)
    }

    fn batch(&self, _epoch: u64, indices: &[usize], x: &mut [f32]) -> Targets<f32> {
        for (sample, &i) in x.chunks_exact_mut(PIXELS).zip(indices) {
            for (x, &level) in sample.iter_mut().zip(self.faces.image(i)) {
                *x = scale(level);
            }
        }
        Targets::Classes(indices.iter().map(|&i| usize::from(self.faces.label(i))).collect())
    }
}
