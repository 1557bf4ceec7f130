//! AVX-512 (the foundation subset): 32 registers of 16 `f32`.

use std::arch::x86_64::*;

use super::{Simd, tiles};

type Token = Avx512;

/// Proof that the processor has AVX-512F.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// The token, if the processor and the operating system support AVX-512F.
    pub(crate) fn new() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }
}

/// Calls a vector intrinsic.
macro_rules! op {
    ($($call:tt)*) => {
        // SAFETY: the token exists only where the processor has AVX-512F.
        unsafe { $($call)* }
    };
}

impl Simd<f32> for Avx512 {
    type V = __m512;

    const LANES: usize = 16;
    // 14·2 sums + 2 vectors of B leave 2 of the 32 registers; A is broadcast from memory.
    const TILE_ROWS: usize = 14;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, value: f32) -> __m512 {
        op!(_mm512_set1_ps(value))
    }

    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> __m512 {
        op!(_mm512_loadu_ps(from))
    }

    #[inline(always)]
    unsafe fn store_ptr(self, v: __m512, to: *mut f32) {
        op!(_mm512_storeu_ps(to, v))
    }

    #[inline(always)]
    unsafe fn load_ptr_tail(self, from: *const f32, len: usize) -> __m512 {
        op!(_mm512_maskz_loadu_ps(first(len), from))
    }

    #[inline(always)]
    unsafe fn store_ptr_tail(self, v: __m512, to: *mut f32, len: usize) {
        op!(_mm512_mask_storeu_ps(to, first(len), v))
    }

    #[inline(always)]
    unsafe fn load_u16_ptr(self, from: *const u16) -> __m512 {
        op!(_mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast()))))
    }

    #[inline(always)]
    unsafe fn store_u16_ptr(self, v: __m512, to: *mut u16) {
        op!(_mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(v))))
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_add_ps(a, b))
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_sub_ps(a, b))
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_mul_ps(a, b))
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_div_ps(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        op!(_mm512_sqrt_ps(a))
    }

    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        op!(_mm512_fnmadd_ps(a, b, c))
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_max_ps(a, b))
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        op!(_mm512_min_ps(a, b))
    }

    #[inline(always)]
    fn if_greater(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        op!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes))
    }

    #[inline(always)]
    fn if_equal(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        op!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), no, yes))
    }

    #[inline(always)]
    fn if_outdoes(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        op!({
            let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(b, b);
            _mm512_mask_blend_ps(_mm512_mask_cmp_ps_mask::<_CMP_NLE_UQ>(number, a, b), no, yes)
        })
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, a: __m512, n: __m512) -> __m512 {
        op!(_mm512_scalef_ps(a, n))
    }

    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        op!(_mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a))
    }

    tiles!(f32, [#[target_feature(enable = "avx512f")]], rows: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], vectors: [1 2]);
}

/// A mask of the first `len` lanes, for `len <= 16`.
#[inline(always)]
fn first(len: usize) -> __mmask16 {
    debug_assert!(len <= 16);
    ((1u32 << len) - 1) as __mmask16
}
