//! The whitening matrix, from the singular values of the centred images.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Mat, MatRef, Par};
use ndarray::{Array2, ArrayView2, Axis, Slice};
use nn_core::kernels::gemm::{Update, gemm};
use nn_core::kernels::parallel::for_each_chunk;

use super::AugmentError;

/// Images that are added to the scatter matrix at a time, and columns of it that are computed at a time.
const ROWS: usize = 512;
const COLUMNS: usize = 256;

/// `W [d, d] = U·diag(sqrt(n) / (s + epsilon))·U^T`, where `X^T = U·diag(s)·V^T` and the rows of `X` `[n, d]` are the
/// centred images (Keras's form of Bell & Sejnowski, 1997).
///
/// `U` and `s²` are the eigenvectors and eigenvalues of `X^T·X`, or come from those of `X·X^T` where that is smaller.
/// Directions in which the images do not extend, by the precision of `f64`, are left out: Keras divides rounding errors
/// by one another there.
pub(super) fn whitening_matrix(
    n: usize,
    d: usize,
    epsilon: f64,
    centred: &(dyn Fn(usize, &mut [f64]) + Sync),
) -> Result<Array2<f32>, AugmentError> {
    let directions = if n < d { directions_of_few(n, d, centred) } else { eigen(&scatter(n, d, centred)) };
    let (squares, vectors) = directions.ok_or(AugmentError::Eigenvalues(n.min(d)))?;
    // In ascending order: the first ones may be rounding errors of the largest.
    let noise = squares.last().copied().unwrap_or_default() * d as f64 * f64::EPSILON;
    let first = squares.iter().position(|&square| square > noise).unwrap_or(squares.len());
    let vectors = vectors.slice_axis(Axis(0), Slice::from(first..));
    let mut scaled = vectors.to_owned();
    for (mut vector, square) in scaled.axis_iter_mut(Axis(0)).zip(&squares[first..]) {
        vector *= (n as f64).sqrt() / (square.sqrt() + epsilon);
    }
    let mut whitening = Array2::<f64>::zeros((d, d));
    // W [d, d] = U [d, kept] · (U·diag)^T [kept, d]
    gemm(vectors.t(), scaled.view(), whitening.view_mut(), Update::Assign);
    Ok(whitening.mapv(|value| value as f32))
}

/// `X^T·X` in `f64`, its lower triangle; what lies above it is unspecified.
fn scatter(n: usize, d: usize, centred: &(dyn Fn(usize, &mut [f64]) + Sync)) -> Array2<f64> {
    let mut scatter = Array2::zeros((d, d));
    let mut buffer = vec![0.0; ROWS.min(n) * d];
    for start in (0..n).step_by(ROWS) {
        let rows = ROWS.min(n - start);
        let part = &mut buffer[..rows * d];
        for_each_chunk(part, d, |i, row| centred(start + i, row));
        let x = ArrayView2::from_shape((rows, d), &*part).expect("rows of d values");
        for column in (0..d).step_by(COLUMNS) {
            let columns = column..d.min(column + COLUMNS);
            // X^T·X [d - column, columns] += X^T [d - column, rows] · X [rows, columns]
            let from = x.slice_axis(Axis(1), Slice::from(column..));
            let mut below = scatter.slice_axis_mut(Axis(0), Slice::from(column..));
            let below = below.slice_axis_mut(Axis(1), Slice::from(columns.clone()));
            gemm(from.t(), x.slice_axis(Axis(1), Slice::from(columns)), below, Update::Add);
        }
    }
    scatter
}

/// `s²` in ascending order and `U^T` of fewer images than values: with `X·X^T = V·diag(s²)·V^T`, `U = X^T·V / s`. Rows
/// of which `s` is 0 are not finite.
fn directions_of_few(
    n: usize,
    d: usize,
    centred: &(dyn Fn(usize, &mut [f64]) + Sync),
) -> Option<(Vec<f64>, Array2<f64>)> {
    let mut x = vec![0.0; n * d];
    for_each_chunk(&mut x, d, centred);
    let x = ArrayView2::from_shape((n, d), &x).expect("n rows of d values");
    let (mut gram, mut directions) = (Array2::zeros((n, n)), Array2::zeros((n, d)));
    // X·X^T [n, n] = X [n, d] · X^T [d, n]
    gemm(x, x.t(), gram.view_mut(), Update::Assign);
    let (squares, v) = eigen(&gram)?;
    // diag(s)·U^T [n, d] = V^T [n, n] · X [n, d]
    gemm(v.view(), x, directions.view_mut(), Update::Assign);
    for (mut direction, square) in directions.axis_iter_mut(Axis(0)).zip(&squares) {
        direction /= square.sqrt();
    }
    Some((squares, directions))
}

/// Eigenvalues in ascending order, and the eigenvectors as rows. On one thread, so that the result does not depend on
/// their number.
fn eigen(symmetric: &Array2<f64>) -> Option<(Vec<f64>, Array2<f64>)> {
    let d = symmetric.nrows();
    let (mut values, mut vectors) = (Diag::<f64>::zeros(d), Mat::<f64>::zeros(d, d));
    let scratch = self_adjoint_evd_scratch::<f64>(d, ComputeEigenvectors::Yes, Par::Seq, Default::default());
    self_adjoint_evd(
        MatRef::from_row_major_slice(symmetric.as_slice()?, d, d),
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Default::default(),
    )
    .ok()?;
    let values = values.column_vector().iter().copied().collect();
    Some((values, Array2::from_shape_fn((d, d), |(i, j)| vectors[(j, i)])))
}
