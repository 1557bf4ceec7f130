//! A sheet that shows what augmentation makes of faces.

use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};

use super::{AugmentError, FACE, Fitted, ImageDataGenerator};
use crate::data::preview::{GLYPH, INK, PAPER, write};
use crate::data::{Faces, PIXELS, SIDE};
use crate::samples::Samples;
use crate::transform::{Scaling, Transform};
use nn_core::Shape;
use nn_core::train::Dataset;

/// Rows and columns of faces in a grid.
const GRID: usize = 3;
/// Grids side by side.
const COLUMNS: usize = 3;
/// Side of a face on the sheet: twice its own.
const SHOWN: u32 = 2 * SIDE as u32;
const GAP: u32 = 4;
const MARGIN: u32 = 20;
/// Height of a grid's title.
const TITLE: u32 = 3 * GLYPH;

/// A generator to be shown.
#[derive(Debug)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub generator: ImageDataGenerator,
    /// Statistics of the faces; computed from all of them where they are needed and not given.
    pub fitted: Option<Fitted>,
}

/// The first nine faces as they are, and as each of the generators makes them in the first epoch of a training with
/// this seed; each in a grid of 3x3 under its name.
///
/// Faces whose values a generator standardises are shown from black, their smallest value, to white, their largest.
///
/// # Errors
/// If an argument is out of range, or the faces are too few for the statistics.
pub fn grids(
    faces: &Faces,
    generators: Vec<Shown>,
    seed: u64,
) -> Result<Vec<(String, GrayImage)>, AugmentError> {
    let transform = Transform::from(Scaling::Centred);
    let samples = Samples::new(faces, &Shape::new([SIDE, SIDE, 1]), &transform);
    let first: Vec<usize> = (0..(GRID * GRID).min(faces.len())).collect();
    let mut values = vec![0.0; first.len() * PIXELS];
    samples.batch(0, &first, &mut values);
    let mut grids = vec![("original".to_owned(), levels(&values, false))];
    for Shown { name, generator, fitted } in generators {
        let fitted = match fitted {
            Some(fitted) => fitted,
            None if generator.needs_fit() => generator.fit(&samples)?,
            None => Fitted::default(),
        };
        let standardizer = generator.standardizer(FACE, fitted)?;
        generator.flow(&samples, &standardizer, seed)?.batch(0, &first, &mut values);
        let samplewise = generator.samplewise_center || generator.samplewise_std_normalization;
        let changed = generator.needs_fit() || samplewise || generator.rescale.is_some();
        grids.push((name, levels(&values, changed)));
    }
    Ok(grids.into_iter().map(|(name, levels)| (name, grid(&levels))).collect())
}

/// Side of a grid.
const SIDE_OF_GRID: u32 = GRID as u32 * (SHOWN + GAP) - GAP;

fn grid(levels: &[u8]) -> GrayImage {
    let mut grid = GrayImage::from_pixel(SIDE_OF_GRID, SIDE_OF_GRID, PAPER);
    for (i, face) in (0..).zip(levels.chunks_exact(PIXELS)) {
        let (x, y) = (i % GRID as u32 * (SHOWN + GAP), i / GRID as u32 * (SHOWN + GAP));
        imageops::replace(&mut grid, &enlarge(face), x.into(), y.into());
    }
    grid
}

/// The [`grids`] on one sheet.
///
/// # Errors
/// As [`grids`].
pub fn sheet(faces: &Faces, generators: Vec<Shown>, seed: u64) -> Result<GrayImage, AugmentError> {
    let grids = grids(faces, generators, seed)?;
    let side = SIDE_OF_GRID;
    let (columns, rows) = (COLUMNS.min(grids.len()) as u32, grids.len().div_ceil(COLUMNS) as u32);
    let (width, height) = (columns * (side + MARGIN) + MARGIN, rows * (TITLE + side + MARGIN) + MARGIN);
    let mut sheet = GrayImage::from_pixel(width, height, PAPER);
    for (place, (name, grid)) in (0..).zip(&grids) {
        let left = MARGIN + place % columns * (side + MARGIN);
        let top = MARGIN + place / columns * (TITLE + side + MARGIN);
        write(&mut sheet, left, top, 2, INK, name);
        imageops::replace(&mut sheet, grid, left.into(), (top + TITLE).into());
    }
    Ok(sheet)
}

/// Grey levels of scaled faces; each stretched from black to white where the values have no fixed range.
fn levels(values: &[f32], stretch: bool) -> Vec<u8> {
    let of_face = |face: &[f32]| {
        let smallest = face.iter().copied().fold(f32::INFINITY, f32::min);
        let largest = face.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (black, range) = if stretch { (smallest, (largest - smallest).max(1e-6)) } else { (-0.5, 1.0) };
        let level = |value: &f32| ((value - black) / range * 255.0).round() as u8;
        face.iter().map(level).collect::<Vec<u8>>()
    };
    values.chunks_exact(PIXELS).flat_map(of_face).collect()
}

fn enlarge(levels: &[u8]) -> GrayImage {
    let side = SIDE as u32;
    let face = GrayImage::from_fn(side, side, |x, y| Luma([levels[(y * side + x) as usize]]));
    imageops::resize(&face, SHOWN, SHOWN, FilterType::Nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Split, synthetic};

    #[test]
    fn a_sheet_has_the_faces_and_what_becomes_of_them() {
        let faces = synthetic::faces(Split::Train, 70, 0);
        let mirrored = ImageDataGenerator { featurewise_center: true, ..ImageDataGenerator::default() };
        let shown = |name: &str, generator| Shown { name: name.into(), generator, fitted: None };
        let shown = vec![shown("same", ImageDataGenerator::default()), shown("centred", mirrored)];
        let sheet = sheet(&faces, shown, 0).unwrap();
        let side = 3 * 96 + 2 * 4;
        assert_eq!(sheet.dimensions(), (3 * (side + 20) + 20, 24 + side + 2 * 20));
        let grid =
            |place: u32| imageops::crop_imm(&sheet, 20 + place * (side + 20), 20 + 24, side, side).to_image();
        assert_eq!(grid(0), grid(1), "a generator that changes nothing");
        assert_ne!(grid(0), grid(2), "stretched from black to white");
        let first: Vec<u8> = grid(0)
            .rows()
            .step_by(2)
            .take(48)
            .flat_map(|row| row.step_by(2).take(48).map(|p| p[0]).collect::<Vec<_>>())
            .collect();
        assert_eq!(first, faces.image(0));
    }
}
