//! The one-dimensional transforms against matrices that are derived another way, and against published ones.
//!
//! Multiplying a polynomial with `m` coefficients by one with `r` is evaluating both at `n = m + r - 1` points,
//! multiplying the values, and interpolating: `V^-1 [(E_m a) ⊙ (E_r g)]` with `V = E_n`. Winograd's algorithm is the
//! transpose of that with respect to `a`: `y = E_m^T [(E_r g) ⊙ (V^-T d)]`. Here `V` is written down and inverted by
//! elimination; `B^T` and `G` differ from `V^-T` and `E_r` by factors of the points.

use super::transform::{collect, data, data_transposed, evaluate, points, scaled};
use crate::isa::dispatch;
use crate::simd::{Kernel, Simd};
use crate::{Isa, Real};

type Matrix = Vec<Vec<f64>>;

/// Declares a kernel that applies a transform to vectors whose lane `i` holds `2^i` times the given values. Returns the
/// results of each lane, divided by `2^i`.
macro_rules! kernel {
    ($name:ident: $from:ident -> $to:ident, $transform:expr) => {
        struct $name<const L: usize, const N: usize>(Vec<f64>);

        impl<R: Real, const L: usize, const N: usize> Kernel<R> for $name<L, N> {
            type Output = Matrix;

            #[inline(always)]
            fn run<S: Simd<R>>(self, simd: S) -> Matrix {
                let mut input = [simd.splat(R::ZERO); $from];
                for (v, value) in input.iter_mut().zip(self.0) {
                    let lanes: Vec<R> = (0..S::LANES).map(|lane| R::of(power(lane) * value)).collect();
                    *v = simd.load(&lanes);
                }
                let output: [S::V; $to] = $transform(simd, input);
                let mut results = vec![vec![f64::NAN; $to]; S::LANES];
                for (i, v) in output.into_iter().enumerate() {
                    let mut values = vec![R::ZERO; S::LANES];
                    simd.store(v, &mut values);
                    for (lane, value) in values.into_iter().enumerate() {
                        results[lane][i] = value.as_f64() / power(lane);
                    }
                }
                results
            }
        }
    };
}

fn power(lane: usize) -> f64 {
    2f64.powi(lane as i32)
}

kernel!(Data: N -> N, data::<R, S, N>);
kernel!(DataTransposed: N -> N, data_transposed::<R, S, N>);
kernel!(Scaled: N -> N, scaled::<R, S, N>);
kernel!(Evaluate: L -> N, evaluate::<R, S, L, N>);
kernel!(Collect: N -> L, collect::<R, S, L, N>);

/// What a kernel makes of `values`, the same in every lane.
fn apply<R: Real, K: Kernel<R, Output = Matrix>>(kernel: K) -> Vec<f64> {
    let lanes = dispatch::<R, _>(kernel);
    assert!(lanes.iter().all(|lane| *lane == lanes[0]), "lanes on {}: {lanes:?}", Isa::current());
    lanes[0].clone()
}

/// The matrix by which a kernel multiplies, column by column.
fn matrix_of<R: Real, K: Kernel<R, Output = Matrix>>(
    columns: usize,
    kernel: impl Fn(Vec<f64>) -> K,
) -> Matrix {
    transposed(&identity(columns).into_iter().map(|unit| apply::<R, _>(kernel(unit))).collect::<Matrix>())
}

#[track_caller]
fn assert_near<R: Real>(what: &str, got: &[Vec<f64>], expected: &[Vec<f64>]) {
    let tolerance = 64.0 * R::epsilon().as_f64();
    assert_eq!((got.len(), got[0].len()), (expected.len(), expected[0].len()), "{what}");
    for (i, (got, expected)) in got.iter().flatten().zip(expected.iter().flatten()).enumerate() {
        let near = (got - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(near, "{what} on {}: element {i} is {got}, expected {expected}", Isa::current());
    }
}

fn transposed(matrix: &[Vec<f64>]) -> Matrix {
    (0..matrix[0].len()).map(|j| matrix.iter().map(|row| row[j]).collect()).collect()
}

/// `0, p, -p, ..`: all points but infinity.
fn finite_points(n: usize) -> Vec<f64> {
    [0.0].into_iter().chain(points(n).iter().flat_map(|&p| [p, -p])).collect()
}

/// `E_len [n, len]`: powers of each point; infinity takes the last coefficient.
fn evaluation(n: usize, len: usize) -> Matrix {
    let powers = |p: f64| (0..len).map(|k| p.powi(k as i32)).collect();
    let infinity = (0..len).map(|k| if k + 1 == len { 1.0 } else { 0.0 }).collect();
    finite_points(n).into_iter().map(powers).chain([infinity]).collect()
}

/// For each point the product of its differences to all other finite points; 1 for infinity.
fn differences(n: usize) -> Vec<f64> {
    let all = finite_points(n);
    let product = |&p: &f64| all.iter().filter(|&&q| q != p).map(|q| p - q).product();
    all.iter().map(product).chain([1.0]).collect()
}

fn identity(n: usize) -> Matrix {
    (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect()
}

/// Gauss & Jordan, with the largest pivot.
fn inverse(matrix: &[Vec<f64>]) -> Matrix {
    let n = matrix.len();
    let mut rows: Matrix = matrix.to_vec();
    for (row, unit) in rows.iter_mut().zip(identity(n)) {
        row.extend(unit);
    }
    for k in 0..n {
        let pivot =
            (k..n).max_by(|&i, &j| rows[i][k].abs().total_cmp(&rows[j][k].abs())).expect("one at least");
        rows.swap(k, pivot);
        let scale = rows[k][k];
        rows[k].iter_mut().for_each(|value| *value /= scale);
        let pivot_row = rows[k].clone();
        for (i, row) in rows.iter_mut().enumerate() {
            let factor = row[k];
            if i != k {
                row.iter_mut().zip(&pivot_row).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    rows.into_iter().map(|row| row[n..].to_vec()).collect()
}

/// Each row of a matrix times its factor.
fn scaled_rows(matrix: Matrix, factors: &[f64]) -> Matrix {
    let times = |(row, factor): (Vec<f64>, &f64)| row.into_iter().map(|value| value * factor).collect();
    matrix.into_iter().zip(factors).map(times).collect()
}

fn check_square<R: Real, const N: usize>() {
    let differences = differences(N);
    let data_matrix = scaled_rows(transposed(&inverse(&evaluation(N, N))), &differences);
    assert_near::<R>("data", &matrix_of::<R, _>(N, Data::<0, N>), &data_matrix);
    let transposed_data = matrix_of::<R, _>(N, DataTransposed::<0, N>);
    assert_near::<R>("data_transposed", &transposed_data, &transposed(&data_matrix));
    let reciprocals: Vec<f64> = differences.iter().map(|difference| 1.0 / difference).collect();
    let scale_matrix = scaled_rows(identity(N), &reciprocals);
    assert_near::<R>("scaled", &matrix_of::<R, _>(N, Scaled::<0, N>), &scale_matrix);
}

fn check_evaluation<R: Real, const L: usize, const N: usize>() {
    let expected = evaluation(N, L);
    assert_near::<R>("evaluate", &matrix_of::<R, _>(L, Evaluate::<L, N>), &expected);
    assert_near::<R>("collect", &matrix_of::<R, _>(N, Collect::<L, N>), &transposed(&expected));
}

fn check_matrices<R: Real>() {
    check_square::<R, 4>();
    check_square::<R, 6>();
    check_square::<R, 8>();
    // F(2, 3); F(4, 3) and F(2, 5); F(6, 3) and F(4, 5).
    check_evaluation::<R, 2, 4>();
    check_evaluation::<R, 3, 4>();
    check_evaluation::<R, 2, 6>();
    check_evaluation::<R, 3, 6>();
    check_evaluation::<R, 4, 6>();
    check_evaluation::<R, 5, 6>();
    check_evaluation::<R, 3, 8>();
    check_evaluation::<R, 4, 8>();
    check_evaluation::<R, 5, 8>();
    check_evaluation::<R, 6, 8>();
}

#[test]
#[cfg_attr(miri, ignore)] // Slow, and all arithmetic.
fn transforms_multiply_by_their_matrices() {
    check_matrices::<f64>();
    for isa in Isa::available() {
        isa.scope(check_matrices::<f32>);
    }
}

/// `A^T [(G g) ⊙ (B^T d)]`
fn filtered<R: Real, const M: usize, const T: usize, const N: usize>(g: &[f64; T], d: &[f64; N]) -> Vec<f64> {
    let g = apply::<R, _>(Scaled::<0, N>(apply::<R, _>(Evaluate::<T, N>(g.to_vec()))));
    let d = apply::<R, _>(Data::<0, N>(d.to_vec()));
    apply::<R, _>(Collect::<M, N>(g.iter().zip(&d).map(|(g, d)| g * d).collect()))
}

/// `G^T [(A dy) ⊙ (B^T d)]`
fn filter_gradient<R: Real, const M: usize, const T: usize, const N: usize>(
    dy: &[f64; M],
    d: &[f64; N],
) -> Vec<f64> {
    let dy = apply::<R, _>(Evaluate::<M, N>(dy.to_vec()));
    let d = apply::<R, _>(Data::<0, N>(d.to_vec()));
    let product = dy.iter().zip(&d).map(|(dy, d)| dy * d).collect();
    apply::<R, _>(Collect::<T, N>(apply::<R, _>(Scaled::<0, N>(product))))
}

/// `y[i] = sum over k of a[k]·d[i + k]`
fn correlation(a: &[f64], d: &[f64]) -> Vec<f64> {
    (0..=d.len() - a.len()).map(|i| a.iter().zip(&d[i..]).map(|(a, d)| a * d).sum()).collect()
}

/// Small integers that repeat late.
fn sequence<const L: usize>(start: usize) -> [f64; L] {
    std::array::from_fn(|i| ((start + 7 * i * i + 3 * i) % 9) as f64 - 4.0)
}

fn check_correlation<R: Real, const M: usize, const T: usize, const N: usize>() {
    for start in 0..50 {
        let (g, d, dy) = (sequence::<T>(start), sequence::<N>(start / 2), sequence::<M>(start / 3));
        let (y, expected) = (filtered::<R, M, T, N>(&g, &d), correlation(&g, &d));
        let (dg, expected_dg) = (filter_gradient::<R, M, T, N>(&dy, &d), correlation(&dy, &d));
        if N == 4 {
            assert_eq!((y, dg), (expected, expected_dg), "F({M}, {T}) is exact, on {}", Isa::current());
        } else {
            let near = |got: &[f64], expected: &[f64]| {
                let error = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(
                    error < 4096.0 * R::epsilon().as_f64(),
                    "F({M}, {T}): {got:?}, expected {expected:?}"
                );
            };
            near(&y, &expected);
            near(&dg, &expected_dg);
        }
    }
}

fn check_correlations<R: Real>() {
    check_correlation::<R, 2, 3, 4>();
    check_correlation::<R, 4, 3, 6>();
    check_correlation::<R, 2, 5, 6>();
    check_correlation::<R, 6, 3, 8>();
    check_correlation::<R, 4, 5, 8>();
}

#[test]
#[cfg_attr(miri, ignore)] // Slow, and all arithmetic.
fn transforms_make_a_correlation_and_its_gradient() {
    check_correlations::<f64>();
    for isa in Isa::available() {
        isa.scope(check_correlations::<f32>);
    }
}

/// The factor by which `published` is a multiple of `ours`.
#[track_caller]
fn factor(published: &[f64], ours: &[f64]) -> f64 {
    let k = ours.iter().position(|value| value.abs() > 1e-9).expect("not zero");
    let factor = published[k] / ours[k];
    let same = published.iter().zip(ours).all(|(published, ours)| (published - factor * ours).abs() < 1e-12);
    assert!(same, "{ours:?} is not a multiple of {published:?}");
    factor
}

/// Lavin & Gray (2016) choose other signs and put the factors elsewhere: for each point the three factors, of `B^T`'s row,
/// `G`'s row and `A^T`'s column, must cancel.
fn check_published<const M: usize, const N: usize>(b: &[[f64; N]; N], g: &[[f64; 3]; N], a: &[[f64; N]; M]) {
    let our_b = matrix_of::<f64, _>(N, Data::<0, N>);
    let our_g = matrix_of::<f64, _>(3, |g| Scaled::<0, N>(apply::<f64, _>(Evaluate::<3, N>(g))));
    let our_a = matrix_of::<f64, _>(M, Evaluate::<M, N>);
    for i in 0..N {
        let a: Vec<f64> = a.iter().map(|row| row[i]).collect();
        let product = factor(&b[i], &our_b[i]) * factor(&g[i], &our_g[i]) * factor(&a, &our_a[i]);
        assert!((product - 1.0).abs() < 1e-12, "point {i}: the factors' product is {product}");
    }
}

#[test]
#[cfg_attr(miri, ignore)] // Slow, and all arithmetic.
fn matrices_are_the_published_ones() {
    check_published::<2, 4>(
        &[[1.0, 0.0, -1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, -1.0, 1.0, 0.0], [0.0, 1.0, 0.0, -1.0]],
        &[[1.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.0, 0.0, 1.0]],
        &[[1.0, 1.0, 1.0, 0.0], [0.0, 1.0, -1.0, -1.0]],
    );
    let (sixth, twelfth, twenty_fourth) = (1.0 / 6.0, 1.0 / 12.0, 1.0 / 24.0);
    check_published::<4, 6>(
        &[
            [4.0, 0.0, -5.0, 0.0, 1.0, 0.0],
            [0.0, -4.0, -4.0, 1.0, 1.0, 0.0],
            [0.0, 4.0, -4.0, -1.0, 1.0, 0.0],
            [0.0, -2.0, -1.0, 2.0, 1.0, 0.0],
            [0.0, 2.0, -1.0, -2.0, 1.0, 0.0],
            [0.0, 4.0, 0.0, -5.0, 0.0, 1.0],
        ],
        &[
            [0.25, 0.0, 0.0],
            [-sixth, -sixth, -sixth],
            [-sixth, sixth, -sixth],
            [twenty_fourth, twelfth, sixth],
            [twenty_fourth, -twelfth, sixth],
            [0.0, 0.0, 1.0],
        ],
        &[
            [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
            [0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
            [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
            [0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
        ],
    );
}
