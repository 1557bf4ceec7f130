//! What reading one file may cost. Each allocation of the reader follows from bytes that it fetches or from elements
//! that a dataset declares; both are counted, so that neither a loop in the file's structures nor a huge shape
//! in a small file can exhaust memory or time.

use std::sync::atomic::{AtomicU64, Ordering};

use hdf5_reader::error::{Error, Result};
use hdf5_reader::storage::{Storage, StorageBuffer};
use hdf5_reader::{BytesStorage, ExternalFileResolver, ExternalLinkResolver, Hdf5File};

/// All weights together may have this many times the bytes of the file. Trained weights hardly compress; only a file
/// of constants exceeds it.
const EXPANSION: u64 = 16;
/// All fetched ranges together may have this many times the bytes of the file: each dataset is fetched once,
/// headers a few times.
const FETCHES: u64 = 4;
/// For files so small that structure outweighs content.
const SMALL_FILE: u64 = 4 << 20;

/// The most bytes of weights that a file of `len` bytes may hold.
pub(super) fn decoded_bytes(len: usize) -> usize {
    (len as u64 * EXPANSION + SMALL_FILE).try_into().unwrap_or(usize::MAX)
}

/// The most bytes of one compressed piece of an array, which lies in memory beside the array, of as many as may be
/// decoded: enough for an array that is one piece and shrinks to a quarter.
pub(super) fn piece_bytes(decodable: usize) -> usize {
    decodable / 4
}

/// The bytes of a file, handed out until the budget is spent.
pub(super) struct Metered {
    bytes: BytesStorage,
    left: AtomicU64,
}

impl Metered {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        let left = AtomicU64::new(bytes.len() as u64 * FETCHES + SMALL_FILE);
        Self { bytes: BytesStorage::new(bytes), left }
    }
}

impl Storage for Metered {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn read_range(&self, offset: u64, len: usize) -> Result<StorageBuffer> {
        let spend = |left: u64| left.checked_sub(len as u64);
        if self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_err() {
            return Err(Error::ResourceLimit(
                "the file makes its reader fetch the same bytes again and again".into(),
            ));
        }
        self.bytes.read_range(offset, len)
    }
}

/// Refuses whatever leads out of the file.
pub(super) struct NothingExternal;

impl ExternalFileResolver for NothingExternal {
    fn resolve_external_file(&self, filename: &str) -> Result<Option<hdf5_reader::storage::DynStorage>> {
        Err(Error::UnsupportedEncoding(format!("the data lie in another file, {filename:?}; refused")))
    }
}

impl ExternalLinkResolver for NothingExternal {
    fn resolve_external_link(&self, filename: &str) -> Result<Option<Hdf5File>> {
        Err(Error::UnsupportedEncoding(format!("a link to another file, {filename:?}; refused")))
    }
}
