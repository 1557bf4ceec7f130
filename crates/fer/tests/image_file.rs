//! Photographs of any size and colour become 48x48 grey faces; bad ones are refused by name.

use std::fs;
use std::path::Path;

use fer::data::image_file::read;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};

fn message(path: &Path) -> String {
    let error = read(path).expect_err("accepted");
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

#[test]
fn a_face_of_the_right_size_is_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.png");
    let face = GrayImage::from_fn(48, 48, |x, y| Luma([(5 * x + y) as u8]));
    face.save(&path).unwrap();
    assert_eq!(read(&path).unwrap(), face.into_raw());
}

#[test]
fn any_size_and_colour_type() {
    let folder = tempfile::tempdir().unwrap();
    let red = RgbImage::from_pixel(200, 131, Rgb([255, 0, 0]));
    let images = [
        ("rgb8.png", DynamicImage::from(red.clone())),
        ("rgb16.png", DynamicImage::from(red.clone()).into_rgb16().into()),
        ("rgba8.png", DynamicImage::from(red.clone()).into_rgba8().into()),
        ("luma16.png", DynamicImage::from(red.clone()).into_luma16().into()),
        ("small.png", RgbImage::from_pixel(3, 5, Rgb([255, 0, 0])).into()),
        ("photo.jpg", red.into()),
    ];
    for (name, image) in images {
        let path = folder.path().join(name);
        image.save(&path).unwrap();
        let pixels = read(&path).unwrap();
        assert_eq!(pixels.len(), 2304);
        // Rec. 709: red has 0.2126 of the luma of white.
        assert!(pixels.iter().all(|pixel| pixel.abs_diff(54) <= 1), "{name}: {:?}", &pixels[..5]);
    }
}

#[test]
fn the_centre_is_cut_out_and_the_mean_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.png");
    // A white square in the middle of a black band; inside it, a fine chequerboard.
    let wide = GrayImage::from_fn(480, 96, |x, y| {
        let inside = (192..288).contains(&x);
        Luma([if inside { 255 * ((x + y) % 2) as u8 } else { 10 }])
    });
    wide.save(&path).unwrap();
    let pixels = read(&path).unwrap();
    let inner = (0..2304).filter(|i| (4..44).contains(&(i % 48)) && (4..44).contains(&(i / 48)));
    assert!(inner.map(|i| pixels[i]).all(|pixel| (120..=135).contains(&pixel)));
}

#[test]
fn transparency_becomes_white() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clear.png");
    RgbaImage::from_pixel(60, 60, Rgba([0, 0, 0, 0])).save(&path).unwrap();
    assert_eq!(read(&path).unwrap(), [255; 2304]);
}

#[test]
fn the_content_decides_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("png-inside.jpg");
    GrayImage::from_pixel(10, 10, Luma([77])).save_with_format(&path, ImageFormat::Png).unwrap();
    assert_eq!(read(&path).unwrap(), [77; 2304]);
}

#[test]
fn bad_images_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let mut png = Vec::new();
    let grey = DynamicImage::from(GrayImage::from_fn(64, 64, |x, y| Luma([(x * y) as u8])));
    grey.write_to(&mut std::io::Cursor::new(&mut png), ImageFormat::Png).unwrap();

    let told = |path: &Path, fragment: &str| {
        let message = message(path);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(message.contains(fragment) && message.contains(name), "{message:?} lacks {fragment:?}");
    };
    told(&file("empty.png", b""), "is an empty file; expected a PNG or JPEG image");
    told(&file("text.png", b"hello"), "is no image; expected a PNG or JPEG image");
    told(&file("l.webp", b"RIFF\x10\0\0\0WEBPVP8 "), "is a WebP image; expected");
    told(&file("l.gif", b"GIF89a"), "is a GIF image; expected");
    told(&file("cut.png", &png[..png.len() / 2]), "cannot be decoded: the PNG data end early");
    told(folder.path(), "is a folder, expected a regular file");
    told(&folder.path().join("none.png"), "No such file");
    // A header that announces 60,000 x 60,000 pixels: width and height stand at bytes 16 to 24, then the
    // CRC of the chunk would no longer fit, so the refusal is either way an error, never 3.6 GB of memory.
    png[16..20].copy_from_slice(&60_000u32.to_be_bytes());
    png[20..24].copy_from_slice(&60_000u32.to_be_bytes());
    assert!(message(&file("bomb.png", &png)).contains("bomb.png: cannot be decoded"));
    let wide = folder.path().join("wide.png");
    GrayImage::new(20_000, 1).save(&wide).unwrap();
    assert!(
        message(&wide).contains("wide.png: cannot be decoded") && message(&wide).contains("at most 16384")
    );
}

/// Small pictures of a Pillow: `jpeg/make.py`.
fn samples() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jpeg"));
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let pictures = files.filter(|path| path.extension().is_some_and(|ending| ending == "jpg"));
    pictures
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

/// Where the image in a file ends; what follows is nobody's business.
fn end(name: &str, bytes: &[u8]) -> usize {
    match name {
        "appended" => bytes.windows(4).position(|part| part == b"\xff\xd9\xff\xd8").unwrap() + 2,
        "padded" => bytes.len() - 50,
        _ => bytes.len(),
    }
}

#[test]
fn whole_pictures_of_every_mode_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples();
    assert_eq!(samples.len(), 14);
    for (name, bytes) in samples {
        let path = folder.path().join("whole.jpg");
        fs::write(&path, &bytes).unwrap();
        let face = read(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(face.iter().max() > face.iter().min(), "{name}");
    }
}

/// Decoders make up what is missing; a face of which half is made up has another emotion.
#[test]
fn a_picture_that_is_cut_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.jpg");
    let mut png = Vec::new();
    let grey = DynamicImage::from(GrayImage::from_fn(20, 20, |x, y| Luma([(x * y) as u8])));
    grey.write_to(&mut std::io::Cursor::new(&mut png), ImageFormat::Png).unwrap();
    for (name, bytes) in samples().into_iter().chain([("png".to_owned(), png)]) {
        for length in 0..end(&name, &bytes) {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "{name} cut after {length} of {} bytes", bytes.len());
        }
    }
}

/// Cut somewhere in its last third, and given an end.
#[test]
fn a_cut_picture_with_an_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("closed.jpg");
    for (name, bytes) in samples() {
        let whole = end(&name, &bytes);
        for length in (2 * whole / 3..whole - 20).step_by(3) {
            fs::write(&path, [&bytes[..length], b"\xff\xd9"].concat()).unwrap();
            assert!(read(&path).is_err(), "{name} cut after {length} of {whole} bytes");
        }
    }
}

/// Height and width stand in the header, behind its marker, length and precision.
#[test]
fn sizes_that_the_data_do_not_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lying.jpg");
    for (name, bytes) in samples() {
        let header =
            (2..bytes.len() - 1).rfind(|&at| bytes[at] == 0xFF && matches!(bytes[at + 1], 0xC0 | 0xC2));
        let header = match name.as_str() {
            // Behind the end there is another picture.
            "appended" => (2..bytes.len()).find(|&at| bytes[at] == 0xFF && bytes[at + 1] == 0xC0),
            _ => header,
        };
        for (at, sizes) in [(5, [58u16, 260, 8]), (7, [69, 370, 8])] {
            for size in sizes {
                let mut lying = bytes.clone();
                lying[header.unwrap() + at..][..2].copy_from_slice(&size.to_be_bytes());
                fs::write(&path, lying).unwrap();
                assert!(read(&path).is_err(), "{name}: {size} in place of byte {at}");
            }
        }
    }
}
