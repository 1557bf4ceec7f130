//! Convolution problems as text, in the language of benchdnn, so that its lists of shapes can be used.
//!
//! ```text
//! mb256_ic32ih44_oc32_kh3_n"cnn1:conv2d_1"        32 channels of 44x44, 32 filters of 3x3, 256 images
//! ```
//!
//! A problem is a row of keys, each followed by a number; `_` may stand between them.
//!
//! | keys | meaning | if absent |
//! |---|---|---|
//! | `mb` | images (minibatch) | 2 |
//! | `g` | groups | 1 |
//! | `ic`, `oc` | input and output channels | an error |
//! | `ih`, `kh` | rows of input and kernel | an error |
//! | `sh`, `dh` | vertical stride; rows skipped between taps, 0 for a dense kernel | 1, 0 |
//! | `oh`, `ph` | rows of the output; rows of zeros above the input | see below |
//! | `iw kw sw dw ow pw` | the same for columns | as for rows |
//! | `id kd od pd` | depth, of which there may be 1 only | 1, no padding |
//! | `n"name"` | a name; ends the problem | none |
//!
//! Columns without rows are a convolution of one dimension: an image of one row.
//!
//! Without `oh` there are `ph` (or no) rows of zeros above and as many below. With `oh` there are as many below
//! as that output needs; without `ph` they are divided evenly, an odd one going below, as Keras does.

mod axis;
pub mod list;
mod of_model;
mod parse;

use std::fmt;

use nn_core::quoted::shortened;
use nn_kernels::GeometryError;
use nn_kernels::conv::ConvGeometry;
use thiserror::Error;

pub use of_model::{layer_flops, of_layer, of_model};

/// A convolution of a batch of images.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// What it is called, such as `cnn1:conv2d_1`.
    pub name: Option<String>,
    /// Images.
    pub batch: usize,
    /// One image's convolution.
    pub geometry: ConvGeometry,
}

/// Why a text is no problem.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // The messages say it.
pub enum ProblemError {
    #[error("unknown key {}, expected one of {known}", excerpt(.0), known = parse::KEYS.join(" "))]
    UnknownKey(String),
    #[error("{0} makes it a convolution of three dimensions; only those of depth 1 (id1 kd1) can be run")]
    ThreeDimensional(String),
    #[error("expected a key, got {0:?}")]
    NoKey(char),
    #[error("{key} needs a whole number below 2^32, got {}", excerpt(.text))]
    Number { key: &'static str, text: String },
    #[error("{0} is given twice")]
    Twice(&'static str),
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} must be at least 1")]
    Zero(&'static str),
    #[error("{key}{given} contradicts the other sizes, which allow {smallest} to {largest}")]
    Contradiction { key: &'static str, given: usize, smallest: i128, largest: i128 },
    #[error("a name is n\"...\" at the end, without spaces or quotes in it, got {}", excerpt(.0))]
    Name(String),
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    #[error("the batch has too many elements to be addressed")]
    TooLarge,
}

/// The beginning of a text from outside, in quotes: short enough for a number without end.
fn excerpt(text: &str) -> String {
    format!("\"{}\"", shortened(text, 40))
}

impl Problem {
    /// Elements of input, weight and output, for the whole batch.
    pub fn lengths(&self) -> [usize; 3] {
        let g = &self.geometry;
        [self.batch * g.input_len(), g.weight_len(), self.batch * g.output_len()]
    }

    /// Bytes that must move at least: input, weight and output once each, as `f32`. The same in all three
    /// directions.
    pub fn compulsory_bytes(&self) -> usize {
        self.lengths().iter().sum::<usize>() * size_of::<f32>()
    }

    /// Floating-point operations of direct convolution, the same in all three directions: two for each
    /// product of an input element and a weight. Taps that fall on padding are not counted.
    pub fn flops(&self) -> u64 {
        let g = &self.geometry;
        let rows = axis::taps(g.in_h, g.out_h, g.kh, g.stride_h, g.dilation_h, g.pad_top);
        let columns = axis::taps(g.in_w, g.out_w, g.kw, g.stride_w, g.dilation_w, g.pad_left);
        let per_tap = [2, self.batch as u64, g.out_c as u64, (g.in_c / g.groups) as u64];
        per_tap.into_iter().fold(rows.saturating_mul(columns), u64::saturating_mul)
    }

    /// The name, or the text if it has none.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.to_string())
    }

    /// The same problem with another number of images.
    ///
    /// # Errors
    /// If there are none, or too many.
    pub fn with_batch(self, batch: usize) -> Result<Self, ProblemError> {
        if batch == 0 {
            return Err(ProblemError::Zero("mb"));
        }
        let image = self.geometry.input_len().max(self.geometry.output_len());
        let bytes = image.checked_mul(batch).and_then(|elements| elements.checked_mul(8));
        if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(ProblemError::TooLarge);
        }
        Ok(Self { batch, ..self })
    }
}

/// The canonical text: everything that is not a default, and always batch, sizes and leading padding.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let g = &self.geometry;
        if g.groups != 1 {
            write!(f, "g{}", g.groups)?;
        }
        let rows = [g.in_h, g.out_h, g.kh, g.stride_h, g.dilation_h, g.pad_top];
        let columns = [g.in_w, g.out_w, g.kw, g.stride_w, g.dilation_w, g.pad_left];
        let square = rows == columns;
        let axes = |f: &mut fmt::Formatter, key: char, place: usize, shift: usize| {
            write!(f, "{key}h{}", rows[place] - shift)?;
            if square { Ok(()) } else { write!(f, "{key}w{}", columns[place] - shift) }
        };
        write!(f, "mb{}_ic{}", self.batch, g.in_c)?;
        axes(f, 'i', 0, 0)?;
        write!(f, "_oc{}", g.out_c)?;
        axes(f, 'o', 1, 0)?;
        f.write_str("_")?;
        axes(f, 'k', 2, 0)?;
        if (g.stride_h, g.stride_w) != (1, 1) {
            axes(f, 's', 3, 0)?;
        }
        if (g.dilation_h, g.dilation_w) != (1, 1) {
            axes(f, 'd', 4, 1)?;
        }
        axes(f, 'p', 5, 0)?;
        match &self.name {
            Some(name) => write!(f, "_n\"{name}\""),
            None => Ok(()),
        }
    }
}
