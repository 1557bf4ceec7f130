use ndarray::{Array2, ArrayView2};

use crate::Real;

/// `C = A·B`, each element one `f64` sum.
///
/// # Shapes
/// `a`: `[m, k]`, `b`: `[k, n]`; returns `[m, n]`.
pub fn gemm<R: Real>(a: ArrayView2<R>, b: ArrayView2<R>) -> Array2<R> {
    Array2::from_shape_fn((a.nrows(), b.ncols()), |(i, j)| {
        // Not `sum()`, which starts at -0.
        R::of((0..a.ncols()).fold(0.0, |sum, p| sum + a[(i, p)].as_f64() * b[(p, j)].as_f64()))
    })
}
