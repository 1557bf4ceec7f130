//! From faces to batches: the run's [`Transform`], and with augmentation the random part in training and the
//! standardisation in training and evaluation.

use std::path::Path;

use nn_core::Shape;
use nn_core::train::Dataset;

use crate::augment::{AugmentError, Fitted, Flow, ImageShape, Standardizer};
use crate::data::Faces;
use crate::samples::Samples;
use crate::transform::Transform;

/// How the faces of a run become batches.
#[derive(Debug)]
pub struct Pipeline {
    transform: Transform,
    shape: Shape,
    standardizer: Option<Standardizer>,
}

impl Pipeline {
    /// The pipeline of a run that begins: statistics come from its training faces. `shape` is that of the network's
    /// input.
    ///
    /// # Errors
    /// If an argument of the augmentation is out of range, or the faces are too few for its statistics.
    pub fn fit(transform: &Transform, shape: &Shape, train: &Faces) -> Result<Self, AugmentError> {
        let samples = Samples::new(train, shape, transform);
        let fitted = match &transform.augmentation {
            Some(generator) if generator.needs_fit() => generator.fit(&samples)?,
            _ => Fitted::default(),
        };
        Self::new(transform, shape, fitted)
    }

    /// The pipeline of a run that left its statistics in the file `path`, if it has any.
    ///
    /// # Errors
    /// If they cannot be read or are of other images.
    pub fn load(transform: &Transform, shape: &Shape, path: &Path) -> Result<Self, AugmentError> {
        let fitted = if transform.needs_fit() { Fitted::load(path)? } else { Fitted::default() };
        Self::new(transform, shape, fitted)
    }

    fn new(transform: &Transform, shape: &Shape, fitted: Fitted) -> Result<Self, AugmentError> {
        let standardizer = transform.augmentation.as_ref();
        let standardizer =
            standardizer.map(|generator| generator.standardizer(image_shape(shape), fitted)).transpose()?;
        Ok(Self { transform: transform.clone(), shape: shape.clone(), standardizer })
    }

    /// The statistics of the training faces, where there are any.
    pub fn fitted(&self) -> Option<&Fitted> {
        self.standardizer.as_ref().map(Standardizer::fitted)
    }

    /// The faces as samples, neither varied nor standardised.
    pub fn samples<'a>(&'a self, faces: &'a Faces) -> Samples<'a> {
        Samples::new(faces, &self.shape, &self.transform)
    }

    /// Samples as training sees them: varied, with `seed`, and standardised.
    ///
    /// # Errors
    /// If an argument of the augmentation is out of range.
    pub fn training<'a>(
        &'a self,
        samples: &'a Samples<'a>,
        seed: u64,
    ) -> Result<Box<dyn Dataset<f32> + 'a>, AugmentError> {
        Ok(match (&self.transform.augmentation, &self.standardizer) {
            (Some(generator), Some(standardizer)) => {
                let flow = generator.flow(samples, standardizer, seed)?;
                Box::new(flow.with_sample_shape(&self.shape))
            }
            _ => Box::new(samples.clone()),
        })
    }

    /// Samples as evaluation sees them: standardised as in training, unless the run asks for raw ones.
    ///
    /// # Errors
    /// If the statistics are of other images.
    pub fn evaluation<'a>(
        &'a self,
        samples: &'a Samples<'a>,
    ) -> Result<Box<dyn Dataset<f32> + 'a>, AugmentError> {
        Ok(match &self.standardizer {
            Some(standardizer) if !self.transform.raw_test => {
                Box::new(Flow::evaluation(samples, standardizer)?.with_sample_shape(&self.shape))
            }
            _ => Box::new(samples.clone()),
        })
    }
}

/// The shape of the image that an input is, also of a flat one.
pub(crate) fn image_shape(input: &[usize]) -> ImageShape {
    match *input {
        [height, width, channels] => ImageShape::new(height, width, channels),
        _ => crate::augment::FACE,
    }
}
