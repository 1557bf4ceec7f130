//! Faces as the networks see them.

use nn_core::Shape;
use nn_core::model::Network;
use nn_core::train::{Dataset, Targets};
use rayon::prelude::*;
use thiserror::Error;

use crate::augment::{ImageShape, LabelledImages};
use crate::data::{EMOTIONS, Faces, PIXELS};
use crate::pipeline::image_shape;
use crate::transform::Transform;

/// A split as a data set for training: faces are transformed when a batch is asked for, so that they stay in memory as
/// bytes.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    faces: &'a Faces,
    shape: Shape,
    transform: &'a Transform,
}

impl<'a> Samples<'a> {
    /// The faces as samples of `shape`: see [`Transform`].
    pub fn new(faces: &'a Faces, shape: &Shape, transform: &'a Transform) -> Self {
        // A network that takes something else is refused by its own check of the shape.
        let shape = if Transform::fits(shape) { shape.clone() } else { Shape::new([PIXELS]) };
        Self { faces, shape, transform }
    }
}

/// A network whose outputs are not the classes of the faces.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "network {name:?} has {outputs}, the data has {classes} classes: end it with a Dense layer of {classes} units",
    classes = EMOTIONS.len()
)]
pub struct WrongOutputs {
    /// The network's name; a long one is cut.
    pub name: String,
    /// How many outputs it has, in words.
    pub outputs: String,
}

/// Whether a network has one output for each emotion.
///
/// # Errors
/// If it has more, fewer, or an image of them.
pub fn check_outputs(network: &Network<f32>) -> Result<(), WrongOutputs> {
    let outputs = match network.output_shape()[..] {
        [count] if count == EMOTIONS.len() => return Ok(()),
        [1] => "1 output".into(),
        [count] => format!("{count} outputs"),
        ref shape => format!("outputs of shape {shape:?}"),
    };
    Err(WrongOutputs { name: network.name().chars().take(40).collect(), outputs })
}

/// The labels of faces as targets.
pub fn targets(faces: &Faces) -> Targets<f32> {
    Targets::Classes(faces.labels().iter().map(|&label| usize::from(label)).collect())
}

/// Scaled images, which augmentation varies and standardises.
impl LabelledImages for Samples<'_> {
    fn count(&self) -> usize {
        self.faces.len()
    }

    fn shape(&self) -> ImageShape {
        image_shape(&self.shape)
    }

    fn classes(&self) -> usize {
        EMOTIONS.len()
    }

    fn class(&self, i: usize) -> usize {
        self.faces.label(i).into()
    }

    fn read(&self, i: usize, image: &mut [f32]) {
        self.transform.apply(self.faces.image(i), &self.shape, image);
    }
}

impl Dataset<f32> for Samples<'_> {
    fn len(&self) -> usize {
        self.faces.len()
    }

    fn sample_shape(&self) -> Shape {
        self.shape.clone()
    }

    fn check_targets(&self, output: &Shape) -> Result<(), String> {
        targets(self.faces).check(output)
    }

    fn batch(&self, _epoch: u64, indices: &[usize], x: &mut [f32]) -> Targets<f32> {
        x.par_chunks_exact_mut(self.shape.elements()).zip(indices).for_each(|(sample, &i)| {
            self.transform.apply(self.faces.image(i), &self.shape, sample);
        });
        Targets::Classes(indices.iter().map(|&i| usize::from(self.faces.label(i))).collect())
    }
}
