//! Two-dimensional convolution (cross-correlation, as in every deep-learning library) on NHWC arrays.
//!
//! ```text
//! y[n, oh, ow, o] = sum over kh, kw, i of  x[n, oh·sh + kh·dh - top, ow·sw + kw·dw - left, i] · w[kh, kw, i, o]
//! ```
//!
//! where taps that fall outside the input count as zero. Training needs three verbs:
//!
//! * [`output`]: `y` from `x` and `w`;
//! * [`grad_input`]: `dx` from `dy` and `w`;
//! * [`grad_weight`]: `dw` from `x` and `dy`, added to what is there.
//!
//! # Shapes
//! `x`, `dx`: `[n, in_h, in_w, in_c]`; `w`, `dw`: `[kh, kw, in_c / groups, out_c]`; `y`, `dy`:
//! `[n, out_h, out_w, out_c]`. The batch size `n` follows from the length of the slices.
//!
//! The algorithm is an argument. [`Algorithm::Auto`] only ever chooses one that
//! [supports](Algorithm::supports) the geometry.

mod algorithm;
mod direct;
mod geometry;
mod im2col;
mod pointwise;
mod winograd;

pub use algorithm::{Algorithm, Direction};
pub use geometry::{ConvGeometry, ConvShape, ConvSpec, Padding};
pub(crate) use geometry::{Extent, Window, addressable, at_least_one};
pub use im2col::{col2im, im2col};

use crate::{Epilogue, Real, check_len, reference};
use winograd::Winograd;

/// Forward convolution with bias and activation: `y = f(conv(x, w) + bias)`. Overwrites `y`.
///
/// # Panics
/// If a slice does not have the length that `geometry` asks for, or `algorithm` does not support it.
pub fn output<R: Real>(
    geometry: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    w: &[R],
    epilogue: Epilogue<R>,
    y: &mut [R],
) {
    check_operands(geometry, x, w, y);
    R::conv_output(geometry, algorithm.resolve(geometry, Direction::Output), x, w, epilogue, y);
}

/// Gradient of the input: `dx = conv_transposed(dy, w)`. Overwrites `dx`.
///
/// # Panics
/// As [`output`].
pub fn grad_input<R: Real>(geometry: &ConvGeometry, algorithm: Algorithm, dy: &[R], w: &[R], dx: &mut [R]) {
    check_operands(geometry, dx, w, dy);
    R::conv_grad_input(geometry, algorithm.resolve(geometry, Direction::GradInput), dy, w, dx);
}

/// Gradient of the weight: `dw += correlate(x, dy)`. Adds to `dw`.
///
/// # Panics
/// As [`output`].
pub fn grad_weight<R: Real>(geometry: &ConvGeometry, algorithm: Algorithm, x: &[R], dy: &[R], dw: &mut [R]) {
    check_operands(geometry, x, dw, dy);
    R::conv_grad_weight(geometry, algorithm.resolve(geometry, Direction::GradWeight), x, dy, dw);
}

pub(crate) fn output_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    w: &[R],
    epilogue: Epilogue<R>,
    y: &mut [R],
) {
    match (algorithm, g.kh) {
        (Algorithm::Reference, _) => {
            reference::conv2d(g, x, w, y);
            epilogue.apply(y, g.out_c);
        }
        (Algorithm::Direct, _) => direct::output(g, x, w, epilogue, y),
        (Algorithm::Pointwise, _) => pointwise::output(g, x, w, epilogue, y),
        (Algorithm::Winograd2, 3) => Winograd::<2, 3, 4>.output(g, x, w, epilogue, y),
        (Algorithm::Winograd2, _) => Winograd::<2, 5, 6>.output(g, x, w, epilogue, y),
        (Algorithm::Winograd4, 3) => Winograd::<4, 3, 6>.output(g, x, w, epilogue, y),
        (Algorithm::Winograd4, _) => Winograd::<4, 5, 8>.output(g, x, w, epilogue, y),
        (Algorithm::Winograd6, _) => Winograd::<6, 3, 8>.output(g, x, w, epilogue, y),
        _ => im2col::output(g, x, w, epilogue, y),
    }
}

pub(crate) fn grad_input_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    dy: &[R],
    w: &[R],
    dx: &mut [R],
) {
    match (algorithm, g.kh) {
        (Algorithm::Reference, _) => reference::conv2d_grad_input(g, dy, w, dx),
        (Algorithm::Pointwise, _) => pointwise::grad_input(g, dy, w, dx),
        (Algorithm::Winograd2, 3) => Winograd::<2, 3, 4>.grad_input(g, dy, w, dx),
        (Algorithm::Winograd2, _) => Winograd::<2, 5, 6>.grad_input(g, dy, w, dx),
        (Algorithm::Winograd4, 3) => Winograd::<4, 3, 6>.grad_input(g, dy, w, dx),
        (Algorithm::Winograd4, _) => Winograd::<4, 5, 8>.grad_input(g, dy, w, dx),
        (Algorithm::Winograd6, _) => Winograd::<6, 3, 8>.grad_input(g, dy, w, dx),
        _ => im2col::grad_input(g, dy, w, dx),
    }
}

pub(crate) fn grad_weight_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    dy: &[R],
    dw: &mut [R],
) {
    match (algorithm, g.kh) {
        (Algorithm::Reference, _) => reference::conv2d_grad_weight(g, x, dy, dw),
        (Algorithm::Pointwise, _) => pointwise::grad_weight(g, x, dy, dw),
        (Algorithm::Winograd2, 3) => Winograd::<2, 3, 4>.grad_weight(g, x, dy, dw),
        (Algorithm::Winograd2, _) => Winograd::<2, 5, 6>.grad_weight(g, x, dy, dw),
        (Algorithm::Winograd4, 3) => Winograd::<4, 3, 6>.grad_weight(g, x, dy, dw),
        (Algorithm::Winograd4, _) => Winograd::<4, 5, 8>.grad_weight(g, x, dy, dw),
        (Algorithm::Winograd6, _) => Winograd::<6, 3, 8>.grad_weight(g, x, dy, dw),
        _ => im2col::grad_weight(g, x, dy, dw),
    }
}

/// All bounds of a call, checked once: the kernels below rely on them.
#[track_caller]
fn check_operands<R>(geometry: &ConvGeometry, x: &[R], w: &[R], y: &[R]) {
    let images = x.len() / geometry.input_len();
    check_len("input", x, images * geometry.input_len());
    check_len("weight", w, geometry.weight_len());
    check_len("output", y, images.saturating_mul(geometry.output_len()));
}
