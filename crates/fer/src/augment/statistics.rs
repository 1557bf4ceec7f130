//! What standardising takes from the training images.

use std::path::Path;

use ndarray::Array2;
use nn_core::files::{read, write_atomically};
use nn_core::quoted::{list, quoted};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{AugmentError, ImageDataGenerator, ImageShape, LabelledImages, zca};

const MEAN: &str = "mean";
const STD: &str = "std";
const WHITENING: &str = "zca_whitening";

/// Statistics of the training images; those that a configuration does not use are absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fitted {
    /// Mean of each channel.
    pub mean: Option<Vec<f32>>,
    /// Population standard deviation of each channel.
    pub std: Option<Vec<f32>>,
    /// The whitening matrix `[values, values]`: whitened row = centred row · matrix. It is symmetric.
    pub whitening: Option<Array2<f32>>,
}

impl Fitted {
    /// Writes a safetensors file with the tensors `mean` and `std` `[channels]` and `zca_whitening`
    /// `[values, values]`, as far as they are there. Equal statistics give equal bytes.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), AugmentError> {
        let channels = |values: &Option<Vec<f32>>| values.as_ref().map(|v| (vec![v.len()], bytes(v)));
        let whitening = self.whitening.as_ref().map(|w| (w.shape().to_vec(), bytes(w)));
        let tensors = [(MEAN, channels(&self.mean)), (STD, channels(&self.std)), (WHITENING, whitening)];
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .filter_map(|(name, tensor)| tensor.as_ref().map(|(shape, bytes)| (name, shape, bytes)))
            .map(|(name, shape, bytes)| {
                TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (*name, view))
            })
            .collect();
        let bytes = views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|e| AugmentError::File { path: path.into(), problem: e.to_string() })?;
        write_atomically(path, &bytes).map_err(|source| AugmentError::Io { path: path.into(), source })
    }

    /// Reads what [`save`](Self::save) has written.
    ///
    /// # Errors
    /// If the file cannot be read, is not a safetensors file, or has other tensors, types, shapes or a value that is
    /// not finite.
    pub fn load(path: &Path) -> Result<Self, AugmentError> {
        /// The whitening matrix of images of 10,000 values has 400 MB.
        const MOST: u64 = 1 << 30;
        let file = |problem: String| AugmentError::File { path: path.into(), problem };
        let bytes = read(path, MOST)?;
        let mut fitted = Self::default();
        let mut tensors = SafeTensors::deserialize(&bytes).map_err(|e| file(e.to_string()))?.tensors();
        // Of several faults the same one is told each time.
        tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, view) in tensors {
            let bad = |problem: &str| file(format!("tensor {}: {problem}", quoted(&name)));
            if view.dtype() != Dtype::F32 {
                return Err(bad("expected values of type F32"));
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            if values.iter().any(|value| !value.is_finite()) {
                return Err(bad("has a value that is not finite"));
            }
            match (name.as_str(), view.shape()) {
                (MEAN, [_]) => fitted.mean = Some(values),
                (STD, [_]) if values.iter().all(|&value| value >= 0.0) => fitted.std = Some(values),
                (WHITENING, &[n, m]) if n == m => {
                    fitted.whitening = Array2::from_shape_vec((n, n), values).ok();
                }
                (MEAN | STD | WHITENING, shape) => {
                    return Err(bad(&format!("cannot have the shape {}", list(shape))));
                }
                _ => return Err(bad("is no statistic of images")),
            }
        }
        Ok(fitted)
    }
}

fn bytes<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    values.into_iter().flat_map(|value| value.to_le_bytes()).collect()
}

impl ImageDataGenerator {
    /// Computes the statistics that standardising needs, from the rescaled images as they are; nothing, if it needs
    /// none.
    ///
    /// The mean and the standard deviation are those of Keras: one number per channel, over all images and places. They
    /// do not depend on classes, and one image is enough for them.
    /// With fewer images than values per image, or values that never change, whitening is confined to what the images
    /// span. Cost of whitening, with `n` images of `d` values: about `n·d²` FLOPs in `f64`, and the
    /// eigenvectors of a matrix of order `min(n, d)`.
    ///
    /// # Errors
    /// If an argument is out of range, there are no images, a pixel is not finite, or all pixels of a channel are equal
    /// where there should be something to divide by.
    pub fn fit(&self, images: &dyn LabelledImages) -> Result<Fitted, AugmentError> {
        self.fit_to(&Source { images, generator: self, seed: None })
    }

    /// [`fit`](Self::fit) to the images as training sees them in the epochs from 0 to `rounds - 1`, without mixing.
    ///
    /// # Errors
    /// As `fit`; no rounds are no images.
    pub fn fit_augmented(
        &self,
        images: &dyn LabelledImages,
        rounds: usize,
        seed: u64,
    ) -> Result<Fitted, AugmentError> {
        self.fit_to(&Source { images, generator: self, seed: Some((seed, rounds)) })
    }

    fn fit_to(&self, source: &Source) -> Result<Fitted, AugmentError> {
        self.check()?;
        let mut fitted = Fitted::default();
        if !self.needs_fit() {
            return Ok(fitted);
        }
        let shape = source.images.shape();
        if source.count() * shape.elements() == 0 {
            return Err(AugmentError::NoImages);
        }
        let (mean, std) = moments(source, self.normalizes_features() || self.zca_whitening)?;
        let mean: Vec<f32> = mean.iter().map(|&mean| mean as f32).collect();
        if self.zca_whitening {
            let centred = |i, row: &mut [f64]| {
                let image = source.image(i);
                for (j, (to, from)) in row.iter_mut().zip(image).enumerate() {
                    *to = f64::from(from) - f64::from(mean[j % shape.channels]);
                }
            };
            let len = shape.elements();
            fitted.whitening = Some(zca::whitening_matrix(source.count(), len, self.zca_epsilon, &centred)?);
        }
        if self.normalizes_features() {
            fitted.std = Some(std.iter().map(|&std| std as f32).collect());
        }
        fitted.mean = Some(mean);
        Ok(fitted)
    }
}

/// The images to fit to, rescaled, each as it is or as `rounds` epochs show it.
struct Source<'a> {
    images: &'a dyn LabelledImages,
    generator: &'a ImageDataGenerator,
    seed: Option<(u64, usize)>,
}

impl Source<'_> {
    fn count(&self) -> usize {
        self.images.count() * self.seed.map_or(1, |(_, rounds)| rounds)
    }

    fn image(&self, i: usize) -> Vec<f32> {
        let (shape, index) = (self.images.shape(), i % self.images.count());
        let mut image = vec![0.0; shape.elements()];
        self.images.read(index, &mut image);
        if let Some((seed, _)) = self.seed {
            let epoch = (i / self.images.count()) as u64;
            let plain = image.clone();
            self.generator.random_transform(&plain, shape, (seed, epoch, index), &mut image);
        }
        self.generator.rescale(&mut image);
        image
    }
}

/// Mean and population standard deviation of each channel, in `f64`.
fn moments(source: &Source, must_vary: bool) -> Result<(Vec<f64>, Vec<f64>), AugmentError> {
    let ImageShape { channels, .. } = source.images.shape();
    let (mut mean, mut variance) = (vec![0.0; channels], vec![0.0; channels]);
    let first = source.image(0);
    let mut varies = vec![false; channels];
    for i in 0..source.count() {
        for (j, value) in source.image(i).into_iter().enumerate() {
            if !value.is_finite() {
                return Err(AugmentError::NotFinite { image: i, value });
            }
            mean[j % channels] += f64::from(value);
            varies[j % channels] |= value != first[j % channels];
        }
    }
    if let Some(channel) = varies.iter().position(|&varies| must_vary && !varies) {
        return Err(AugmentError::Constant { channel, value: first[channel] });
    }
    let per_channel = (source.count() * first.len() / channels) as f64;
    mean.iter_mut().for_each(|sum| *sum /= per_channel);
    for i in 0..source.count() {
        for (j, value) in source.image(i).into_iter().enumerate() {
            variance[j % channels] += (f64::from(value) - mean[j % channels]).powi(2);
        }
    }
    Ok((mean, variance.into_iter().map(|sum| (sum / per_channel).sqrt()).collect()))
}
