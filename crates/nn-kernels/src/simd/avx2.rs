//! AVX2 with FMA: 16 registers of 8 `f32`.

use std::arch::x86_64::*;

use super::{Simd, tiles};

type Token = Avx2;

/// Proof that the processor has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The token, if the processor and the operating system support AVX2 and FMA.
    pub(crate) fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// Calls a vector intrinsic.
macro_rules! op {
    ($($call:tt)*) => {
        // SAFETY: the token exists only where the processor has AVX2 and FMA.
        unsafe { $($call)* }
    };
}

impl Simd<f32> for Avx2 {
    type V = __m256;

    const LANES: usize = 8;
    // 6·2 sums + 2 vectors of B + 1 broadcast of A leave 1 of the 16 registers.
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> __m256 {
        op!(_mm256_set1_ps(value))
    }

    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> __m256 {
        op!(_mm256_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store_ptr(self, v: __m256, to: *mut f32) {
        op!(_mm256_storeu_ps(to, v))
    }

    #[inline(always)]
    unsafe fn load_ptr_tail(self, from: *const f32, len: usize) -> __m256 {
        op!(_mm256_maskload_ps(from, first(len)))
    }

    #[inline(always)]
    unsafe fn store_ptr_tail(self, v: __m256, to: *mut f32, len: usize) {
        op!(_mm256_maskstore_ps(to, first(len), v))
    }

    #[inline(always)]
    unsafe fn load_u16_ptr(self, from: *const u16) -> __m256 {
        op!(_mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()))))
    }

    #[inline(always)]
    unsafe fn store_u16_ptr(self, v: __m256, to: *mut u16) {
        op!({
            let v = _mm256_cvtps_epi32(v);
            let halves = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storeu_si128(to.cast(), _mm_packus_epi32(halves.0, halves.1))
        })
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_div_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        op!(_mm256_sqrt_ps(a))
    }

    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        op!(_mm256_fnmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_max_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        op!(_mm256_min_ps(a, b))
    }

    #[inline(always)]
    fn if_greater(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        op!(_mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)))
    }

    #[inline(always)]
    fn if_equal(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        op!(_mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b)))
    }

    #[inline(always)]
    fn if_outdoes(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        op!({
            let number = _mm256_cmp_ps::<_CMP_ORD_Q>(b, b);
            _mm256_blendv_ps(no, yes, _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLE_UQ>(a, b), number))
        })
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, a: __m256, n: __m256) -> __m256 {
        // In two steps, because `2^n` itself may not be a float.
        op!({
            let n = _mm256_cvtps_epi32(n);
            let half = _mm256_srai_epi32::<1>(n);
            _mm256_mul_ps(_mm256_mul_ps(a, power_of_two(half)), power_of_two(_mm256_sub_epi32(n, half)))
        })
    }

    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        op!(_mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    tiles!(f32, [#[target_feature(enable = "avx2,fma")]], rows: [1 2 3 4 5 6], vectors: [1 2]);
}

/// `2^n`: the exponent, shifted into its place in the bits of a float.
#[inline(always)]
fn power_of_two(n: __m256i) -> __m256 {
    op!(_mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127)))))
}

/// A mask of the first `len` lanes, for `len <= 8`.
#[inline(always)]
fn first(len: usize) -> __m256i {
    debug_assert!(len <= 8);
    op!({
        let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(len as i32), lanes)
    })
}
