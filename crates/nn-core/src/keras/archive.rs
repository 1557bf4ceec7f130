//! `.keras` archives: a zip file with `config.json`, `metadata.json` and `model.weights.h5`.
//!
//! Members are decompressed into memory only, each up to a limit, so no name in an archive can touch a file.

use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use zip::ZipArchive;
use zip::result::ZipError;

use super::KerasError;
use super::config::ModelConfig;
use super::file::{self, Container};
use super::hdf5::Hdf5;
use super::weights::{self, SavedModel};

/// The member with the model's configuration.
const CONFIG: &str = "config.json";
/// The member that tells the version of Keras.
const METADATA: &str = "metadata.json";
/// The member with the arrays.
const WEIGHTS: &str = "model.weights.h5";

/// Longest member of JSON.
const LONGEST_JSON: usize = 8 << 20;
/// The member with arrays may have this many times the bytes of the archive, and [`LONGEST_JSON`] in any case. Keras
/// stores it uncompressed; trained weights hardly compress.
const EXPANSION: usize = 16;
/// Keras writes three members and perhaps some assets.
const MOST_MEMBERS: usize = 1000;

/// An open archive.
pub struct Archive {
    path: PathBuf,
    length: usize,
    zip: ZipArchive<Cursor<Vec<u8>>>,
}

/// What `metadata.json` tells.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// The version of Keras that wrote the archive, such as `3.15.1`.
    pub keras_version: String,
}

impl Archive {
    /// Opens the archive that a file holds.
    ///
    /// # Errors
    /// If the file cannot be read, is no archive, has too many members, two of one name or one with a name that leads
    /// out of a folder, or lacks one of the three members.
    pub fn read(path: &Path) -> Result<Self, KerasError> {
        match file::container(file::bytes(path, file::LARGEST)?, path)? {
            Container::Zip(bytes) => Self::open(path, bytes),
            Container::Hdf5(_) => Err(KerasError::format(path, "an HDF5 file, not a .keras archive")),
        }
    }

    pub(super) fn open(path: &Path, bytes: Vec<u8>) -> Result<Self, KerasError> {
        let length = bytes.len();
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            let problem = match error {
                ZipError::InvalidArchive(_) => "a damaged zip archive; is the file complete?".to_owned(),
                other => format!("not a readable zip archive: {other}"),
            };
            KerasError::format(path, problem)
        })?;
        if zip.len() > MOST_MEMBERS {
            let problem = format!("{} members; the limit is {MOST_MEMBERS}", zip.len());
            return Err(KerasError::format(path, problem));
        }
        if zip.has_duplicate_names() {
            return Err(KerasError::format(path, "two members of the archive have one name"));
        }
        for name in zip.file_names_raw() {
            let name = String::from_utf8_lossy(name);
            let leads_out = |part: &str| part == ".." || part.contains(':') || part.contains('\0');
            if name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(leads_out) {
                return Err(KerasError::archive(path, name, "the name leads out of the archive"));
            }
        }
        for member in [CONFIG, METADATA, WEIGHTS] {
            if zip.index_for_name_raw(member.as_bytes()).is_none() {
                let names: Vec<_> = zip.file_names_raw().map(String::from_utf8_lossy).collect();
                if let Some(kind) = file::kind_of_zip(names.iter().map(AsRef::as_ref)) {
                    return Err(KerasError::format(path, format!("not a .keras archive: it is {kind}")));
                }
                return Err(KerasError::archive(path, member, "missing from the archive"));
            }
        }
        Ok(Self { path: path.into(), length, zip })
    }

    /// Reads `metadata.json`.
    ///
    /// # Errors
    /// If the member is damaged, too large or not what it should be.
    pub fn metadata(&mut self) -> Result<Metadata, KerasError> {
        let bytes = self.member(METADATA, LONGEST_JSON)?;
        serde_json::from_slice(&bytes).map_err(|_| {
            KerasError::archive(&self.path, METADATA, "is not JSON with the version of Keras, keras_version")
        })
    }

    /// Reads `config.json`.
    ///
    /// # Errors
    /// If the member is damaged or too large, and those of [`ModelConfig::from_json`].
    pub fn config(&mut self) -> Result<ModelConfig, KerasError> {
        let bytes = self.member(CONFIG, LONGEST_JSON)?;
        let json = String::from_utf8(bytes)
            .map_err(|e| KerasError::archive(&self.path, CONFIG, format!("not UTF-8: {e}")))?;
        ModelConfig::from_json(&json, &self.path.join(CONFIG))
    }

    /// Reads the configuration and the arrays, which get the names of their arguments and come in the order of the
    /// layers; see [`ModelConfig::name_weights`].
    ///
    /// # Errors
    /// If a member is damaged, too large or unsupported, or the arrays are not those of the layers.
    pub fn model(mut self) -> Result<SavedModel, KerasError> {
        self.metadata()?;
        let config = self.config()?;
        let limit = self.length.saturating_mul(EXPANSION).max(LONGEST_JSON);
        let bytes = self.member(WEIGHTS, limit)?;
        let within = self.path.join(WEIGHTS);
        let stored = weights::from_archive(&Hdf5::open_member(&within, bytes, self.length)?)?;
        let weights = config.name_weights(stored, &self.path)?;
        Ok(SavedModel { config: Some(config), weights })
    }

    /// Decompresses a member into as much memory as the archive declares for it, at most the limit. The declared length
    /// is not trusted: what is longer is refused.
    fn member(&mut self, name: &str, limit: usize) -> Result<Vec<u8>, KerasError> {
        let error = |problem: String| KerasError::archive(&self.path, name, problem);
        let member = self.zip.by_name(name).map_err(|e| error(e.to_string()))?;
        if !member.is_file() {
            return Err(error("not a regular file".into()));
        }
        let too_long =
            || error(format!("more than {limit} bytes, out of proportion to the archive's {}", self.length));
        let declared = usize::try_from(member.size()).unwrap_or(usize::MAX);
        if declared > limit {
            return Err(too_long());
        }
        // One more than it should have: what is longer shows, and what is not makes the vector no longer.
        let mut bytes = vec![0; declared + 1];
        let mut length = 0;
        let mut member = member.take(declared as u64 + 1);
        while length < bytes.len() {
            match member.read(&mut bytes[length..]).map_err(|e| error(e.to_string()))? {
                0 => break,
                read => length += read,
            }
        }
        if length > declared {
            return Err(error(format!("more than the {declared} bytes that the archive says")));
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}
