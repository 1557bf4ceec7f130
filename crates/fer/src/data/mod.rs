//! The faces: 48x48 grey images with one of seven emotions, in three splits.
//!
//! - [`csv`] reads FER-2013 in all the forms in which it is passed around;
//! - [`synthetic`] draws a small set of faces, so that everything works without a download;
//! - [`audit`] lists what is unusual about a dataset;
//! - [`subset`] takes a smaller dataset with the same class proportions;
//! - [`image_file`] reads one photograph; [`preview`] draws a labelled sheet of faces.

pub mod audit;
pub mod csv;
mod faces;
pub mod image_file;
mod jpeg;
pub mod preview;
pub mod subset;
pub mod synthetic;

pub use audit::Warning;
pub use faces::Faces;

use std::fmt;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

/// The seven emotions; the position is the label in the CSV files.
pub const EMOTIONS: [&str; 7] = ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"];

/// Height and width of a face, in pixels.
pub const SIDE: usize = 48;

/// Pixels of a face, row by row.
pub const PIXELS: usize = SIDE * SIDE;

/// The three parts of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// What a model learns from (Kaggle's `Training`).
    Train,
    /// What models are compared on (Kaggle's `PublicTest`).
    Val,
    /// What the chosen model is judged on, once (Kaggle's `PrivateTest`).
    Test,
}

impl Split {
    /// The splits in the order in which they are stored and reported.
    pub const ALL: [Split; 3] = [Split::Train, Split::Val, Split::Test];

    /// `train`, `val` or `test`.
    pub fn name(self) -> &'static str {
        ["train", "val", "test"][self as usize]
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where a dataset came from.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Source {
    /// Read from these files.
    Csv {
        /// The files, in the order in which they were read.
        paths: Vec<PathBuf>,
    },
    /// Drawn by [`synthetic`].
    Synthetic {
        /// The seed of the drawing.
        seed: u64,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Csv { paths } => {
                let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
                f.write_str(&paths.join(", "))
            }
            Source::Synthetic { seed } => write!(f, "synthetic faces, seed {seed}"),
        }
    }
}

/// Three splits of faces, where they came from and what is unusual about them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The training split.
    pub train: Faces,
    /// The validation split.
    pub val: Faces,
    /// The test split.
    pub test: Faces,
    /// Where the faces came from.
    pub source: Source,
    /// What is unusual, though usable.
    pub warnings: Vec<Warning>,
}

impl Dataset {
    /// The faces of one split.
    pub fn split(&self, split: Split) -> &Faces {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
        }
    }

    /// SHA-256 of the faces in hexadecimal: for train, val and test in turn, the number of images as
    /// eight little-endian bytes, the labels, the pixels.
    ///
    /// It identifies the faces and their order, however they were stored. Costs one pass over all pixels.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for faces in Split::ALL.map(|split| self.split(split)) {
            hash.update((faces.len() as u64).to_le_bytes());
            hash.update(faces.labels());
            hash.update(faces.pixels());
        }
        hex(&hash.finalize())
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
