//! The innermost loop: a register tile of `C`.
//!
//! ```text
//!              ┌ b0 ┬ b1 ┐            one row of B: V vectors
//!      a0 ─►   │ c00  c01 │
//!      a1 ─►   │ c10  c11 │           M·V vectors of sums, which stay in registers
//!      ..      │ ..    .. │           while the loop walks along the depth
//!   (broadcast)└──────────┘
//! ```
//!
//! At each step of the depth the tile loads `V` vectors of `B`, broadcasts `M` elements of `A` and makes `M·V`
//! fused multiply-adds. Two things bound the choice of `M` and `V`. The sums, the row of `B` and (where it
//! cannot be an operand in memory) one broadcast of `A` must fit the registers. And a multiply-add can only
//! start every cycle on each of the two units if there are at least `2·latency` (8 to 10) independent sums.
//! Beyond that, the more square the tile, the fewer loads per multiply-add: `(M + V) / (M·V)`.
//!
//! Columns lie in the lanes and each sum runs over the depth in order, so the bits of the result depend
//! neither on the tile nor on the width of the vectors.

use crate::Real;
use crate::simd::Simd;

/// A stretch of the depth along which the elements of a row of `A` are evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where row 0 begins.
    pub start: usize,
    /// Its length.
    pub depth: usize,
}

/// What is added to `C`'s old values, or done with the sums, when a tile is stored: `min(max(c + bias, low), high)`.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a, R> {
    /// One value per column of the whole `C`.
    pub bias: Option<&'a [R]>,
    /// No result is below this.
    pub low: R,
    /// No result is above this.
    pub high: R,
}

/// The operands of one register tile.
pub struct Tile<'a, R> {
    /// `A`'s memory.
    pub a: *const R,
    /// The depth, in stretches, relative to `a`.
    pub runs: &'a [Run],
    /// Distance of neighbouring rows of `A` (`depth_major` false) or of neighbouring steps of the depth (true);
    /// the other distance is 1.
    pub a_stride: usize,
    /// Which of the two the stride is.
    pub depth_major: bool,
    /// First vector of `B`.
    pub b: *const R,
    /// Distance of neighbouring steps of the depth in `B`.
    pub b_stride: usize,
    /// First element of `C`.
    pub c: *mut R,
    /// Distance of neighbouring rows of `C`.
    pub c_stride: isize,
    /// Columns in the last vector; the others are not written.
    pub last_lanes: usize,
    /// Whether the sums start from `C`'s values instead of zero.
    pub add: bool,
    /// Whether the whole depth has been summed, so that the sums are to be finished.
    pub finish: Option<Finish<'a, R>>,
}

/// Computes a tile of `M` rows and `V` vectors.
///
/// # Safety
/// All that the tile describes lies inside its arrays: for each run, `M` rows of `depth` elements of `A`; `V`
/// vectors of `B` per step; `M` rows of `V - 1` vectors and `last_lanes` elements of `C`, and as many elements of
/// a bias.
#[inline(always)]
pub(crate) unsafe fn tile<R, S, const DEPTH_MAJOR: bool, const M: usize, const V: usize>(simd: S, t: &Tile<R>)
where
    R: Real,
    S: Simd<R>,
{
    let (row, step) = if DEPTH_MAJOR { (1, t.a_stride) } else { (t.a_stride, 1) };
    let full = t.last_lanes == S::LANES;
    let mut sums = [[simd.splat(R::ZERO); V]; M];
    // SAFETY: the caller's contract, for every access below.
    unsafe {
        if t.add {
            for m in 0..M {
                for v in 0..V {
                    let c = t.c.offset(m as isize * t.c_stride).add(v * S::LANES);
                    sums[m][v] = if v + 1 < V || full {
                        simd.load_ptr(c)
                    } else {
                        simd.load_ptr_tail(c, t.last_lanes)
                    };
                }
            }
        }
        let mut b = t.b;
        for run in t.runs {
            // Every third row has a pointer of its own: the two after it are reached by adding once and
            // twice the stride, which an address can express, so that few pointers are moved along. After the
            // last step they may point beyond their array, which only wrapping arithmetic allows.
            let mut a = [t.a.wrapping_add(run.start); M];
            for m in 0..M {
                a[m] = a[m].wrapping_add(m / 3 * 3 * row);
            }
            for _ in 0..run.depth {
                let mut bs = [simd.splat(R::ZERO); V];
                for v in 0..V {
                    bs[v] = simd.load_ptr(b.add(v * S::LANES));
                }
                for m in 0..M {
                    let a = simd.splat(*a[m / 3 * 3].add(m % 3 * row));
                    for v in 0..V {
                        sums[m][v] = simd.mul_add(a, bs[v], sums[m][v]);
                    }
                }
                for m in (0..M).step_by(3) {
                    a[m] = a[m].wrapping_add(step);
                }
                b = b.wrapping_add(t.b_stride);
            }
        }
        if let Some(finish) = t.finish {
            let (low, high) = (simd.splat(finish.low), simd.splat(finish.high));
            let mut bias = [simd.splat(R::ZERO); V];
            if let Some(values) = finish.bias {
                for v in 0..V {
                    let values = values.as_ptr().add(v * S::LANES);
                    bias[v] = if v + 1 < V || full {
                        simd.load_ptr(values)
                    } else {
                        simd.load_ptr_tail(values, t.last_lanes)
                    };
                }
            }
            for m in 0..M {
                for v in 0..V {
                    // Limits first: NaN must pass through, see `Simd::max`.
                    sums[m][v] = simd.min(high, simd.max(low, simd.add(sums[m][v], bias[v])));
                }
            }
        }
        for m in 0..M {
            for v in 0..V {
                let c = t.c.offset(m as isize * t.c_stride).add(v * S::LANES);
                if v + 1 < V || full {
                    simd.store_ptr(sums[m][v], c);
                } else {
                    simd.store_ptr_tail(sums[m][v], c, t.last_lanes);
                }
            }
        }
    }
}
