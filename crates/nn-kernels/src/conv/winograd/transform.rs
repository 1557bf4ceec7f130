//! The one-dimensional transforms of Winograd's algorithm `F(m, r)`, for every tile size from one derivation.
//!
//! `F(m, r)` computes `m` outputs of a filter with `r` taps from `n = m + r - 1` inputs with `n` multiplications
//! instead of `m·r`. It is multiplication of polynomials by evaluation at points, read backwards: choose the points
//! `0`, `±p` for each `p` of [`points`], and infinity. Then (Winograd, 1980; Lavin & Gray, 2016)
//!
//! ```text
//! y = A^T [ (G g) ⊙ (B^T d) ]
//! ```
//!
//! | matrix | size | its action here |
//! |---|---|---|
//! | `A = E_m` | `n x m` | [`evaluate`]: the polynomial with `m` given coefficients, at each point |
//! | `A^T` | `m x n` | [`collect`]: the transpose |
//! | `G = diag(s)·E_r` | `n x r` | [`evaluate`], then each value times its [`scale`] |
//! | `B^T` | `n x n` | [`data`]: row `i` holds the coefficients of the product of `(x - q)` over all finite points `q` but the `i`-th |
//!
//! The algorithm is bilinear in `g` and `d`, so the gradients use the transposes of the same matrices:
//! `dg = G^T [ (A dy) ⊙ (B^T d) ]` and `dd = B [ (G g) ⊙ (A dy) ]`.
//!
//! Points come in pairs `±p`, which halves the work: what is even in `p` and what is odd is summed once for both.

use crate::Real;
use crate::simd::Simd;

/// The positive points; `n = 2·points + 2` with their negatives, zero and infinity.
pub(super) const fn points(n: usize) -> &'static [f64] {
    match n {
        4 => &[1.0],
        6 => &[1.0, 2.0],
        8 => &[1.0, 2.0, 0.5],
        _ => panic!("no points were chosen for this tile"),
    }
}

/// Coefficients, lowest power first, of `product of (z - q²)` over the points `q` but the one with number `without`.
const fn quotient<const N: usize>(without: usize) -> [f64; N] {
    let mut product = [0.0; N];
    product[0] = 1.0;
    let mut i = 0;
    while i < points(N).len() {
        if i != without {
            let square = points(N)[i] * points(N)[i];
            let mut k = N - 1;
            while k > 0 {
                product[k] = product[k - 1] - square * product[k];
                k -= 1;
            }
            product[0] *= -square;
        }
        i += 1;
    }
    product
}

/// The factors `s` of `G`: one over the product of differences of a point to all other finite points.
///
/// In the order of all transforms' rows: `0`, then `p`, `-p` for each point, then infinity.
pub(super) const fn scale<const N: usize>() -> [f64; N] {
    let mut scale = [1.0; N];
    scale[0] = 1.0 / quotient::<N>(usize::MAX)[0];
    let mut i = 0;
    while i < points(N).len() {
        let square = points(N)[i] * points(N)[i];
        let mut differences = 2.0 * square;
        let mut j = 0;
        while j < points(N).len() {
            if j != i {
                differences *= square - points(N)[j] * points(N)[j];
            }
            j += 1;
        }
        scale[1 + 2 * i] = 1.0 / differences;
        scale[2 + 2 * i] = 1.0 / differences;
        i += 1;
    }
    scale
}

/// The point with number `i`. Code for more points than there are is compiled, though never run.
const fn point(n: usize, i: usize) -> f64 {
    if i < points(n).len() { points(n)[i] } else { 1.0 }
}

/// `1, p, p², ..` for the point with number `i`.
const fn powers<const N: usize>(i: usize) -> [f64; N] {
    let mut powers = [1.0; N];
    let mut k = 1;
    while k < N {
        powers[k] = powers[k - 1] * point(N, i);
        k += 1;
    }
    powers
}

/// Calls `$pair::<.., i, N>` for the number `i` of each point: with `i` known to the compiler, coefficients are constants
/// and what is multiplied by zero or one disappears.
macro_rules! for_each_point {
    ($pair:ident::<$($generic:ident),*>($($argument:expr),*)) => {
        $pair::<$($generic,)* 0, N>($($argument),*);
        if points(N).len() > 1 {
            $pair::<$($generic,)* 1, N>($($argument),*);
        }
        if points(N).len() > 2 {
            $pair::<$($generic,)* 2, N>($($argument),*);
        }
    };
}

/// `sum over k of coefficients[k] · d[first + 2k]` for `k` up to `last`, whose coefficient is 1.
#[inline(always)]
fn every_second<R: Real, S: Simd<R>, const N: usize>(
    simd: S,
    d: &[S::V; N],
    first: usize,
    coefficients: &[f64; N],
    last: usize,
) -> S::V {
    let mut sum = d[first + 2 * last];
    // Written out, because the compiler does not always unroll the loop.
    if last > 2 {
        sum = simd.mul_add(simd.splat(R::of(coefficients[2])), d[first + 4], sum);
    }
    if last > 1 {
        sum = simd.mul_add(simd.splat(R::of(coefficients[1])), d[first + 2], sum);
    }
    if last > 0 {
        sum = simd.mul_add(simd.splat(R::of(coefficients[0])), d[first], sum);
    }
    sum
}

/// `B^T d`.
#[inline(always)]
pub(super) fn data<R: Real, S: Simd<R>, const N: usize>(simd: S, d: [S::V; N]) -> [S::V; N] {
    let pairs = points(N).len();
    let mut out = d;
    let all = const { &quotient::<N>(usize::MAX) };
    out[0] = every_second(simd, &d, 0, all, pairs);
    out[N - 1] = every_second(simd, &d, 1, all, pairs);
    for_each_point!(data_pair::<R, S>(simd, &d, &mut out));
    out
}

#[inline(always)]
fn data_pair<R: Real, S: Simd<R>, const I: usize, const N: usize>(
    simd: S,
    d: &[S::V; N],
    out: &mut [S::V; N],
) {
    // Without (x - p): x·(x + p)·q(x²) = x²·q(x²) + p·x·q(x²); without (x + p) the second term is subtracted.
    let others = const { &quotient::<N>(I) };
    let last = points(N).len() - 1;
    let even = every_second(simd, d, 2, others, last);
    let odd = every_second(simd, d, 1, others, last);
    let p = simd.splat(R::of(const { point(N, I) }));

    out[1 + 2 * I] = simd.mul_add(p, odd, even);
    out[2 + 2 * I] = simd.neg_mul_add(p, odd, even);
}

/// `B v`, the transpose of [`data`].
#[inline(always)]
pub(super) fn data_transposed<R: Real, S: Simd<R>, const N: usize>(simd: S, v: [S::V; N]) -> [S::V; N] {
    let mut out = [simd.splat(R::ZERO); N];
    let all = const { &quotient::<N>(usize::MAX) };
    let pairs = points(N).len();
    add_every_second(simd, v[0], all, pairs, &mut out, 0);
    add_every_second(simd, v[N - 1], all, pairs, &mut out, 1);
    for_each_point!(data_pair_transposed::<R, S>(simd, &v, &mut out));
    out
}

#[inline(always)]
fn data_pair_transposed<R: Real, S: Simd<R>, const I: usize, const N: usize>(
    simd: S,
    v: &[S::V; N],
    out: &mut [S::V; N],
) {
    let others = const { &quotient::<N>(I) };
    let last = points(N).len() - 1;
    let even = simd.add(v[1 + 2 * I], v[2 + 2 * I]);
    let difference = simd.sub(v[1 + 2 * I], v[2 + 2 * I]);
    let odd = simd.mul(simd.splat(R::of(const { point(N, I) })), difference);
    add_every_second(simd, even, others, last, out, 2);
    add_every_second(simd, odd, others, last, out, 1);
}

/// `out[first + 2k] += coefficients[k] · v` for `k` up to `last`, whose coefficient is 1: transpose of [`every_second`].
#[inline(always)]
fn add_every_second<R: Real, S: Simd<R>, const N: usize>(
    simd: S,
    v: S::V,
    coefficients: &[f64; N],
    last: usize,
    out: &mut [S::V; N],
    first: usize,
) {
    out[first + 2 * last] = simd.add(out[first + 2 * last], v);
    if last > 2 {
        out[first + 4] = simd.mul_add(simd.splat(R::of(coefficients[2])), v, out[first + 4]);
    }
    if last > 1 {
        out[first + 2] = simd.mul_add(simd.splat(R::of(coefficients[1])), v, out[first + 2]);
    }
    if last > 0 {
        out[first] = simd.mul_add(simd.splat(R::of(coefficients[0])), v, out[first]);
    }
}

/// `E_L a`: the values of `a[0] + a[1]·x + ..` at each point; at infinity the last coefficient.
#[inline(always)]
pub(super) fn evaluate<R: Real, S: Simd<R>, const L: usize, const N: usize>(
    simd: S,
    a: [S::V; L],
) -> [S::V; N] {
    let mut out = [a[L - 1]; N];
    out[0] = a[0];
    for_each_point!(evaluate_pair::<R, S, L>(simd, &a, &mut out));
    out
}

#[inline(always)]
fn evaluate_pair<R: Real, S: Simd<R>, const L: usize, const I: usize, const N: usize>(
    simd: S,
    a: &[S::V; L],
    out: &mut [S::V; N],
) {
    let powers = const { &powers::<N>(I) };
    let mut even = a[0];
    let mut odd = simd.mul(simd.splat(R::of(powers[1])), a[1]);
    for k in 2..L {
        let factor = simd.splat(R::of(powers[k]));
        if k % 2 == 0 {
            even = simd.mul_add(factor, a[k], even);
        } else {
            odd = simd.mul_add(factor, a[k], odd);
        }
    }
    out[1 + 2 * I] = simd.add(even, odd);
    out[2 + 2 * I] = simd.sub(even, odd);
}

/// `E_L^T v`, the transpose of [`evaluate`].
#[inline(always)]
pub(super) fn collect<R: Real, S: Simd<R>, const L: usize, const N: usize>(
    simd: S,
    v: [S::V; N],
) -> [S::V; L] {
    let mut out = [simd.splat(R::ZERO); L];
    out[0] = v[0];
    for_each_point!(collect_pair::<R, S, L>(simd, &v, &mut out));
    out[L - 1] = simd.add(out[L - 1], v[N - 1]);
    out
}

#[inline(always)]
fn collect_pair<R: Real, S: Simd<R>, const L: usize, const I: usize, const N: usize>(
    simd: S,
    v: &[S::V; N],
    out: &mut [S::V; L],
) {
    let powers = const { &powers::<N>(I) };
    let even = simd.add(v[1 + 2 * I], v[2 + 2 * I]);
    let odd = simd.sub(v[1 + 2 * I], v[2 + 2 * I]);
    out[0] = simd.add(out[0], even);
    for k in 1..L {
        out[k] = simd.mul_add(simd.splat(R::of(powers[k])), if k % 2 == 0 { even } else { odd }, out[k]);
    }
}

/// Multiplies each value by its [`scale`].
#[inline(always)]
pub(super) fn scaled<R: Real, S: Simd<R>, const N: usize>(simd: S, mut v: [S::V; N]) -> [S::V; N] {
    let scale = const { &scale::<N>() };
    // The last factor is 1.
    for i in 0..N - 1 {
        v[i] = simd.mul(v[i], simd.splat(R::of(scale[i])));
    }
    v
}
