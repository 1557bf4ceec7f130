//! Vector instructions under one name each.
//!
//! A kernel is written once, as a [`Kernel`] whose `run` is generic over [`Simd`], and compiled once for each
//! instruction set. `Simd` is implemented by *tokens*: a value of [`avx512::Avx512`] can only be had from its
//! `new`, which asks the processor. Holding the token is the proof that the instructions exist, and that is
//! what every `unsafe` block of the implementations rests on.
//!
//! [`dispatch`](crate::isa::dispatch) looks up the instruction set in force, makes the token and calls
//! `run` inside a function that is compiled for that set. Only what is inlined there is compiled with the set's
//! instructions. So everything that `run` calls must be `#[inline(always)]`, no vector may pass through a closure,
//! and a kernel is best a plain loop: whatever surrounds it (memory, threads, stages) is ordinary code.
//!
//! All sets but [`portable`] compute `mul_add` with one rounding, in lanes that do not mix, so a kernel that
//! sums in a fixed order gives the same bits on each of them. The portable set rounds twice, because a fused
//! multiply-add without hardware is a slow library call.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod portable;

use crate::Real;
use crate::gemm::micro::Tile;
use crate::isa::dispatch;

/// A computation that is compiled for every instruction set.
pub(crate) trait Kernel<R> {
    /// Its result.
    type Output;

    /// The computation; implement with `#[inline(always)]`.
    fn run<S: Simd<R>>(self, simd: S) -> Self::Output;
}

/// What the layout of operands depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VectorShape {
    /// [`Simd::LANES`]
    pub lanes: usize,
    /// [`Simd::TILE_ROWS`]
    pub tile_rows: usize,
    /// Columns of the largest register tile, [`Simd::TILE_VECTORS`] vectors.
    pub tile_columns: usize,
}

impl VectorShape {
    /// Of the instruction set in force.
    pub(crate) fn current<R: Real>() -> Self {
        struct Ask;
        impl<R> Kernel<R> for Ask {
            type Output = VectorShape;

            #[inline(always)]
            fn run<S: Simd<R>>(self, _: S) -> VectorShape {
                let tile_columns = S::TILE_VECTORS * S::LANES;
                VectorShape { lanes: S::LANES, tile_rows: S::TILE_ROWS, tile_columns }
            }
        }
        dispatch::<R, _>(Ask)
    }
}

/// Lanes of the widest vectors.
const MAX_LANES: usize = 16;

/// The vector instructions of one instruction set on elements of type `R`.
///
/// Comparisons and selections follow IEEE 754: a comparison with NaN is false.
pub(crate) trait Simd<R>: Copy {
    /// A vector of [`Simd::LANES`] elements.
    type V: Copy;

    /// Elements of a vector.
    const LANES: usize;

    /// Rows of the largest register tile of the GEMM, see [`crate::gemm::micro`].
    const TILE_ROWS: usize;

    /// Vectors in a row of the largest register tile.
    const TILE_VECTORS: usize;

    /// `value` in every lane.
    fn splat(self, value: R) -> Self::V;

    /// The first elements of `from`.
    ///
    /// # Panics
    /// If `from` has fewer than [`Simd::LANES`] elements.
    #[inline(always)]
    fn load(self, from: &[R]) -> Self::V {
        assert!(from.len() >= Self::LANES);
        // SAFETY: the length was checked.
        unsafe { self.load_ptr(from.as_ptr()) }
    }

    /// Writes to the first elements of `to`.
    ///
    /// # Panics
    /// If `to` has fewer than [`Simd::LANES`] elements.
    #[inline(always)]
    fn store(self, v: Self::V, to: &mut [R]) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: the length was checked.
        unsafe { self.store_ptr(v, to.as_mut_ptr()) }
    }

    /// The elements of `from`, fewer than [`Simd::LANES`], followed by zeros.
    #[inline(always)]
    fn load_tail(self, from: &[R]) -> Self::V {
        assert!(from.len() < Self::LANES);
        // SAFETY: `from` has as many elements as are read.
        unsafe { self.load_ptr_tail(from.as_ptr(), from.len()) }
    }

    /// Writes as many elements as `to` has, fewer than [`Simd::LANES`].
    #[inline(always)]
    fn store_tail(self, v: Self::V, to: &mut [R]) {
        assert!(to.len() < Self::LANES);
        // SAFETY: `to` has as many elements as are written.
        unsafe { self.store_ptr_tail(v, to.as_mut_ptr(), to.len()) }
    }

    /// Loads a vector.
    ///
    /// # Safety
    /// [`Simd::LANES`] elements at `from` can be read.
    unsafe fn load_ptr(self, from: *const R) -> Self::V;

    /// Stores a vector.
    ///
    /// # Safety
    /// [`Simd::LANES`] elements at `to` can be written.
    unsafe fn store_ptr(self, v: Self::V, to: *mut R);

    /// Loads `len <= LANES` elements; the other lanes are zero.
    ///
    /// # Safety
    /// `len` elements at `from` can be read.
    unsafe fn load_ptr_tail(self, from: *const R, len: usize) -> Self::V;

    /// Stores the first `len <= LANES` elements.
    ///
    /// # Safety
    /// `len` elements at `to` can be written.
    unsafe fn store_ptr_tail(self, v: Self::V, to: *mut R, len: usize);

    /// Loads `len <= LANES` elements; the other lanes are zero. Free of a choice where `len` is a constant.
    ///
    /// # Safety
    /// `len` elements at `from` can be read.
    #[inline(always)]
    unsafe fn load_part_ptr(self, from: *const R, len: usize) -> Self::V {
        // SAFETY: the caller's contract.
        unsafe { if len == Self::LANES { self.load_ptr(from) } else { self.load_ptr_tail(from, len) } }
    }

    /// Stores the first `len <= LANES` elements. Free of a choice where `len` is a constant.
    ///
    /// # Safety
    /// `len` elements at `to` can be written.
    #[inline(always)]
    unsafe fn store_part_ptr(self, v: Self::V, to: *mut R, len: usize) {
        // SAFETY: the caller's contract.
        unsafe { if len == Self::LANES { self.store_ptr(v, to) } else { self.store_ptr_tail(v, to, len) } }
    }

    /// Loads a vector of integers.
    ///
    /// # Safety
    /// [`Simd::LANES`] integers at `from` can be read.
    unsafe fn load_u16_ptr(self, from: *const u16) -> Self::V;

    /// Stores a vector of integers from 0 to 65,535.
    ///
    /// # Safety
    /// [`Simd::LANES`] integers at `to` can be written.
    unsafe fn store_u16_ptr(self, v: Self::V, to: *mut u16);

    /// Loads `len <= LANES` integers; the other lanes are zero. Free of a choice where `len` is a constant.
    ///
    /// # Safety
    /// `len` integers at `from` can be read.
    #[inline(always)]
    unsafe fn load_u16_part_ptr(self, from: *const u16, len: usize) -> Self::V {
        let mut lanes = [0; MAX_LANES];
        // SAFETY: the caller's contract, and there are at most MAX_LANES.
        unsafe {
            if len == Self::LANES {
                return self.load_u16_ptr(from);
            }
            from.copy_to_nonoverlapping(lanes.as_mut_ptr(), len);
            self.load_u16_ptr(lanes.as_ptr())
        }
    }

    /// Stores the first `len <= LANES` integers, from 0 to 65,535. Free of a choice where `len` is a constant.
    ///
    /// # Safety
    /// `len` integers at `to` can be written.
    #[inline(always)]
    unsafe fn store_u16_part_ptr(self, v: Self::V, to: *mut u16, len: usize) {
        let mut lanes = [0; MAX_LANES];
        // SAFETY: the caller's contract, and there are at most MAX_LANES.
        unsafe {
            if len == Self::LANES {
                return self.store_u16_ptr(v, to);
            }
            self.store_u16_ptr(v, lanes.as_mut_ptr());
            to.copy_from_nonoverlapping(lanes.as_ptr(), len);
        }
    }

    /// `a + b`
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a · b`
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a / b`
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The square root of `a`.
    fn sqrt(self, a: Self::V) -> Self::V;
    /// `a · b + c`, rounded once on all sets but the portable one.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c - a · b`, rounded like [`Simd::mul_add`].
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of `a` and `b`; `b` if one of them is NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller of `a` and `b`; `b` if one of them is NaN.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// In each lane `yes` where `a > b`, else `no`.
    fn if_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// In each lane `yes` where `a == b`, else `no`.
    fn if_equal(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// In each lane `yes` where `a` outdoes the maximum so far, `b`, else `no`: where `a > b`, or `a` is the first
    /// NaN.
    fn if_outdoes(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// `a · 2^n` for integral `n` between twice the least and twice the largest exponent of `R`; rounded once if
    /// `a` is about 1.
    fn scale_by_power_of_two(self, a: Self::V, n: Self::V) -> Self::V;
    /// The integer nearest to `a`, for `|a| < 2^22`; halves go to the even one.
    fn round(self, a: Self::V) -> Self::V;

    /// Computes a register tile of the GEMM with the instantiation for its number of rows and vectors.
    ///
    /// # Safety
    /// As [`crate::gemm::micro::tile`].
    unsafe fn tile(self, rows: usize, vectors: usize, tile: &Tile<R>);
}

/// Implements [`Simd::tile`]: picks the instantiation of [`crate::gemm::micro::tile`] for the given number of
/// rows and of vectors. Each is a function of its own, compiled with the attributes given.
macro_rules! tiles {
    ($real:ty, [$($attribute:tt)*], rows: [$($rows:literal)*], vectors: $vectors:tt) => {
        #[inline(always)]
        unsafe fn tile(self, rows: usize, vectors: usize, tile: &$crate::gemm::micro::Tile<$real>) {
            $($attribute)*
            unsafe fn call<const DEPTH_MAJOR: bool, const M: usize, const V: usize>(
                simd: Token,
                tile: &$crate::gemm::micro::Tile<$real>,
            ) {
                // SAFETY: the caller's contract.
                unsafe { $crate::gemm::micro::tile::<$real, Token, DEPTH_MAJOR, M, V>(simd, tile) }
            }
            // SAFETY: the caller's contract; the token proves the instruction set.
            unsafe {
                match rows {
                    $($rows => $crate::simd::tiles!(@vectors self, tile, vectors, $rows, $vectors),)*
                    _ => unreachable!("no tile of {rows} rows"),
                }
            }
        }
    };
    (@vectors $simd:ident, $tile:ident, $v:ident, $rows:literal, [$($vectors:literal)*]) => {
        match ($v, $tile.depth_major) {
            $(($vectors, true) => call::<true, $rows, $vectors>($simd, $tile),
            ($vectors, false) => call::<false, $rows, $vectors>($simd, $tile),)*
            _ => unreachable!("no tile of {} vectors", $v),
        }
    };
}
pub(crate) use tiles;
