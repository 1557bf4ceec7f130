use nn_core::Shape;
use nn_core::kernels::parallel::for_each_chunk;
use nn_core::train::{Dataset, Targets};

use super::{AugmentError, ImageDataGenerator, ImageShape, LabelledImages, Mix, Standardizer};

/// Images that one thread prepares at a time.
const IMAGES_PER_CHUNK: usize = 8;

/// Images as a data set: transformed at random and standardised for training, or only standardised for evaluation.
///
/// What becomes of an image depends on the seed, the epoch and its number alone; with mixing also on its partner,
/// which depends on nothing else either. Images are computed when a batch is asked for, in parallel.
#[derive(Clone)]
pub struct Flow<'a> {
    images: &'a dyn LabelledImages,
    standardizer: &'a Standardizer,
    random: Option<(ImageDataGenerator, u64)>,
    shape: Shape,
}

impl ImageDataGenerator {
    /// The images as training sees them: transformed at random with `seed`, standardised, and mixed if that is asked for.
    ///
    /// # Errors
    /// As [`Flow::evaluation`], and if an argument is out of range.
    pub fn flow<'a>(
        &self,
        images: &'a dyn LabelledImages,
        standardizer: &'a Standardizer,
        seed: u64,
    ) -> Result<Flow<'a>, AugmentError> {
        self.check()?;
        Ok(Flow { random: Some((self.clone(), seed)), ..Flow::evaluation(images, standardizer)? })
    }
}

impl<'a> Flow<'a> {
    /// The images as evaluation sees them.
    ///
    /// # Errors
    /// If the standardiser is for images of another shape.
    pub fn evaluation(
        images: &'a dyn LabelledImages,
        standardizer: &'a Standardizer,
    ) -> Result<Self, AugmentError> {
        let shape = images.shape();
        if standardizer.shape() != shape {
            let got = standardizer.shape().elements();
            return Err(AugmentError::OtherImages { statistic: "standardiser", got, shape });
        }
        let ImageShape { height, width, channels } = shape;
        Ok(Self { images, standardizer, random: None, shape: Shape::new([height, width, channels]) })
    }

    /// The same values as samples of another shape, such as the flat image. A shape of another number of values is not
    /// taken.
    pub fn with_sample_shape(self, shape: &Shape) -> Self {
        let fits = shape.elements() == self.shape.elements();
        Self { shape: if fits { shape.clone() } else { self.shape }, ..self }
    }

    /// Writes the images at `indices`, transformed and standardised but not mixed.
    fn prepare(&self, epoch: u64, indices: &[usize], x: &mut [f32]) {
        let shape = self.images.shape();
        let len = shape.elements();
        for_each_chunk(x, IMAGES_PER_CHUNK * len, |chunk, x| {
            let mut plain = vec![0.0; len];
            for (image, &index) in x.chunks_exact_mut(len).zip(&indices[chunk * IMAGES_PER_CHUNK..]) {
                match &self.random {
                    Some((generator, seed)) => {
                        self.images.read(index, &mut plain);
                        generator.random_transform(&plain, shape, (*seed, epoch, index), image);
                    }
                    None => self.images.read(index, image),
                }
                self.standardizer.normalize(image);
            }
        });
        self.standardizer.whiten(x);
    }

    /// How each of the images is mixed with another one; `None` if they are not.
    fn mixes(&self, epoch: u64, indices: &[usize]) -> Option<Vec<Mix>> {
        let (generator, seed) = self.random.as_ref()?;
        let (shape, count) = (self.images.shape(), self.images.count());
        indices.iter().map(|&i| generator.get_random_mix(shape, count, (*seed, epoch, i))).collect()
    }
}

impl Dataset<f32> for Flow<'_> {
    fn len(&self) -> usize {
        self.images.count()
    }

    fn sample_shape(&self) -> Shape {
        self.shape.clone()
    }

    fn check_targets(&self, output: &Shape) -> Result<(), String> {
        let classes: Vec<usize> = (0..self.len()).map(|i| self.images.class(i)).collect();
        Targets::<f32>::Classes(classes).check(output)?;
        if self.random.as_ref().is_some_and(|(generator, _)| generator.mixes()) {
            Targets::<f32>::Values { width: self.images.classes(), rows: Vec::new() }.check(output)?;
        }
        Ok(())
    }

    fn batch(&self, epoch: u64, indices: &[usize], x: &mut [f32]) -> Targets<f32> {
        self.prepare(epoch, indices, x);
        let Some(mixes) = self.mixes(epoch, indices).filter(|mixes| !mixes.is_empty()) else {
            return Targets::Classes(indices.iter().map(|&i| self.images.class(i)).collect());
        };
        let partners: Vec<usize> = mixes.iter().map(|mix| mix.partner).collect();
        let mut others = vec![0.0; x.len()];
        self.prepare(epoch, &partners, &mut others);
        let (shape, width) = (self.images.shape(), self.images.classes());
        let len = shape.elements();
        let mut rows = vec![0.0; width * indices.len()];
        let images = x.chunks_exact_mut(len).zip(others.chunks_exact(len));
        for (i, ((image, other), row)) in images.zip(rows.chunks_exact_mut(width)).enumerate() {
            mixes[i].apply(image, other, shape);
            mixes[i].label(self.images.class(indices[i]), self.images.class(partners[i]), row);
        }
        Targets::Values { width, rows }
    }
}
