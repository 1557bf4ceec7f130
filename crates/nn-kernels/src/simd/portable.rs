//! Plain Rust, for processors without vector instructions of ours and for `f64`.

use std::array;

use super::{Simd, tiles};

type Token = Portable;

/// Arrays of lanes, which the compiler may or may not turn into vector instructions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable;

macro_rules! impl_portable {
    ($real:ident, $int:ident, $bits:ident, $lanes:literal) => {
        impl Simd<$real> for Portable {
            type V = [$real; $lanes];

            const LANES: usize = $lanes;
            // 4·1 sums of two 128-bit registers each, which every 64-bit processor has 16 of.
            const TILE_ROWS: usize = 4;
            const TILE_VECTORS: usize = 1;

            #[inline(always)]
            fn splat(self, value: $real) -> Self::V {
                [value; $lanes]
            }

            #[inline(always)]
            unsafe fn load_ptr(self, from: *const $real) -> Self::V {
                // SAFETY: the caller's contract; an array has its element's alignment.
                unsafe { *from.cast() }
            }

            #[inline(always)]
            unsafe fn store_ptr(self, v: Self::V, to: *mut $real) {
                // SAFETY: the caller's contract; an array has its element's alignment.
                unsafe { *to.cast() = v }
            }

            #[inline(always)]
            unsafe fn load_ptr_tail(self, from: *const $real, len: usize) -> Self::V {
                // SAFETY: only lanes below `len` are read, which the caller vouches for.
                array::from_fn(|i| if i < len { unsafe { *from.add(i) } } else { 0.0 })
            }

            #[inline(always)]
            unsafe fn store_ptr_tail(self, v: Self::V, to: *mut $real, len: usize) {
                for (i, &value) in v[..len].iter().enumerate() {
                    // SAFETY: only lanes below `len` are written, which the caller vouches for.
                    unsafe { *to.add(i) = value }
                }
            }

            #[inline(always)]
            unsafe fn load_u16_ptr(self, from: *const u16) -> Self::V {
                // SAFETY: the caller vouches for all lanes.
                array::from_fn(|i| unsafe { *from.add(i) }.into())
            }

            #[inline(always)]
            unsafe fn store_u16_ptr(self, v: Self::V, to: *mut u16) {
                for (i, value) in v.into_iter().enumerate() {
                    // SAFETY: the caller vouches for all lanes.
                    unsafe { *to.add(i) = value as u16 }
                }
            }

            #[inline(always)]
            fn add(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| a[i] + b[i])
            }

            #[inline(always)]
            fn sub(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| a[i] - b[i])
            }

            #[inline(always)]
            fn mul(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| a[i] * b[i])
            }

            #[inline(always)]
            fn div(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| a[i] / b[i])
            }

            #[inline(always)]
            fn sqrt(self, a: Self::V) -> Self::V {
                array::from_fn(|i| a[i].sqrt())
            }

            #[inline(always)]
            fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                array::from_fn(|i| a[i] * b[i] + c[i])
            }

            #[inline(always)]
            fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
                array::from_fn(|i| c[i] - a[i] * b[i])
            }

            #[inline(always)]
            fn max(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
            }

            #[inline(always)]
            fn min(self, a: Self::V, b: Self::V) -> Self::V {
                array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
            }

            #[inline(always)]
            fn if_greater(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
                array::from_fn(|i| if a[i] > b[i] { yes[i] } else { no[i] })
            }

            #[inline(always)]
            fn if_equal(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
                array::from_fn(|i| if a[i] == b[i] { yes[i] } else { no[i] })
            }

            #[inline(always)]
            fn if_outdoes(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
                // `|` and `&` evaluate both sides: branches would keep the compiler from using vectors.
                array::from_fn(|i| {
                    let outdoes = (a[i] > b[i]) | (a[i].is_nan() & !b[i].is_nan());
                    if outdoes { yes[i] } else { no[i] }
                })
            }

            #[inline(always)]
            fn scale_by_power_of_two(self, a: Self::V, n: Self::V) -> Self::V {
                // The exponent, shifted into its place in the bits of a float.
                let power_of_two = |n: $int| {
                    let exponent = n + ($real::MAX_EXP as $int - 1);
                    $real::from_bits((exponent as $bits) << ($real::MANTISSA_DIGITS - 1))
                };
                // In two steps, because `2^n` itself may not be a float.
                array::from_fn(|i| {
                    let n = n[i] as $int;
                    let half = n >> 1;
                    a[i] * power_of_two(half) * power_of_two(n - half)
                })
            }

            #[inline(always)]
            fn round(self, a: Self::V) -> Self::V {
                array::from_fn(|i| a[i].round_ties_even())
            }

            tiles!($real, [#[inline(never)]], rows: [1 2 3 4], vectors: [1]);
        }
    };
}

impl_portable!(f32, i32, u32, 8);
impl_portable!(f64, i64, u64, 4);
