//! Changes of one image in place, given their parameters.

use super::{ImageShape, Rectangle};

/// Mirrors left to right.
pub(super) fn flip_horizontal(image: &mut [f32], shape: ImageShape) {
    for row in image.chunks_exact_mut(shape.width * shape.channels) {
        row.reverse();
        if shape.channels > 1 {
            row.chunks_exact_mut(shape.channels).for_each(<[f32]>::reverse);
        }
    }
}

/// Mirrors top to bottom.
pub(super) fn flip_vertical(image: &mut [f32], shape: ImageShape) {
    let row = shape.width * shape.channels;
    let (upper, lower) = image.split_at_mut(shape.height / 2 * row);
    for (above, below) in upper.chunks_exact_mut(row).zip(lower.chunks_exact_mut(row).rev()) {
        above.swap_with_slice(below);
    }
}

/// Adds `intensity` to every value and cuts to the smallest and largest value that the image had.
pub(super) fn shift_channels(image: &mut [f32], intensity: f32) {
    let (smallest, largest) = bounds(image);
    for value in image {
        *value = (*value + intensity).max(smallest).min(largest);
    }
}

/// Multiplies brightness as Keras does with Pillow: on whole grey levels 0 to 255, fractions cut off. An image with
/// values outside of that range is stretched over it for the purpose.
pub(super) fn multiply_brightness(image: &mut [f32], factor: f32) {
    let (smallest, largest) = bounds(image);
    let stretch = smallest < 0.0 || largest > 255.0;
    let size = if largest > smallest { largest - smallest } else { 1.0 };
    for value in image {
        let level = if stretch { (*value - smallest) / size * 255.0 } else { *value };
        // `as u8` cuts fractions off and keeps within 0 and 255.
        let level = f32::from((factor * f32::from(level as u8)) as u8);
        *value = if stretch { level / 255.0 * (largest - smallest) + smallest } else { level };
    }
}

/// Multiplies the distance of every value from the image's mean.
pub(super) fn multiply_contrast(image: &mut [f32], factor: f32) {
    let mean = mean(image);
    for value in image {
        *value = mean + factor * (*value - mean);
    }
}

/// Paints a rectangle in the colour `fill`, or else in the image's mean.
pub(super) fn erase(image: &mut [f32], shape: ImageShape, area: Rectangle, fill: Option<f32>) {
    let fill = fill.unwrap_or_else(|| mean(image));
    area.rows(shape).for_each(|row| image[row].fill(fill));
}

fn bounds(image: &[f32]) -> (f32, f32) {
    image.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)))
}

/// The mean of all values, summed in `f64`.
pub(super) fn mean(image: &[f32]) -> f32 {
    (image.iter().map(|&value| f64::from(value)).sum::<f64>() / image.len() as f64) as f32
}
