//! What the fuzz targets, and the test that goes through their corpora, do with bytes that may be anything.
//!
//! Each function returns for every input. It panics if an error does not begin with the file's name or is not readable (long,
//! with control characters, or in the words of a parser or a debugger), or if numbers are not finite.

use std::path::Path;

use nn_core::keras::KerasError;
use nn_core::keras::config::ModelConfig;
use nn_core::keras::weights;

/// Networks of more parameters are described but not built.
const LARGEST: usize = 1 << 16;
/// Names and values that a message repeats are shortened.
const LONGEST_MESSAGE: usize = 1500;

const PATH: &str = "some.file";

/// A weight file or a whole model, `.h5` or `.weights.h5`.
pub fn keras_hdf5(bytes: &[u8]) {
    let path = Path::new(PATH);
    let model = match weights::read_model(bytes.to_vec(), path) {
        Ok(model) => model,
        Err(error) => return check(&error),
    };
    let mut numbers = model.weights.iter().flat_map(|layer| &layer.weights).flat_map(|(_, array)| array);
    assert!(numbers.all(|number| number.is_finite()), "a number is not finite");
    if let Err(error) = model.into_network::<f32>(None, path) {
        check(&error);
    }
}

/// A `.keras` archive: as it is, and with the checksums that its members should have. A change would hardly ever get
/// past them.
pub fn keras_archive(bytes: &[u8]) {
    keras_hdf5(bytes);
    keras_hdf5(&with_checksums(bytes.to_vec()));
}

/// The JSON of a model's configuration.
pub fn keras_config(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    let path = Path::new(PATH);
    let build = || {
        let config = ModelConfig::from_json(json, path)?;
        config.chain(path)?;
        // For models that leave it open.
        for input in [None, Some([12, 10, 3].as_slice()), Some(&[5])] {
            let Ok(params) = config.count_params(input, path) else { continue };
            if params <= LARGEST {
                match config.build::<f32>(input, path) {
                    Ok(network) => assert_eq!(network.count_params(), params, "{config:?}"),
                    Err(error) => check(&error),
                }
            }
        }
        Ok(())
    };
    build().unwrap_or_else(|error| check(&error));
}

fn check(error: &KerasError) {
    let message = error.to_string();
    assert!(message.starts_with(PATH), "{message}");
    assert!(message.len() <= LONGEST_MESSAGE, "a message of {} bytes: {message}", message.len());
    assert!(!message.contains(char::is_control), "{message:?}");
    for raw in ["invalid type", "missing field", "Object {", "Array [", "Some(", "Opaque {"] {
        assert!(!message.contains(raw), "{message}: has {raw:?}");
    }
}

/// Writes the right checksum of each member that is stored uncompressed into the archive's directory.
///
/// An entry begins with `PK 1 2`. At 10 stands the compression, at 16 the CRC-32, at 20 the length, at 42 where the
/// member's own header lies; that one has 30 bytes, the last four of which tell the lengths of two texts behind it.
fn with_checksums(mut bytes: Vec<u8>) -> Vec<u8> {
    const ENTRY: &[u8] = b"PK\x01\x02";
    let entries: Vec<usize> = (0..bytes.len()).filter(|&i| bytes[i..].starts_with(ENTRY)).collect();
    for entry in entries {
        if let Some(checksum) = stored_checksum(&bytes, entry) {
            bytes[entry + 16..entry + 20].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    bytes
}

fn stored_checksum(bytes: &[u8], entry: usize) -> Option<u32> {
    let number = |at: usize, len: usize| {
        let field = bytes.get(at..at.checked_add(len)?)?;
        Some(field.iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte)))
    };
    let stored = number(entry + 10, 2)? == 0;
    let (length, header) = (number(entry + 20, 4)?, number(entry + 42, 4)?);
    let content = header + 30 + number(header + 26, 2)? + number(header + 28, 2)?;
    let content = bytes.get(content..content + length)?;
    stored.then(|| crc32fast::hash(content))
}
