//! Numeric kernels of the Vitrine engine: GEMM, convolution, pooling and element-wise functions.
//!
//! Everything here works on flat, contiguous slices in **NHWC** order (batch, height, width, channel), the
//! layout of Keras's `channels_last`. A kernel gets its shape from a *geometry* that was validated once
//! ([`conv::ConvGeometry`], [`pool::PoolGeometry`]); after that, computing cannot fail: a slice of the wrong
//! length is a bug of the caller and panics with the operand's name, the expected and the given length.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@reference`] | the definition of every operation as plain loops with `f64` sums: what tests compare with |
//! | [`gemm`] | matrix product `C = A·B` and `C += A·B` on strided views |
//! | [`conv`] | convolution in its three training verbs: `output`, `grad_input`, `grad_weight` |
//! | [`pool`] | max, average and global average pooling, forward and backward |
//! | [`elementwise`] | activation functions and their derivatives, softmax, bias |
//! | [`optimizer`] | the parameter updates of SGD and Adam |
//! | [`isa`] | which instruction set the kernels use: the best there is, or what `NN_ISA` names |
//! | [`parallel`] | the only place where work is divided among threads |
//! | [`threads`] | how many threads there are |
//! | [`phase`] | where a kernel's time goes: laying out operands, multiplying, laying out results |
//! | [`peak`] | the most multiply-adds that a core can do |
//!
//! Kernels are written once, as loops over the vectors of any instruction set (`simd`), and compiled for each. All
//! matrix products, also those in convolutions, end in one register tile (`gemm::micro`). [`Real`] has the two element
//! types: `f32` trains on the instruction set in force, `f64` checks and always runs on the portable one.
//!
//! # Same bits
//!
//! Results do not depend on the number of threads: outputs are divided into blocks whose size depends on the geometry
//! alone, and every sum has one fixed order (see [`parallel`]). Columns or channels lie in the lanes of vectors, so their
//! width does not change an order either. In `f32`, on the instruction sets of one processor:
//!
//! | kernels | AVX2 and AVX-512 | portable |
//! |---|---|---|
//! | [`gemm`], every algorithm of [`conv`] in every direction | the same bits | differs: it rounds a multiply-add twice |
//! | activations made of exponentials, [`elementwise::softmax`] | the same bits | differs, for the same reason |
//! | other activations, all derivatives, bias, [`pool`], [`optimizer`] | the same bits | the same bits |
//!
//! The algorithm [`conv::Algorithm::Reference`] sums in `f64` and is the same everywhere. NEON computes as AVX2 and AVX-512
//! do by construction; no test has run there.

pub mod conv;
pub mod elementwise;
pub mod gemm;
pub mod isa;
pub mod optimizer;
pub mod parallel;
pub mod peak;
pub mod phase;
pub mod pool;
pub mod reference;
pub mod threads;

mod engine;
mod error;
mod exp;
mod lanewise;
mod real;
mod simd;

pub use elementwise::{Epilogue, Pointwise};
pub use error::GeometryError;
pub use isa::Isa;
pub use real::Real;

/// Panics unless `slice` has `expected` elements; `what` names the operand in the message.
#[track_caller]
pub(crate) fn check_len<T>(what: &str, slice: &[T], expected: usize) {
    assert!(slice.len() == expected, "{what}: expected {expected} elements, got {}", slice.len());
}

/// Panics unless `slice` is a whole number of rows of `channels` elements.
#[track_caller]
pub(crate) fn check_rows<T>(what: &str, slice: &[T], channels: usize) {
    check_len(what, slice, slice.len() / channels * channels);
}
