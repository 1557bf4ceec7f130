//! What a file is, by its content: one of Keras's, or something else that has a name.

use std::path::Path;

use serde_json::Value;

use super::KerasError;
use super::config::parse_json;
use crate::files;

/// Larger files are refused unread. The largest network of `keras.applications`, VGG19, has 575 MB.
pub(super) const LARGEST: u64 = 2 << 30;

/// What a file is, by its first bytes.
pub(super) enum Container {
    /// A zip archive: `.keras`.
    Zip(Vec<u8>),
    /// An HDF5 file: `.h5`, `.weights.h5`.
    Hdf5(Vec<u8>),
}

/// Reads a whole regular file of at most `longest` bytes. A folder that is a model of another kind is told what it is.
pub(super) fn bytes(path: &Path, longest: u64) -> Result<Vec<u8>, KerasError> {
    /// Files that tell what the folder is in which they lie.
    const FOLDERS: [(&str, &str); 5] = [
        ("saved_model.pb", SAVED_MODEL),
        ("keras_metadata.pb", SAVED_MODEL),
        ("model.weights.h5", "a .keras archive that was unpacked: give the archive itself"),
        ("model.json", TFJS),
        ("checkpoint", CHECKPOINT),
    ];
    if path.is_dir()
        && let Some((_, kind)) = FOLDERS.iter().find(|(file, _)| path.join(file).is_file())
    {
        return Err(KerasError::format(path, format!("is {kind}")));
    }
    files::read(path, longest).map_err(KerasError::unread)
}

/// Tells the kind of a file by its content; the name does not matter.
pub(super) fn container(bytes: Vec<u8>, path: &Path) -> Result<Container, KerasError> {
    if bytes.starts_with(b"PK\x03\x04") {
        Ok(Container::Zip(bytes))
    } else if has_hdf5_signature(&bytes) {
        Ok(Container::Hdf5(bytes))
    } else {
        let problem = format!("neither an HDF5 file nor a .keras archive: {}", appearance(&bytes));
        Err(KerasError::format(path, problem))
    }
}

/// The signature stands at the start or, behind a user block, at 512, 1024, 2048, ...
fn has_hdf5_signature(bytes: &[u8]) -> bool {
    let starts = std::iter::once(0).chain((9..31).map(|exponent| 1 << exponent));
    starts
        .take_while(|&start| start < bytes.len())
        .any(|start: usize| bytes[start..].starts_with(b"\x89HDF\r\n\x1a\n"))
}

const SAVED_MODEL: &str = "a SavedModel of TensorFlow: load it in Python with tf_keras (or TensorFlow before 2.16) and \
     model.save('model.keras')";
const TFJS: &str = "a model of TensorFlow.js, whose weights lie in other files: convert it with tensorflowjs_converter \
     --input_format tfjs_layers_model --output_format keras, or load it in Python and model.save('model.keras')";
const CHECKPOINT: &str = "a checkpoint of TensorFlow: build the model in Python, model.load_weights(..) and \
     model.save('model.keras')";
const PYTORCH: &str = "a file of PyTorch, which has no Keras model in it: build the model in Keras, set its weights and \
     model.save('model.keras')";

/// What lies there instead of a Keras file, and what to do.
pub(super) fn appearance(bytes: &[u8]) -> String {
    /// Beginnings of files, and what they are the beginning of.
    const BEGINNINGS: [(&[u8], &str); 16] = [
        (b"version https://git-lfs", "a Git LFS pointer; fetch the file itself with `git lfs pull`"),
        (b"\x1f\x8b", "compressed with gzip; decompress it first"),
        (b"BZh", "compressed with bzip2; decompress it first"),
        (b"\xfd7zXZ\0", "compressed with xz; decompress it first"),
        (b"\x28\xb5\x2f\xfd", "compressed with Zstandard; decompress it first"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
        (b"Rar!", "a RAR archive; unpack it first"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"\x93NUMPY", "an array of NumPy; a model is a .keras archive or an .h5 file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GGUF", "a GGUF file, which has no Keras model in it"),
        (b"%PDF", "a PDF document"),
        (b"\x7fELF", "a program"),
        (b"\x80\x02", PYTORCH),
        (
            b"\x80\x04",
            "a Python pickle, which may be anything: load it in Python and model.save('model.keras')",
        ),
    ];
    const ONNX: &str = "an ONNX model: rebuild it in Keras, set its weights and model.save('model.keras')";
    const GRAPH: &str = "a graph of TensorFlow (.pb): load the model that it was made of in Python and model.save('model.keras')";
    const TFLITE: &str = "a TensorFlow Lite model, in which the Keras model is lost: take the model that it was \
         converted from and model.save('model.keras')";
    let text = bytes.trim_ascii_start();
    let json = || kind_of_json(&parse_json(std::str::from_utf8(bytes).ok()?).ok()?);
    let told = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)).map(|&(_, kind)| kind);
    let kind = match told {
        Some(kind) => kind,
        None if bytes.is_empty() => return "it is empty".into(),
        None if bytes.get(257..262) == Some(b"ustar") => "a tar archive; unpack it first",
        None if bytes.get(4..8) == Some(b"TFL3") => TFLITE,
        None if bytes.get(8) == Some(&b'{') && is_safetensors(bytes) => {
            "a safetensors file, which has arrays and no Keras configuration"
        }
        None if text.starts_with(b"<") => return "it looks like a web page".into(),
        None if text.starts_with(b"{") => match json() {
            Some(kind) => kind,
            None => return "it looks like JSON; a configuration alone has no weights: give both".into(),
        },
        // Protocol buffers, field 1. A SavedModel begins with the version of its schema, 1, an ONNX model with a
        // version above 2, a graph with its first node.
        None if bytes.starts_with(b"\x08\x01\x12") => SAVED_MODEL,
        None if matches!(bytes, [0x08, 3..=30, 0x12 | 0x1a | 0x3a, ..]) => ONNX,
        None if bytes.starts_with(b"\x0a") && bytes.iter().take(400).any(|&byte| byte == 0x12) => GRAPH,
        None => return "its first bytes are unknown".into(),
    };
    format!("it is {kind}")
}

/// The length of a header in JSON, and that header.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk() else { return false };
    let header = usize::try_from(u64::from_le_bytes(*length)).ok().and_then(|length| rest.get(..length));
    header.is_some_and(|header| header.trim_ascii_end().ends_with(b"}"))
}

/// What a JSON file is that is no model's configuration, if it is known.
pub(super) fn kind_of_json(value: &Value) -> Option<&'static str> {
    let has = |name: &str| value.get(name).is_some();
    if has("modelTopology") || has("weightsManifest") {
        Some(TFJS)
    } else if has("class_name") {
        None
    } else if has("input_shape") && has("layers") {
        Some("the description of a network of this program (network.json), not of Keras")
    } else if has("keras_version") && has("date_saved") {
        Some("the metadata.json of a .keras archive: give the archive, or its config.json")
    } else {
        None
    }
}

/// What a zip archive is that has not the members of a `.keras` archive, if it is known.
pub(super) fn kind_of_zip<'a>(members: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let has = |end: &str| members.clone().any(|name| name == end || name.ends_with(&format!("/{end}")));
    if has("saved_model.pb") {
        Some(SAVED_MODEL)
    } else if has("data.pkl") {
        Some(PYTORCH)
    } else if has("model.weights.npz") {
        Some("a .keras archive with its weights as .npz: load it in Python and model.save('model.keras')")
    } else if members.clone().any(|name| name.ends_with("/config.json")) && has("model.weights.h5") {
        Some("a zip archive of a folder with a Keras model: zip the files themselves, not their folder")
    } else if has("model.json") {
        Some(TFJS)
    } else if members.clone().next().is_some() && members.clone().all(|name| name.ends_with(".npy")) {
        Some("a file of NumPy arrays (.npz); a model is a .keras archive or an .h5 file")
    } else {
        None
    }
}
