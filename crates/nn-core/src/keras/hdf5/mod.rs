//! HDF5 as Keras uses it: groups, attributes with names, arrays of floats. Everything is capped and stays inside the
//! file ([`budget`]).

mod attributes;
mod budget;
mod floats;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5_reader::error::Error;
use hdf5_reader::messages::datatype::Datatype;
use hdf5_reader::{FilterRegistry, Hdf5File, OpenOptions};

use budget::{Metered, NothingExternal, decoded_bytes, piece_bytes};

use super::KerasError;
use crate::tensor::Tensor;

/// An open file.
pub(super) struct Hdf5 {
    path: PathBuf,
    file: Hdf5File,
    /// Bytes of weights that may still be decoded.
    decodable: Cell<usize>,
    /// Bytes of text that may still be decoded from attributes.
    legible: Cell<usize>,
}

/// A group of an open file.
#[derive(Clone)]
pub(super) struct Group<'a> {
    hdf5: &'a Hdf5,
    /// From the root, for messages: `/layers/dense`.
    path: String,
    group: hdf5_reader::group::Group,
}

impl Hdf5 {
    /// Opens the HDF5 file whose content is `bytes`; `path` is for messages.
    pub(super) fn open(path: &Path, bytes: Vec<u8>) -> Result<Self, KerasError> {
        let length = bytes.len();
        Self::open_member(path, bytes, length)
    }

    /// [`Hdf5::open`] for a file that was decompressed from an archive of `length` bytes, which bounds what may be decoded:
    /// what expands twice may not expand more than what does so once.
    pub(super) fn open_member(path: &Path, bytes: Vec<u8>, length: usize) -> Result<Self, KerasError> {
        let decodable = decoded_bytes(length);
        let legible = bytes.len();
        // The chunk cache serves repeated partial reads; here each dataset is read once and whole.
        let options = OpenOptions::default()
            .with_chunk_cache_bytes(0)
            .with_max_chunk_bytes(piece_bytes(decodable))
            .with_max_read_bytes(decodable)
            .with_filter_registry(filters())
            .with_external_file_resolver(Arc::new(NothingExternal))
            .with_external_link_resolver(Arc::new(NothingExternal));
        let file = Hdf5File::from_storage_with_options(Arc::new(Metered::new(bytes)), options)
            .map_err(|e| KerasError::format(path, format!("not a readable HDF5 file: {e}")))?;
        Ok(Self { path: path.into(), file, decodable: Cell::new(decodable), legible: Cell::new(legible) })
    }

    pub(super) fn root(&self) -> Result<Group<'_>, KerasError> {
        let group = self.file.root_group().map_err(|e| KerasError::hdf5(&self.path, "/", e))?;
        Ok(Group { hdf5: self, path: String::new(), group })
    }
}

/// Only the filters that `h5py` offers without further libraries; the others are refused.
fn filters() -> FilterRegistry {
    const OTHERS: [(u16, &str); 3] = [(4, "szip"), (5, "nbit"), (6, "scaleoffset")];
    let mut registry = FilterRegistry::new();
    for (id, name) in OTHERS {
        let refuse = move |_: &_, _: &[u8], _: usize| Err(Error::UnsupportedFilter(name.into()));
        registry.register(id, Box::new(refuse));
    }
    registry
}

impl<'a> Group<'a> {
    /// The error that something in this group causes.
    pub(super) fn error(&self, name: &str, problem: impl ToString) -> KerasError {
        KerasError::hdf5(&self.hdf5.path, format!("{}/{name}", self.path), problem)
    }

    /// Distinguishes the groups of a file, whatever links lead to them.
    pub(super) fn address(&self) -> u64 {
        self.group.address()
    }

    /// Names of the groups and of the datasets in this group.
    pub(super) fn members(&self) -> Result<(Vec<String>, Vec<String>), KerasError> {
        self.group.member_names().map_err(|e| self.error("", e))
    }

    /// The group of that name.
    pub(super) fn group(&self, name: &str) -> Result<Self, KerasError> {
        let group = self.group.group(name).map_err(|e| match e {
            Error::GroupNotFound(missing) if missing == name => self.error(name, "there is no such group"),
            e => self.error(name, e),
        })?;
        Ok(Self { hdf5: self.hdf5, path: format!("{}/{name}", self.path), group })
    }

    /// The array at a path below this group: `kernel`, `dense/kernel:0`.
    pub(super) fn array(&self, path: &str) -> Result<Tensor<f32>, KerasError> {
        if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
            return Err(self.error(path, "not a path below the group"));
        }
        match path.split_once('/') {
            Some((first, rest)) => self.group(first)?.array(rest),
            None => {
                let dataset = self.group.dataset(path).map_err(|e| match e {
                    Error::DatasetNotFound(_) => self.error(path, "there is no such dataset"),
                    e => self.error(path, e),
                })?;
                // What NumPy has no type for, Keras writes as bytes with the name of the type beside them.
                let told = match dataset.dtype() {
                    Datatype::Opaque { .. } => {
                        attributes::Attributes::of_dataset(self, &dataset)?.strings("dtype")?
                    }
                    _ => None,
                };
                let told = told.as_deref().and_then(<[String]>::first).map(String::as_str);
                floats::read(&dataset, &self.hdf5.decodable, told)
                    .map_err(|problem| self.error(path, problem))
            }
        }
    }

    /// A list of names that is stored in an attribute, whole or, when it is long, in parts `name0`, `name1`, ...
    pub(super) fn names(&self, attribute: &str) -> Result<Option<Vec<String>>, KerasError> {
        attributes::Attributes::of(self)?.names(attribute)
    }

    /// The text of an attribute.
    pub(super) fn text(&self, attribute: &str) -> Result<Option<String>, KerasError> {
        let names = attributes::Attributes::of(self)?.strings(attribute)?;
        match names {
            None => Ok(None),
            Some(texts) => match <[String; 1]>::try_from(texts) {
                Ok([text]) => Ok(Some(text)),
                Err(texts) => {
                    Err(self.error(&format!("@{attribute}"), format!("{} texts, expected one", texts.len())))
                }
            },
        }
    }
}
