use ndarray::Axis;
use nn_kernels::Real;

use crate::error::TrainError;
use crate::shape::Shape;
use crate::tensor::{Elements, Tensor};

/// What a batch should give: one class number per sample, or one row of values per sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets<R> {
    /// Class numbers from 0.
    Classes(Vec<usize>),
    /// Values `[n, width]` in row-major order: one-hot or soft labels, or numbers to regress.
    Values {
        /// Values per sample.
        width: usize,
        /// All rows, one after the other.
        rows: Vec<R>,
    },
}

impl<R: Real> Targets<R> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Values { width, rows } => rows.len() / width,
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of sample `i`: the largest value's place if it is given as values.
    pub fn class(&self, i: usize) -> usize {
        match self {
            Self::Classes(classes) => classes[i],
            Self::Values { width, rows } => crate::metrics::argmax(&rows[i * width..][..*width]),
        }
    }

    /// Writes the target of sample `i` to `row`; a class number as one-hot.
    ///
    /// # Panics
    /// If the class number or the width does not fit `row`.
    pub fn write_row(&self, i: usize, row: &mut [f64]) {
        match self {
            Self::Classes(classes) => {
                row.fill(0.0);
                row[classes[i]] = 1.0;
            }
            Self::Values { width, rows } => {
                assert_eq!(*width, row.len(), "width of the targets");
                for (to, from) in row.iter_mut().zip(&rows[i * width..]) {
                    *to = from.as_f64();
                }
            }
        }
    }

    /// Checks that the targets fit a network's output shape.
    ///
    /// # Errors
    /// The problem in words, with the number of the first sample that does not fit.
    pub fn check(&self, output: &Shape) -> Result<(), String> {
        match self {
            Self::Classes(classes) => {
                let Some(&count) = output.last().filter(|_| output.len() == 1) else {
                    return Err(format!("class numbers do not fit an output of shape {output}"));
                };
                match classes.iter().position(|&class| class >= count) {
                    Some(i) => {
                        let (class, last) = (classes[i], count - 1);
                        Err(format!(
                            "sample {i} has class {class}, but the network has {count} outputs, for classes 0 to {last}"
                        ))
                    }
                    None => Ok(()),
                }
            }
            Self::Values { width, .. } if *width != output.elements() => {
                let outputs = output.elements();
                Err(format!("targets of {width} values, but the network has {outputs} outputs {output}"))
            }
            Self::Values { width, rows } => match rows.iter().position(|value| !value.is_finite()) {
                Some(i) => Err(format!("sample {} has the target value {}", i / width, rows[i])),
                None => Ok(()),
            },
        }
    }

    /// The targets of the samples at `indices`.
    pub fn select(&self, indices: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(indices.iter().map(|&i| classes[i]).collect()),
            Self::Values { width, rows } => {
                let row = |&i: &usize| rows[i * width..][..*width].iter().copied();
                Self::Values { width: *width, rows: indices.iter().flat_map(row).collect() }
            }
        }
    }
}

/// Samples that can be asked for by number.
///
/// A data set may compute its samples when asked (decode, scale, augment). What it returns may depend on the
/// epoch and the sample's number, and on nothing else, so that a run can be repeated and resumed.
pub trait Dataset<R: Real>: Sync {
    /// Number of samples.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shape of one sample.
    fn sample_shape(&self) -> Shape;

    /// How many classes there are, also where some have no sample: a network for the data must have an output for each.
    /// `None`, the default, if that is not known.
    fn classes(&self) -> Option<usize> {
        None
    }

    /// Checks that the targets fit a network's output shape.
    ///
    /// # Errors
    /// The problem in words, with the number of the first sample that does not fit.
    fn check_targets(&self, output: &Shape) -> Result<(), String>;

    /// Writes the samples at `indices`, as they are in `epoch` (from 0), to `x`, one after the other in
    /// row-major order, and returns their targets.
    fn batch(&self, epoch: u64, indices: &[usize], x: &mut [R]) -> Targets<R>;
}

/// A data set that lies in memory as arrays.
#[derive(Debug, Clone)]
pub struct ArrayDataset<R: Real> {
    x: Tensor<R>,
    targets: Targets<R>,
}

impl<R: Real> ArrayDataset<R> {
    /// Samples along the first axis of `x`, each with its target.
    ///
    /// # Errors
    /// If there are not as many targets as samples.
    pub fn new(x: Tensor<R>, targets: Targets<R>) -> Result<Self, TrainError> {
        if x.ndim() < 2 || x.shape()[0] != targets.len() {
            let shape = x.shape();
            let problem = format!("{} targets for samples of shape {shape:?} (samples first)", targets.len());
            return Err(TrainError::Data(problem));
        }
        Ok(Self { x: x.as_standard_layout().into_owned().into_shared(), targets })
    }
}

impl<R: Real> Dataset<R> for ArrayDataset<R> {
    fn len(&self) -> usize {
        self.x.len_of(Axis(0))
    }

    fn sample_shape(&self) -> Shape {
        Shape::new(&self.x.shape()[1..])
    }

    fn check_targets(&self, output: &Shape) -> Result<(), String> {
        self.targets.check(output)
    }

    fn batch(&self, _epoch: u64, indices: &[usize], x: &mut [R]) -> Targets<R> {
        let len = self.sample_shape().elements();
        for (sample, &i) in x.chunks_exact_mut(len).zip(indices) {
            sample.copy_from_slice(&self.x.elements()[i * len..][..len]);
        }
        self.targets.select(indices)
    }
}
