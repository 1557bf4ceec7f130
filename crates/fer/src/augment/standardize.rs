use ndarray::{ArrayView2, ArrayViewMut2};
use nn_core::kernels::gemm::{Update, gemm};
use nn_core::kernels::parallel::for_each_chunk;

use super::error::require;
use super::pixels::mean;
use super::{AugmentError, Fitted, ImageDataGenerator, ImageShape, Preprocessing};

/// The means of ImageNet's channels blue, green and red.
pub(crate) const IMAGENET_MEANS: [f32; 3] = [103.939, 116.779, 123.68];

/// Keras's guard against division by zero.
const TINY: f32 = 1e-6;

/// The part of an [`ImageDataGenerator`] that is not random, with its statistics: training and evaluation apply it
/// alike.
#[derive(Debug, Clone)]
pub struct Standardizer {
    generator: ImageDataGenerator,
    fitted: Fitted,
    shape: ImageShape,
}

impl ImageDataGenerator {
    /// The deterministic part, for images of `shape`.
    ///
    /// # Errors
    /// If an argument is out of range, or a statistic that is needed is missing or of images of another shape.
    pub fn standardizer(&self, shape: ImageShape, fitted: Fitted) -> Result<Standardizer, AugmentError> {
        self.check()?;
        require(shape.elements() > 0, "shape", shape, "at least one pixel")?;
        let function = match self.preprocessing_function {
            Some(Preprocessing::Caffe) if shape.channels != 3 => "caffe",
            Some(Preprocessing::Torch) if shape.channels != 3 => "torch",
            _ => "",
        };
        let expected = "tf, or images of three channels";
        require(function.is_empty(), "preprocessing_function", function, expected)?;
        let check = |needed, argument, statistic, got: Option<usize>, expected| match got {
            None if needed => Err(AugmentError::NotFitted { argument, statistic }),
            Some(got) if needed && got != expected => {
                Err(AugmentError::OtherImages { statistic, got, shape })
            }
            _ => Ok(()),
        };
        let (mean, std) = (fitted.mean.as_ref().map(Vec::len), fitted.std.as_ref().map(Vec::len));
        let whitening = fitted.whitening.as_ref().map(|matrix| matrix.nrows());
        check(self.zca_whitening, "zca_whitening", "whitening matrix", whitening, shape.elements())?;
        check(self.centers_features(), "featurewise_center", "mean", mean, shape.channels)?;
        let argument = "featurewise_std_normalization";
        check(self.normalizes_features(), argument, "standard deviation", std, shape.channels)?;
        Ok(Standardizer { generator: self.clone(), fitted, shape })
    }

    /// `value·rescale + offset`.
    pub(super) fn rescale(&self, image: &mut [f32]) {
        let (factor, offset) = (self.rescale.unwrap_or(1.0) as f32, self.offset as f32);
        if (factor, offset) != (1.0, 0.0) {
            image.iter_mut().for_each(|value| *value = *value * factor + offset);
        }
    }
}

impl Preprocessing {
    /// Changes the values of an image, of three channels for all but `Tf`.
    fn apply(self, image: &mut [f32]) {
        const DEVIATIONS: [f32; 3] = [0.229, 0.224, 0.225];
        match self {
            Self::Tf => image.iter_mut().for_each(|value| *value = *value / 127.5 - 1.0),
            Self::Caffe => image.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| {
                pixel.reverse();
                pixel.iter_mut().zip(IMAGENET_MEANS).for_each(|(value, mean)| *value -= mean);
            }),
            Self::Torch => image.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| {
                let statistics = [0.485, 0.456, 0.406].into_iter().zip(DEVIATIONS);
                pixel.iter_mut().zip(statistics).for_each(|(value, (mean, deviation))| {
                    *value = (*value / 255.0 - mean) / deviation;
                });
            }),
        }
    }
}

impl Standardizer {
    /// Shape of the images.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The statistics in use.
    pub fn fitted(&self) -> &Fitted {
        &self.fitted
    }

    /// Standardises images that lie one after the other, in Keras's order: rescale, samplewise, featurewise, whiten.
    ///
    /// What becomes of an image does not depend on the others, nor on the number of threads.
    ///
    /// # Panics
    /// If `images` is not a whole number of images.
    pub fn standardize(&self, images: &mut [f32]) {
        let len = self.shape.elements();
        assert_eq!(images.len() % len, 0, "values of images of {}", self.shape);
        for_each_chunk(images, len, |_, image| self.normalize(image));
        self.whiten(images);
    }

    /// All but whitening, of one image.
    pub(super) fn normalize(&self, image: &mut [f32]) {
        let generator = &self.generator;
        if let Some(function) = generator.preprocessing_function {
            function.apply(image);
        }
        generator.rescale(image);
        if generator.samplewise_center || generator.samplewise_std_normalization {
            let mean = mean(image);
            image.iter_mut().for_each(|value| *value -= mean);
        }
        if generator.samplewise_std_normalization {
            let squares: f64 = image.iter().map(|&value| f64::from(value).powi(2)).sum();
            let std = (squares / image.len() as f64).sqrt() as f32 + TINY;
            image.iter_mut().for_each(|value| *value /= std);
        }
        let channels = self.shape.channels;
        if let Some(mean) = self.fitted.mean.as_ref().filter(|_| generator.centers_features()) {
            for pixel in image.chunks_exact_mut(channels) {
                pixel.iter_mut().zip(mean).for_each(|(value, mean)| *value -= mean);
            }
        }
        if let Some(std) = self.fitted.std.as_ref().filter(|_| generator.normalizes_features()) {
            for pixel in image.chunks_exact_mut(channels) {
                pixel.iter_mut().zip(std).for_each(|(value, std)| *value /= std + TINY);
            }
        }
    }

    pub(super) fn whiten(&self, images: &mut [f32]) {
        let Some(matrix) = self.fitted.whitening.as_ref().filter(|_| self.generator.zca_whitening) else {
            return;
        };
        let shape = (images.len() / matrix.nrows(), matrix.nrows());
        let centred = images.to_vec();
        let rows = ArrayView2::from_shape(shape, &centred).expect("whole images");
        let whitened = ArrayViewMut2::from_shape(shape, images).expect("whole images");
        // whitened [n, d] = centred [n, d] · matrix [d, d]
        gemm(rows, matrix.view(), whitened, Update::Assign);
    }
}
