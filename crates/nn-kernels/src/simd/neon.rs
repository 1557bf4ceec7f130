//! NEON, the vector instructions of 64-bit ARM: 32 registers of 4 `f32`.

use std::arch::aarch64::*;

use super::{Simd, tiles};

type Token = Neon;

/// Every 64-bit ARM processor has NEON.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// The token.
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// Calls a vector intrinsic.
macro_rules! op {
    ($($call:tt)*) => {
        // SAFETY: every processor of this architecture has NEON.
        #[allow(unused_unsafe)]
        unsafe { $($call)* }
    };
}

impl Simd<f32> for Neon {
    type V = float32x4_t;

    const LANES: usize = 4;
    // 8·3 sums + 3 vectors of B + 1 broadcast of A leave 4 of the 32 registers.
    const TILE_ROWS: usize = 8;
    const TILE_VECTORS: usize = 3;

    #[inline(always)]
    fn splat(self, value: f32) -> float32x4_t {
        op!(vdupq_n_f32(value))
    }

    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> float32x4_t {
        op!(vld1q_f32(from))
    }

    #[inline(always)]
    unsafe fn store_ptr(self, v: float32x4_t, to: *mut f32) {
        op!(vst1q_f32(to, v))
    }

    #[inline(always)]
    unsafe fn load_ptr_tail(self, from: *const f32, len: usize) -> float32x4_t {
        let mut lanes = [0.0; 4];
        // SAFETY: the caller's contract: `len <= 4` elements can be read.
        unsafe { std::ptr::copy_nonoverlapping(from, lanes.as_mut_ptr(), len) };
        op!(vld1q_f32(lanes.as_ptr()))
    }

    #[inline(always)]
    unsafe fn store_ptr_tail(self, v: float32x4_t, to: *mut f32, len: usize) {
        let mut lanes = [0.0; 4];
        op!(vst1q_f32(lanes.as_mut_ptr(), v));
        // SAFETY: the caller's contract: `len <= 4` elements can be written.
        unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), to, len) };
    }

    #[inline(always)]
    unsafe fn load_u16_ptr(self, from: *const u16) -> float32x4_t {
        op!(vcvtq_f32_u32(vmovl_u16(vld1_u16(from))))
    }

    #[inline(always)]
    unsafe fn store_u16_ptr(self, v: float32x4_t, to: *mut u16) {
        op!(vst1_u16(to, vmovn_u32(vcvtq_u32_f32(v))))
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vaddq_f32(a, b))
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vsubq_f32(a, b))
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vmulq_f32(a, b))
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        op!(vdivq_f32(a, b))
    }

    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        op!(vsqrtq_f32(a))
    }

    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        op!(vfmaq_f32(c, a, b))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        op!(vfmsq_f32(c, a, b))
    }

    // The instructions for maximum and minimum return NaN where either operand is NaN.
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        self.if_greater(a, b, a, b)
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        self.if_greater(b, a, a, b)
    }

    #[inline(always)]
    fn if_greater(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        op!(vbslq_f32(vcgtq_f32(a, b), yes, no))
    }

    #[inline(always)]
    fn if_equal(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        op!(vbslq_f32(vceqq_f32(a, b), yes, no))
    }

    #[inline(always)]
    fn if_outdoes(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        op!({
            let number = vceqq_f32(b, b);
            vbslq_f32(vandq_u32(vmvnq_u32(vcleq_f32(a, b)), number), yes, no)
        })
    }

    #[inline(always)]
    fn scale_by_power_of_two(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        // In two steps, because `2^n` itself may not be a float.
        op!({
            let n = vcvtq_s32_f32(n);
            let half = vshrq_n_s32::<1>(n);
            vmulq_f32(vmulq_f32(a, power_of_two(half)), power_of_two(vsubq_s32(n, half)))
        })
    }

    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        op!(vrndnq_f32(a))
    }

    tiles!(f32, [#[target_feature(enable = "neon")]], rows: [1 2 3 4 5 6 7 8], vectors: [1 2 3]);
}

/// `2^n`: the exponent, shifted into its place in the bits of a float.
#[inline(always)]
fn power_of_two(n: int32x4_t) -> float32x4_t {
    op!(vreinterpretq_f32_s32(vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)))))
}
