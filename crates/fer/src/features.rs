//! What the frozen layers of a network compute of the faces, kept on disk.
//!
//! While layers do not change, their output for a face is the same in every epoch: it is computed once, and what is
//! trained starts from it. A file is named by a hash of all that the numbers depend on (layers, weights, faces,
//! transform, instruction set), so it can never be stale, and the folder can be emptied at any time.

use std::io;
use std::path::{Path, PathBuf};

use nn_core::Tensor;
use nn_core::error::TrainError;
use nn_core::keras::weights::{LayerWeights, load_safetensors, save_safetensors};
use nn_core::kernels::Isa;
use nn_core::model::Network;
use sha2::{Digest, Sha256};

use crate::data::{Faces, hex};
use crate::samples::Samples;
use crate::transform::Transform;

/// Where features came from.
#[derive(Debug)]
pub enum Origin {
    /// They were in this file.
    Read(PathBuf),
    /// They were computed and are now in this file.
    Kept(PathBuf),
    /// They were computed; the file could not be written, for this reason.
    NotKept(String),
}

/// A folder with features.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: PathBuf,
}

impl FeatureCache {
    /// Keeps features in `folder`, which is created when it is needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder where a user's programs keep what can be computed again: `vitrine` in `XDG_CACHE_HOME` or `~/.cache`.
    ///
    /// `None` if the system does not tell.
    pub fn default_folder() -> Option<PathBuf> {
        let configured =
            std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let folder = configured.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
        Some(folder.join("vitrine"))
    }

    /// The output of `network` for each face, `[faces, ..]`: read if it is there, or else computed and kept.
    ///
    /// A file that is damaged is replaced.
    ///
    /// # Errors
    /// If an output is NaN or infinite.
    ///
    /// # Panics
    /// If faces cannot become inputs of the network.
    pub fn features(
        &self,
        network: &Network<f32>,
        faces: &Faces,
        transform: &Transform,
    ) -> Result<(Tensor<f32>, Origin), TrainError> {
        let key = key(network, faces, transform);
        let path = self.folder.join(format!("features-{}.safetensors", &key[..16]));
        if let Some(features) = read(&path, &key) {
            return Ok((features, Origin::Read(path)));
        }
        let features = compute(network, faces, transform)?;
        let kept = self.keep(&path, key, &features);
        Ok((features, kept.map_or_else(|e| Origin::NotKept(e.to_string()), |()| Origin::Kept(path))))
    }

    fn keep(&self, path: &Path, key: String, features: &Tensor<f32>) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let layer =
            LayerWeights { layer: key, place: None, weights: vec![(checksum(features), features.clone())] };
        save_safetensors(&[layer], path).map_err(io::Error::other)
    }
}

/// The output of `network` for each face, `[faces, ..]`.
///
/// # Errors
/// If an output is NaN or infinite.
pub fn compute(
    network: &Network<f32>,
    faces: &Faces,
    transform: &Transform,
) -> Result<Tensor<f32>, TrainError> {
    network.predict_dataset(&Samples::new(faces, network.input_shape(), transform))
}

/// Features from a file that holds those of this key, undamaged.
fn read(path: &Path, key: &str) -> Option<Tensor<f32>> {
    let layer = load_safetensors(path).ok()?.pop().filter(|layer| layer.layer == key)?;
    let (stored, features) = layer.weights.into_iter().next()?;
    (stored == checksum(&features)).then_some(features)
}

fn checksum(features: &Tensor<f32>) -> String {
    let mut hash = Sha256::new();
    update(&mut hash, features);
    hex(&hash.finalize())
}

/// SHA-256 of all that features depend on.
fn key(network: &Network<f32>, faces: &Faces, transform: &Transform) -> String {
    let mut hash = Sha256::new();
    let texts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        Isa::current().to_string(),
        network.config().map(|config| config.to_json()).unwrap_or_default(),
        serde_json::to_string(transform).expect("plain data"),
    ];
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    // Their names and shapes follow from the configuration.
    network.params().for_each(|(_, param)| update(&mut hash, &param.value));
    hash.update(faces.pixels());
    hex(&hash.finalize())
}

fn update(hash: &mut Sha256, tensor: &Tensor<f32>) {
    /// Numbers that become bytes at a time.
    const PIECE: usize = 1024;
    let values = tensor.as_slice().expect("parameters and features are contiguous");
    for piece in values.chunks(PIECE) {
        let bytes: Vec<u8> = piece.iter().flat_map(|value| value.to_le_bytes()).collect();
        hash.update(bytes);
    }
}
