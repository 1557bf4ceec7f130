//! Reads a photograph as a face: any PNG or JPEG to 48x48 grey pixels; or to another size, in colour.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Luma,
    LumaA, Pixel, Rgb, RgbImage, Rgba,
};
use nn_core::files::{self, ReadError};

use super::{SIDE, jpeg};

/// Longest side of an image that is decoded, in pixels.
pub const MAX_SIDE: u32 = 16_384;

/// Most memory that decoding may take, in bytes; also the longest file.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageFileError {
    /// The file cannot be read, or is none.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Neither PNG nor JPEG.
    #[error("{}: is {found}; expected a PNG or JPEG image", path.display())]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// The file is not whole.
    #[error("{}: cannot be decoded: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A damaged image, or one beyond [`MAX_SIDE`] or [`MAX_BYTES`].
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
/// A file that is cut anywhere is refused, also where a decoder would make up the rest. Bytes behind the end of the
/// image do no harm.
///
/// # Errors
/// If the file cannot be read, is no PNG or JPEG, is not whole, or is too large to decode safely.
pub fn read(path: &Path) -> Result<Vec<u8>, ImageFileError> {
    read_as(path, [SIDE, SIDE, 1])
}

/// The image at `path` with `[height, width, channels]`, values from 0 to 255 row by row: grey in one channel, or red, green
/// and blue in three. Made as [`read`] makes a face; of the image the middle is taken that has the same proportions.
///
/// # Errors
/// Those of [`read`].
///
/// # Panics
/// If there are other channels, or a side is 0 or longer than [`MAX_SIDE`].
pub fn read_as(path: &Path, size: [usize; 3]) -> Result<Vec<u8>, ImageFileError> {
    Ok(to_size(open(path)?, size))
}

/// The image at `path`, whole and upright.
fn open(path: &Path) -> Result<DynamicImage, ImageFileError> {
    let bytes = files::read(path, MAX_BYTES)?;
    let damaged = |problem: String| ImageFileError::Damaged { path: path.to_owned(), problem };
    let format = match image::guess_format(&bytes) {
        Ok(format @ ImageFormat::Jpeg) => {
            jpeg::check(&bytes).map_err(|fault| damaged(fault.to_string()))?;
            format
        }
        Ok(format @ ImageFormat::Png) if png_is_whole(&bytes) => format,
        Ok(ImageFormat::Png) => return Err(damaged("the PNG data end early; is the file complete?".into())),
        other => {
            let found = if bytes.is_empty() { "an empty file" } else { kind(other.ok()) };
            return Err(ImageFileError::OtherKind { path: path.to_owned(), found });
        }
    };
    let name = if format == ImageFormat::Png { "PNG" } else { "JPEG" };
    decode(&bytes, format).map_err(|source| match source {
        // The decoder's own words speak of its inside.
        ImageError::Decoding(_) | ImageError::Parameter(_) => damaged(format!("the {name} data are damaged")),
        ImageError::IoError(_) => damaged(format!("the {name} data end early; is the file complete?")),
        source => ImageFileError::Decode { path: path.to_owned(), source },
    })
}

/// What a file is that cannot be read, in words.
fn kind(format: Option<ImageFormat>) -> &'static str {
    match format {
        Some(ImageFormat::WebP) => "a WebP image",
        Some(ImageFormat::Gif) => "a GIF image",
        Some(ImageFormat::Bmp) => "a BMP image",
        Some(ImageFormat::Tiff) => "a TIFF image",
        Some(ImageFormat::Avif) => "an AVIF image",
        Some(_) => "an image of another format",
        None => "no image",
    }
}

/// Whether a PNG file has all its chunks, from the signature to the one that ends it.
fn png_is_whole(bytes: &[u8]) -> bool {
    /// Bytes of a chunk without its data: length, name, checksum.
    const FRAME: usize = 12;
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, behind)) = rest.split_first_chunk() {
        let end = FRAME.saturating_add(u32::from_be_bytes(*length) as usize);
        if rest.len() < end {
            return false;
        }
        if behind.starts_with(b"IEND") {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

fn decode(bytes: &[u8], format: ImageFormat) -> image::ImageResult<DynamicImage> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The middle of an image, as [`read_as`] says.
fn to_size(image: DynamicImage, size: [usize; 3]) -> Vec<u8> {
    let [height, width] = [size[0], size[1]].map(|side| {
        let side = u32::try_from(side).ok().filter(|side| (1..=MAX_SIDE).contains(side));
        side.expect("a side within the bounds")
    });
    // Without colours first: a copy of a large photograph would take as much memory again.
    match (size[2], image.color().has_alpha()) {
        (1, false) => middle(&image.into_luma8(), height, width),
        (1, true) => middle(&over_white(image), height, width),
        (3, false) => middle(&image.into_rgb8(), height, width),
        (3, true) => middle(&colours_over_white(image), height, width),
        (other, _) => panic!("images of {other} channels"),
    }
}

/// The largest part of an image around its centre with the proportions of `height` to `width`, scaled to these.
fn middle<P>(image: &ImageBuffer<P, Vec<u8>>, height: u32, width: u32) -> Vec<u8>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let (rows, columns) = (image.height(), image.width());
    // Products of two sides are below 2^32.
    let (cut_rows, cut_columns) = match columns * height > rows * width {
        true => (rows, (rows * width / height).max(1)),
        false => ((columns * height / width).max(1), columns),
    };
    let (left, top) = ((columns - cut_columns) / 2, (rows - cut_rows) / 2);
    let part = imageops::crop_imm(image, left, top, cut_columns, cut_rows).to_image();
    imageops::resize(&part, width, height, FilterType::Triangle).into_raw()
}

/// What a pixel of a value looks like on white paper.
fn on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

fn over_white(image: DynamicImage) -> GrayImage {
    let grey = image.into_luma_alpha8();
    GrayImage::from_fn(grey.width(), grey.height(), |x, y| {
        let LumaA([luma, alpha]) = *grey.get_pixel(x, y);
        Luma([on_white(luma, alpha)])
    })
}

fn colours_over_white(image: DynamicImage) -> RgbImage {
    let colours = image.into_rgba8();
    RgbImage::from_fn(colours.width(), colours.height(), |x, y| {
        let Rgba([red, green, blue, alpha]) = *colours.get_pixel(x, y);
        Rgb([red, green, blue].map(|value| on_white(value, alpha)))
    })
}
