//! Verifying before timing: results beside those of `nn_kernels::reference`, element by element.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a result may lie from the exact one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Each element within the rounding error of its own sum of `k` products, `(8 + sqrt(k))·u·(|A|·|B|)`
    /// with `u = 2^-24`.
    Element,
    /// Each element within that bound of the largest element, times this factor: for algorithms that
    /// transform, and so spread rounding errors among neighbouring elements.
    Largest(u32),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(8 + sqrt k)·2^-24·")?;
        match self {
            Self::Element => f.write_str("|A||B|"),
            Self::Largest(factor) => write!(f, "max |A||B|·{factor}"),
        }
    }
}

/// What a kernel should give, and how precisely.
#[derive(Debug)]
pub struct Expected {
    /// The result in `f64`.
    pub values: Vec<f64>,
    /// The same with absolute values of all operands: `|A|·|B|`.
    pub magnitudes: Vec<f64>,
    /// Products in the longest sum.
    pub depth: usize,
}

/// A result that is right.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Verified {
    /// Images or rows that were compared ...
    pub checked: usize,
    /// ... of so many.
    pub of: usize,
    /// The largest error in units of the bound; at most 1.
    pub worst: f64,
}

/// A result that is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "element {index} is {got:e}, expected {expected:e} within {bound:e} ({wrong} of {of} elements are wrong)"
)]
#[allow(missing_docs)] // The message says it.
pub struct Wrong {
    pub index: usize,
    pub got: f32,
    pub expected: f64,
    pub bound: f64,
    pub wrong: usize,
    pub of: usize,
}

impl Expected {
    /// The largest error of `got` in units of the bound.
    ///
    /// # Errors
    /// If it is above 1, or any element is not a number; tells of the worst.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn compare(&self, got: &[f32], bound: Bound) -> Result<f64, Wrong> {
        assert_eq!(got.len(), self.values.len(), "length of the result");
        let unit = (8.0 + (self.depth as f64).sqrt()) * 2f64.powi(-24);
        let largest = self.magnitudes.iter().copied().fold(0.0, f64::max);
        let mut worst = 0.0;
        let mut wrong: Option<(f64, Wrong)> = None;
        for (index, (&got, &expected)) in got.iter().zip(&self.values).enumerate() {
            let bound = unit
                * match bound {
                    Bound::Element => self.magnitudes[index],
                    Bound::Largest(factor) => f64::from(factor) * largest,
                };
            let error = (f64::from(got) - expected).abs();
            // NaN counts as infinitely wrong; an exact result is right where the bound is zero.
            let ratio = if error == 0.0 { 0.0 } else { error / bound };
            let ratio = if ratio.is_nan() { f64::INFINITY } else { ratio };
            worst = f64::max(worst, ratio);
            if ratio > 1.0 {
                let count = wrong.as_ref().map_or(0, |(_, w)| w.wrong) + 1;
                let is_worse = wrong.as_ref().is_none_or(|(worst, _)| ratio > *worst);
                if is_worse {
                    wrong =
                        Some((ratio, Wrong { index, got, expected, bound, wrong: 0, of: self.values.len() }));
                }
                wrong.as_mut().expect("set above").1.wrong = count;
            }
        }
        wrong.map_or(Ok(worst), |(_, wrong)| Err(wrong))
    }
}

/// Which of `len` things to compare if there is time for `affordable` of them: at least one, the first and the
/// last among them, evenly spaced.
pub fn choose(len: usize, affordable: usize) -> Vec<usize> {
    match affordable.clamp(1, len) {
        1 => vec![len - 1],
        count => (0..count).map(|i| i * (len - 1) / (count - 1)).collect(),
    }
}

/// Multiply-adds that a verification by the reference may cost.
pub const AFFORDABLE_MACS: u64 = 1 << 26;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_measured_by_the_bound() {
        let expected = Expected { values: vec![1.0, 4.0, 0.0], magnitudes: vec![1.0, 4.0, 0.0], depth: 1 };
        let unit = 9.0 * 2f64.powi(-24);
        let off = |units: f64| [1.0, (4.0 + 4.0 * units * unit) as f32, 0.0];
        assert_eq!(expected.compare(&[1.0, 4.0, 0.0], Bound::Element), Ok(0.0));
        assert!((expected.compare(&off(0.8), Bound::Element).unwrap() - 0.8).abs() < 0.1);
        let wrong = expected.compare(&off(3.0), Bound::Element).unwrap_err();
        assert_eq!((wrong.index, wrong.wrong, wrong.of), (1, 1, 3));
        assert!(expected.compare(&off(3.0), Bound::Largest(4)).is_ok());
        // The first is off by more of its own bound than the second.
        let wrong = expected.compare(&[1.1, 4.1, 0.0], Bound::Element).unwrap_err();
        assert_eq!((wrong.index, wrong.wrong), (0, 2));
    }

    #[test]
    fn what_is_not_a_number_or_should_be_zero_is_found() {
        let expected = Expected { values: vec![1.0, 0.0], magnitudes: vec![1.0, 0.0], depth: 1 };
        for bound in [Bound::Element, Bound::Largest(8)] {
            assert_eq!(expected.compare(&[f32::NAN, 0.0], bound).unwrap_err().index, 0);
            assert_eq!(expected.compare(&[f32::INFINITY, 0.0], bound).unwrap_err().index, 0);
        }
        assert_eq!(expected.compare(&[1.0, 1e-30], Bound::Element).unwrap_err().index, 1);
    }

    #[test]
    fn the_chosen_are_spread_from_first_to_last() {
        assert_eq!(choose(256, 1), [255]);
        assert_eq!(choose(256, 0), [255]);
        assert_eq!(choose(256, 3), [0, 127, 255]);
        assert_eq!(choose(4, 9), [0, 1, 2, 3]);
        assert_eq!(choose(1, 5), [0]);
    }
}
