//! A labelled sheet of faces: one row per emotion, its name beside them.

use font8x8::UnicodeFonts;
use image::imageops::{self, FilterType};
use image::{GrayImage, Luma};
use nn_core::rng::{Purpose, Stream};

use super::{EMOTIONS, Faces, SIDE};

/// Side of a face on the sheet: three times its own.
const FACE: u32 = 3 * SIDE as u32;
const GAP: u32 = 10;
const MARGIN: u32 = 20;
/// Room for the longest name, "Surprise", at twice the size of the font.
const NAMES: u32 = 8 * GLYPH * 2 + MARGIN;
/// Side of a character of the font.
pub(crate) const GLYPH: u32 = 8;

pub(crate) const PAPER: Luma<u8> = Luma([255]);
pub(crate) const INK: Luma<u8> = Luma([30]);
const FAINT: Luma<u8> = Luma([130]);

/// Draws `per_class` random faces of each emotion, with its name and its number of faces.
///
/// An emotion with fewer faces shows those it has. The sheet is `7 x per_class` faces of 144x144 pixels on
/// white; the choice depends on `seed` only.
pub fn sheet(faces: &Faces, per_class: usize, seed: u64) -> GrayImage {
    let columns = per_class as u32;
    let width = 2 * MARGIN + NAMES + columns * (FACE + GAP) - GAP;
    let height = 2 * MARGIN + EMOTIONS.len() as u32 * (FACE + GAP) - GAP;
    let mut sheet = GrayImage::from_pixel(width, height, PAPER);
    for (label, name) in EMOTIONS.into_iter().enumerate() {
        let top = MARGIN + label as u32 * (FACE + GAP);
        let middle = top + FACE / 2;
        let members = faces.of_class(label as u8);
        write(&mut sheet, MARGIN, middle - 2 * GLYPH, 2, INK, name);
        write(&mut sheet, MARGIN, middle + GLYPH, 1, FAINT, &format!("{} faces", members.len()));

        let mut random = Stream::new(seed, Purpose::Preview, label as u64, 0);
        for (column, i) in random.choose(&members, per_class).into_iter().enumerate() {
            let left = MARGIN + NAMES + column as u32 * (FACE + GAP);
            imageops::replace(&mut sheet, &enlarge(faces.image(i)), left.into(), top.into());
        }
    }
    sheet
}

/// A face at three times its size.
fn enlarge(image: &[u8]) -> GrayImage {
    let side = SIDE as u32;
    let face = GrayImage::from_fn(side, side, |x, y| Luma([image[(y * side + x) as usize]]));
    imageops::resize(&face, FACE, FACE, FilterType::CatmullRom)
}

/// Writes ASCII `text` with its top left corner at (x, y); each dot of the font is `size` pixels wide.
pub(crate) fn write(sheet: &mut GrayImage, x: u32, y: u32, size: u32, ink: Luma<u8>, text: &str) {
    for (place, character) in (0..).zip(text.chars()) {
        let glyph = font8x8::BASIC_FONTS.get(character).unwrap_or_default();
        let left = x + place * GLYPH * size;
        for dot in 0..GLYPH * GLYPH * size * size {
            let (column, row) = (dot % (GLYPH * size), dot / (GLYPH * size));
            if glyph[(row / size) as usize] >> (column / size) & 1 == 1 {
                sheet.put_pixel(left + column, y + row, ink);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{PIXELS, Split, synthetic};

    #[test]
    fn every_row_has_a_name_and_its_faces() {
        let faces = synthetic::faces(Split::Train, 70, 0);
        let sheet = sheet(&faces, 2, 0);
        assert_eq!(sheet.dimensions(), (2 * 20 + 148 + 2 * 154 - 10, 2 * 20 + 7 * 154 - 10));
        for row in 0..7 {
            let top = MARGIN + row * (FACE + GAP);
            let inked = |left: u32, right: u32| {
                let pixels = (top..top + FACE).flat_map(|y| (left..right).map(move |x| (x, y)));
                pixels.filter(|&(x, y)| sheet.get_pixel(x, y) != &PAPER).count()
            };
            let name = (top..top + FACE).flat_map(|y| (MARGIN..MARGIN + NAMES).map(move |x| (x, y)));
            let name = name.filter(|&(x, y)| sheet.get_pixel(x, y) == &INK).count();
            assert!(name > 250, "row {row} has no name: {name} dots");
            assert!(inked(MARGIN, MARGIN + NAMES) > name + 50, "row {row} has no number of faces");
            let first = MARGIN + NAMES;
            assert!(inked(first, first + FACE) > FACE as usize * 100, "row {row} has no first face");
            assert!(inked(first + FACE + GAP, first + 2 * FACE + GAP) > FACE as usize * 100);
        }
    }

    #[test]
    fn the_choice_depends_on_the_seed() {
        let faces = synthetic::faces(Split::Train, 70, 0);
        assert_eq!(sheet(&faces, 1, 4), sheet(&faces, 1, 4));
        assert_ne!(sheet(&faces, 1, 4), sheet(&faces, 1, 5));
    }

    #[test]
    fn missing_faces_leave_white() {
        let mut one = Faces::new();
        one.push(&[0; PIXELS], 0);
        let sheet = sheet(&one, 2, 0);
        let black = sheet.pixels().filter(|pixel| pixel.0[0] == 0).count();
        assert_eq!(black, (FACE * FACE) as usize);
    }
}
