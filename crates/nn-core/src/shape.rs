use std::fmt;
use std::ops::Deref;

use nn_kernels::GeometryError;

/// The shape of one sample: a tensor's axes without the batch.
///
/// Prints as Keras does, with `None` for the batch: `(None, 48, 48, 1)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape(Vec<usize>);

impl Shape {
    /// A shape with the given axes.
    pub fn new(axes: impl Into<Vec<usize>>) -> Self {
        Self(axes.into())
    }

    /// Elements of one sample.
    pub fn elements(&self) -> usize {
        self.0.iter().product()
    }

    /// # Errors
    /// If one sample has more elements than this machine can address; `what` names it in the message.
    pub(crate) fn check_addressable(&self, what: &'static str) -> Result<(), GeometryError> {
        let bytes = self.0.iter().try_fold(size_of::<f64>(), |bytes, &axis| bytes.checked_mul(axis));
        let addressable = bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok());
        if addressable { Ok(()) } else { Err(GeometryError::Overflow { what }) }
    }

    /// The axes of a batch of `n` samples.
    pub fn batch(&self, n: usize) -> Vec<usize> {
        let mut axes = Vec::with_capacity(self.0.len() + 1);
        axes.push(n);
        axes.extend_from_slice(&self.0);
        axes
    }
}

impl Deref for Shape {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(None")?;
        for axis in &self.0 {
            write!(f, ", {axis}")?;
        }
        f.write_str(")")
    }
}
