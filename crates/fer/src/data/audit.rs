//! What is unusual about a dataset: recorded, not refused.

use std::collections::HashMap;
use std::fmt;

use super::{Dataset, EMOTIONS, Faces, Split};

/// Rows of FER-2013 in train, val and test.
pub const FER2013_ROWS: [usize; 3] = [28_709, 3_589, 3_589];

/// Something unusual that does not prevent the use of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Warning {
    /// A split has not as many rows as in FER-2013.
    RowCount {
        /// The split.
        split: Split,
        /// Its rows.
        found: usize,
        /// The rows of that split of FER-2013.
        expected: usize,
    },
    /// Images of one split also occur, pixel by pixel, in another.
    Duplicates {
        /// The split whose images are counted.
        split: Split,
        /// The split in which they occur too.
        other: Split,
        /// Images of `split` that are also in `other`.
        images: usize,
        /// Those of them that carry another label there.
        conflicts: usize,
    },
    /// Images of a single tone.
    Blank {
        /// The split.
        split: Split,
        /// Its blank images.
        images: usize,
    },
    /// A file that is divided by its `Usage` column has the name of the file of one split.
    NamedForSplit {
        /// The name.
        file: &'static str,
    },
    /// A split has no image of an emotion.
    ClassAbsent {
        /// The split.
        split: Split,
        /// The emotion.
        emotion: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::RowCount { split, found, expected } => {
                write!(f, "{split} has {found} rows; FER-2013 has {expected}")
            }
            Warning::Duplicates { split, other, images, conflicts } => {
                let are = if *images == 1 { "image of" } else { "images of" };
                write!(f, "{images} {are} {split} also in {other}, {conflicts} with another label there")
            }
            Warning::Blank { split, images } => {
                let are = if *images == 1 { "image is" } else { "images are" };
                write!(f, "{images} {split} {are} blank (a single tone)")
            }
            Warning::NamedForSplit { file } => {
                write!(
                    f,
                    "{file} has the name of a file of one split; its column Usage divides it into all three"
                )
            }
            Warning::ClassAbsent { split, emotion } => write!(f, "{split} has no image of {emotion}"),
        }
    }
}

/// All warnings about a dataset read from files.
pub fn audit(dataset: &Dataset) -> Vec<Warning> {
    let mut warnings = row_counts(dataset);
    warnings.extend(absent_classes(dataset));
    warnings.extend(blanks(dataset));
    warnings.extend(duplicates(dataset));
    warnings
}

fn row_counts(dataset: &Dataset) -> Vec<Warning> {
    let rows = Split::ALL.into_iter().zip(FER2013_ROWS);
    let found = rows.map(|(split, expected)| (split, dataset.split(split).len(), expected));
    let unusual = found.filter(|(_, found, expected)| found != expected);
    unusual.map(|(split, found, expected)| Warning::RowCount { split, found, expected }).collect()
}

/// The emotions that a split lacks.
pub(super) fn absent_classes(dataset: &Dataset) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for split in Split::ALL {
        for (emotion, count) in EMOTIONS.into_iter().zip(dataset.split(split).counts()) {
            if count == 0 {
                warnings.push(Warning::ClassAbsent { split, emotion });
            }
        }
    }
    warnings
}

fn blanks(dataset: &Dataset) -> Vec<Warning> {
    let blank = |image: &[u8]| image.iter().all(|&pixel| pixel == image[0]);
    let count = |faces: &Faces| faces.iter().filter(|(image, _)| blank(image)).count();
    let counts = Split::ALL.map(|split| (split, count(dataset.split(split))));
    let some = counts.into_iter().filter(|&(_, images)| images > 0);
    some.map(|(split, images)| Warning::Blank { split, images }).collect()
}

/// Images that occur in two splits: of val in train, of test in train, of test in val.
fn duplicates(dataset: &Dataset) -> Vec<Warning> {
    // For each image, the labels that it has in each split, as a set of bits.
    let mut labels: HashMap<&[u8], [u8; 3]> = HashMap::new();
    for split in Split::ALL {
        for (image, label) in dataset.split(split).iter() {
            labels.entry(image).or_default()[split as usize] |= 1 << label;
        }
    }
    let mut warnings = Vec::new();
    for (split, other) in [(Split::Val, Split::Train), (Split::Test, Split::Train), (Split::Test, Split::Val)]
    {
        let (mut images, mut conflicts) = (0, 0);
        for (image, label) in dataset.split(split).iter() {
            let there = labels.get(image).map_or(0, |labels| labels[other as usize]);
            images += usize::from(there != 0);
            conflicts += usize::from(there & !(1 << label) != 0);
        }
        if images > 0 {
            warnings.push(Warning::Duplicates { split, other, images, conflicts });
        }
    }
    warnings
}
