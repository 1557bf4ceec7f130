use super::affine::Affine;
use super::{AugmentError, ImageDataGenerator, ImageShape, TransformParameters, pixels};

impl ImageDataGenerator {
    /// Writes to `out` the image transformed as given, in this order: geometry (rotation, shift, shear, zoom, crop,
    /// in one interpolation), channel shift, flips, brightness, contrast, erasing.
    ///
    /// # Errors
    /// If a parameter is not finite, the erased rectangle is not inside the image, or the image has no pixels.
    ///
    /// # Panics
    /// If `image` or `out` has not the values of one image.
    pub fn apply_transform(
        &self,
        image: &[f32],
        shape: ImageShape,
        parameters: &TransformParameters,
        out: &mut [f32],
    ) -> Result<(), AugmentError> {
        parameters.check(shape)?;
        self.apply_checked(image, shape, parameters, out);
        Ok(())
    }

    /// Writes to `out` image number `index` as it is in `epoch`, and returns what was done to it.
    ///
    /// # Panics
    /// As [`apply_transform`](Self::apply_transform).
    pub fn random_transform(
        &self,
        image: &[f32],
        shape: ImageShape,
        (seed, epoch, index): (u64, u64, usize),
        out: &mut [f32],
    ) -> TransformParameters {
        let parameters = self.get_random_transform(shape, seed, epoch, index);
        self.apply_checked(image, shape, &parameters, out);
        parameters
    }

    fn apply_checked(&self, image: &[f32], shape: ImageShape, p: &TransformParameters, out: &mut [f32]) {
        shape.check(image);
        shape.check(out);
        match Affine::new(p, shape) {
            Some(map) => map.sample(image, shape, self.fill_mode, self.cval as f32, out),
            None => out.copy_from_slice(image),
        }
        if let Some(intensity) = p.channel_shift_intensity {
            pixels::shift_channels(out, intensity as f32);
        }
        if p.flip_horizontal {
            pixels::flip_horizontal(out, shape);
        }
        if p.flip_vertical {
            pixels::flip_vertical(out, shape);
        }
        if let Some(factor) = p.brightness {
            pixels::multiply_brightness(out, factor as f32);
        }
        if let Some(factor) = p.contrast {
            pixels::multiply_contrast(out, factor as f32);
        }
        if let Some(area) = p.erase {
            let fill = self.random_erasing.as_ref().and_then(|erasing| erasing.fill);
            pixels::erase(out, shape, area, fill.map(|fill| fill as f32));
        }
    }
}
