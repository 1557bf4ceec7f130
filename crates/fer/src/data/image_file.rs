//! Reads a photograph as a face: any PNG or JPEG to 48x48 grey pixels.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits, LumaA};

use super::SIDE;

/// Longest side of an image that is decoded, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// Most memory that decoding may take, in bytes.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageFileError {
    /// The operating system refused.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A folder, a pipe or a device.
    #[error("{}: is not a regular file; expected a PNG or JPEG image", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Not an image, a damaged one, or one beyond [`MAX_SIDE`] or [`MAX_BYTES`].
    #[error(
        "{}: cannot be decoded; expected a PNG or JPEG image of at most {MAX_SIDE} pixels a side and {} MiB",
        path.display(),
        MAX_BYTES >> 20
    )]
    Decode {
        /// The file.
        path: PathBuf,
        /// The decoder's reason.
        source: image::ImageError,
    },
}

/// The 48x48 grey pixels of the image at `path`, row by row.
///
/// In this order: turned upright as its EXIF data say; colour to luma (Rec. 709 weights); transparent
/// parts laid over white; the centred square cut out, so that nothing is squeezed; scaled with a triangle
/// filter that widens when shrinking, so that each pixel is a weighted mean over the area it covers.
///
/// # Errors
/// If the file cannot be read, is no PNG or JPEG, or is too large to decode safely.
pub fn read(path: &Path) -> Result<Vec<u8>, ImageFileError> {
    let read_failed = |source| ImageFileError::Read { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(read_failed)?.is_file() {
        return Err(ImageFileError::NotAFile { path: path.to_owned() });
    }
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(read_failed)?;
    let decode_failed = |source| ImageFileError::Decode { path: path.to_owned(), source };
    let image = decode(reader).map_err(decode_failed)?;
    Ok(to_face(image).into_raw())
}

fn decode(mut reader: ImageReader<io::BufReader<fs::File>>) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The centred square of an image as a 48x48 grey picture.
fn to_face(image: DynamicImage) -> GrayImage {
    let side = image.width().min(image.height());
    let square = image.crop_imm((image.width() - side) / 2, (image.height() - side) / 2, side, side);
    let grey = match square.color().has_alpha() {
        true => over_white(&square),
        false => square.into_luma8(),
    };
    imageops::resize(&grey, SIDE as u32, SIDE as u32, FilterType::Triangle)
}

fn over_white(image: &DynamicImage) -> GrayImage {
    let grey = image.to_luma_alpha8();
    GrayImage::from_fn(grey.width(), grey.height(), |x, y| {
        let LumaA([luma, alpha]) = *grey.get_pixel(x, y);
        let (luma, alpha) = (u32::from(luma), u32::from(alpha));
        image::Luma([((luma * alpha + 255 * (255 - alpha) + 127) / 255) as u8])
    })
}
