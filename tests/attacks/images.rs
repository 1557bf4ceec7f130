//! Images for `fer predict`: damaged, huge, and no images at all.

use super::harness::{Attack, attack};

const PREDICT: &str = "fer predict x.png --run run";

/// A chunk of a PNG, with its checksum.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let content = [&kind[..], data].concat();
    let mut bytes = (data.len() as u32).to_be_bytes().to_vec();
    bytes.extend(&content);
    bytes.extend(crc32(&content).to_be_bytes());
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
}

/// The beginning of a grey PNG of this size, and pixels as given: a stream of zlib.
fn png(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 0, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", pixels), chunk(b"IEND", b"")]
        .concat()
}

/// One grey pixel in a filter's row, stored in zlib without compression.
const ONE_PIXEL: [u8; 13] = [0x78, 1, 1, 2, 0, 0xfd, 0xff, 0, 0x80, 0, 0x82, 0, 0x81];

fn refused(name: &'static str, image: Vec<u8>) -> Attack {
    attack(name, PREDICT).trained().file("x.png", image).ends(1, &["x.png"]).never(&[
        "Happiness",
        "Neutral",
        "Format error",
    ])
}

/// The bytes with one bit changed.
fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1;
    bytes
}

fn jpeg(name: &'static str, setup: &str) -> Attack {
    attack(name, PREDICT).trained().fixture("crates/fer/tests/jpeg/progressive.jpg", "x.png").setup(setup)
}

fn as_file(name: &'static str, setup: &str) -> Attack {
    attack(name, PREDICT).trained().setup(setup).ends(1, &["x.png"])
}

pub fn rows() -> Vec<Attack> {
    let good = png(1, 1, &ONE_PIXEL);
    let preview = "fer data preview --per-class 1 -o good.png";
    vec![
        attack("an image of one pixel", PREDICT)
            .trained()
            .file("x.png", good.clone())
            .ends(0, &["x.png", "%"]),
        refused("half an image", good[..45].into()),
        refused("an image without an end", good[..good.len() - 12].into()),
        refused("an image with a wrong checksum", [&good[..30], &[0; 3], &good[33..]].concat()),
        refused("an image of 2^31 by 2^31", png(1 << 31, 1 << 31, &ONE_PIXEL)),
        refused("an image of 2^31-1 by 1", png((1 << 31) - 1, 1, &ONE_PIXEL)),
        refused("an image of 16384 by 16384 in 60 bytes", png(16384, 16384, &ONE_PIXEL)),
        refused("an image of 0 by 0", png(0, 0, &ONE_PIXEL)),
        refused("an image that lies about its size", png(4, 4, &ONE_PIXEL)),
        refused("an empty image", Vec::new()),
        refused("text as an image", b"a face, honestly\n".to_vec()),
        refused("the beginning of a JPEG", vec![0xff, 0xd8, 0xff, 0xe0, 0, 16, b'J', b'F', b'I', b'F', 0]),
        jpeg("a whole JPEG", ":").ends(0, &["x.png", "%"]),
        jpeg("half a JPEG", "truncate -s 400 x.png").ends(1, &["x.png", "end early"]).never(&["%"]),
        jpeg("a JPEG without its last byte", "truncate -s -1 x.png").ends(1, &["x.png", "end early"]),
        jpeg("half a JPEG with an end", "truncate -s 600 x.png; printf '\\377\\331' >> x.png")
            .ends(1, &["x.png", "JPEG"])
            .never(&["%"]),
        jpeg("a JPEG with garbage behind it", "head -c 100000 /dev/zero >> x.png").ends(0, &["x.png", "%"]),
        refused("a PNG with another byte in its head", flipped(&good, 19)),
        refused("a PNG with another byte in its data", flipped(&good, 45)),
        refused("a PNG with another byte in its checksum", flipped(&good, 30)),
        refused("a GIF", b"GIF89a\x01\0\x01\0\0\0\0;".to_vec()),
        refused("a network as an image", super::harness::TINY.into()),
        as_file("an image that is a pipe", "mkfifo x.png"),
        as_file("an image that is a device", "ln -s /dev/zero x.png"),
        as_file("an image that is a folder", "mkdir x.png"),
        as_file("an image of 50 GB of nothing", "truncate -s 50G x.png"),
        as_file("an image in the files of the system", "ln -s /proc/self/environ x.png"),
        as_file("an image that is not there", ":"),
        attack("a good image beside a bad one", "fer predict good.png x.png --run run")
            .trained()
            .setup(preview)
            .file("x.png", "no image")
            .ends(1, &["good.png", "x.png", "%"]),
        attack("a good image beside a bad one in JSON", "fer predict good.png x.png --run run --json")
            .trained()
            .setup(preview)
            .file("x.png", "no image")
            .ends(1, &["good.png", "x.png", "error", "probabilities"]),
        attack(
            "an image whose name commands the terminal",
            "fer predict \"$(printf 'a\\033[2J\\007.png')\" --run run",
        )
        .trained()
        .ends(1, &["No such file"]),
        attack(
            "an image whose name turns the text",
            "fer predict \"$(printf 'a\\342\\200\\256gnp.exe')\" --run run",
        )
        .trained()
        .ends(1, &["No such file"]),
    ]
}
