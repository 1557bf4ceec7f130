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
//! [`gradients`] is the two last ones together.
//!
//! # Shapes
//! `x`, `dx`: `[n, in_h, in_w, in_c]`; `w`, `dw`: `[kh, kw, in_c / groups, out_c]`; `y`, `dy`:
//! `[n, out_h, out_w, out_c]`. The batch size `n` follows from the length of the slices.
//!
//! The algorithm is an argument. [`Algorithm::Auto`] only ever chooses one that
//! [supports](Algorithm::supports) the geometry.

mod algorithm;
pub(crate) mod depthwise;
mod direct;
mod geometry;
mod im2col;
mod pointwise;
mod winograd;

pub use algorithm::{Algorithm, Direction};
pub use geometry::{ConvGeometry, ConvShape, ConvSpec, Padding};
pub(crate) use geometry::{Extent, Window, addressable, at_least_one};
pub use im2col::{col2im, im2col};

use crate::{Epilogue, Real, check_len, phase, reference};
use winograd::Winograd;

/// The `F(m, r)` of an algorithm: calls its method.
macro_rules! winograd {
    ($algorithm:expr, $g:expr, $method:ident $(::<$real:ident>)? ($($argument:expr),*)) => {
        match ($algorithm, $g.kh) {
            (Algorithm::Winograd2, 3) => Winograd::<2, 3, 4>.$method$(::<$real>)?($($argument),*),
            (Algorithm::Winograd2, _) => Winograd::<2, 5, 6>.$method$(::<$real>)?($($argument),*),
            (Algorithm::Winograd4, 3) => Winograd::<4, 3, 6>.$method$(::<$real>)?($($argument),*),
            (Algorithm::Winograd4, _) => Winograd::<4, 5, 8>.$method$(::<$real>)?($($argument),*),
            _ => Winograd::<6, 3, 8>.$method$(::<$real>)?($($argument),*),
        }
    };
}

/// The weights of a convolution.
#[derive(Debug, Clone, Copy)]
pub enum Weight<'a, R> {
    /// As they are: `[kh, kw, in_c / groups, out_c]`.
    Plain(&'a [R]),
    /// In the form that an algorithm reads, as [`prepare`] wrote them for the same geometry, algorithm and direction,
    /// with the same instruction set in force.
    Prepared(&'a [R]),
}

impl<'a, R> From<&'a [R]> for Weight<'a, R> {
    fn from(w: &'a [R]) -> Self {
        Self::Plain(w)
    }
}

impl<'a, R> From<&'a Vec<R>> for Weight<'a, R> {
    fn from(w: &'a Vec<R>) -> Self {
        Self::Plain(w)
    }
}

impl<'a, R, const N: usize> From<&'a [R; N]> for Weight<'a, R> {
    fn from(w: &'a [R; N]) -> Self {
        Self::Plain(w)
    }
}

/// Elements that the weights take in the form that the algorithm reads; 0 if that is the form they have.
///
/// Weights that are used for many small batches are best prepared once. Weights that are not are prepared by each call.
///
/// # Panics
/// If `algorithm` does not support the geometry in this direction.
pub fn prepared_len<R: Real>(geometry: &ConvGeometry, algorithm: Algorithm, direction: Direction) -> usize {
    match algorithm.resolve(geometry, direction) {
        _ if direction == Direction::GradWeight => 0,
        Algorithm::Reference | Algorithm::Depthwise => 0,
        Algorithm::Direct | Algorithm::Pointwise | Algorithm::Im2col | Algorithm::Auto => {
            im2col::prepared_len::<R>(geometry, direction)
        }
        algorithm => winograd!(algorithm, geometry, prepared_len::<R>(geometry, direction)),
    }
}

/// Writes the weights to `prepared` in the form that the algorithm reads.
///
/// # Panics
/// If `w` or `prepared` does not have the length that `geometry` and [`prepared_len`] ask for.
pub fn prepare<R: Real>(
    geometry: &ConvGeometry,
    algorithm: Algorithm,
    direction: Direction,
    w: &[R],
    prepared: &mut [R],
) {
    check_len("weight", w, geometry.weight_len());
    check_len("prepared weight", prepared, prepared_len::<R>(geometry, algorithm, direction));
    let algorithm = algorithm.resolve(geometry, direction);
    phase::pack(|| R::conv_prepare(geometry, algorithm, direction, w, prepared));
}

/// Forward convolution with bias and activation: `y = f(conv(x, w) + bias)`. Overwrites `y`.
///
/// # Panics
/// If a slice does not have the length that `geometry` asks for, or `algorithm` does not support it.
pub fn output<'a, R: Real>(
    geometry: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    w: impl Into<Weight<'a, R>>,
    epilogue: Epilogue<R>,
    y: &mut [R],
) {
    check_images(geometry, x, y);
    if let Some(bias) = epilogue.bias {
        check_len("bias", bias, geometry.out_c);
    }
    let algorithm = algorithm.resolve(geometry, Direction::Output);
    with_prepared(geometry, algorithm, Direction::Output, w.into(), |w| {
        R::conv_output(geometry, algorithm, x, w, epilogue, y);
    });
}

/// Gradient of the input: `dx = conv_transposed(dy, w)`. Overwrites `dx`.
///
/// # Panics
/// As [`output`].
pub fn grad_input<'a, R: Real>(
    geometry: &ConvGeometry,
    algorithm: Algorithm,
    dy: &[R],
    w: impl Into<Weight<'a, R>>,
    dx: &mut [R],
) {
    check_images(geometry, dx, dy);
    let algorithm = algorithm.resolve(geometry, Direction::GradInput);
    with_prepared(geometry, algorithm, Direction::GradInput, w.into(), |w| {
        R::conv_grad_input(geometry, algorithm, dy, w, dx);
    });
}

/// Gradient of the weight: `dw += correlate(x, dy)`. Adds to `dw`.
///
/// # Panics
/// As [`output`].
pub fn grad_weight<R: Real>(geometry: &ConvGeometry, algorithm: Algorithm, x: &[R], dy: &[R], dw: &mut [R]) {
    check_images(geometry, x, dy);
    check_len("weight", dw, geometry.weight_len());
    R::conv_grad_weight(geometry, algorithm.resolve(geometry, Direction::GradWeight), x, dy, dw);
}

/// Both gradients: [`grad_weight`] adds to `dw`, [`grad_input`] overwrites `dx`. The same bits as the two calls; what both
/// need is computed once.
///
/// # Panics
/// As [`output`].
pub fn gradients<'a, R: Real>(
    geometry: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    dy: &[R],
    w: impl Into<Weight<'a, R>>,
    dw: &mut [R],
    dx: &mut [R],
) {
    let (input, weight) = (Direction::GradInput, Direction::GradWeight);
    let chosen = algorithm.resolve(geometry, input);
    if chosen != algorithm.resolve(geometry, weight) {
        grad_weight(geometry, algorithm, x, dy, dw);
        return grad_input(geometry, algorithm, dy, w, dx);
    }
    check_images(geometry, x, dy);
    check_len("input gradient", dx, x.len());
    check_len("weight", dw, geometry.weight_len());
    with_prepared(geometry, chosen, input, w.into(), |w| {
        R::conv_gradients(geometry, chosen, x, dy, w, dw, dx);
    });
}

/// Calls `body` with the weights in the form that the algorithm reads.
#[track_caller]
fn with_prepared<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    direction: Direction,
    w: Weight<R>,
    body: impl FnOnce(&[R]),
) {
    let len = prepared_len::<R>(g, algorithm, direction);
    match w {
        Weight::Prepared(w) => {
            check_len("prepared weight", w, if len == 0 { g.weight_len() } else { len });
            body(w);
        }
        Weight::Plain(w) if len == 0 => {
            check_len("weight", w, g.weight_len());
            body(w);
        }
        Weight::Plain(w) => R::with_scratch(len, |prepared| {
            prepare(g, algorithm, direction, w, prepared);
            body(prepared);
        }),
    }
}

pub(crate) fn prepare_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    direction: Direction,
    w: &[R],
    prepared: &mut [R],
) {
    match algorithm {
        Algorithm::Reference | Algorithm::Depthwise => {}
        Algorithm::Direct | Algorithm::Pointwise | Algorithm::Im2col | Algorithm::Auto => {
            im2col::prepare(g, direction, w, prepared);
        }
        _ => winograd!(algorithm, g, prepare(g, direction, w, prepared)),
    }
}

pub(crate) fn output_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    w: &[R],
    epilogue: Epilogue<R>,
    y: &mut [R],
) {
    match algorithm {
        Algorithm::Reference => {
            reference::conv2d(g, x, w, y);
            epilogue.apply(y, g.out_c);
        }
        Algorithm::Direct => direct::output(g, x, w, epilogue, y),
        Algorithm::Pointwise => pointwise::output(g, x, w, epilogue, y),
        Algorithm::Depthwise => depthwise::output(g, x, w, epilogue, y),
        Algorithm::Im2col | Algorithm::Auto => im2col::output(g, x, w, epilogue, y),
        _ => winograd!(algorithm, g, output(g, x, w, epilogue, y)),
    }
}

pub(crate) fn grad_input_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    dy: &[R],
    w: &[R],
    dx: &mut [R],
) {
    match algorithm {
        Algorithm::Reference => reference::conv2d_grad_input(g, dy, w, dx),
        Algorithm::Pointwise => pointwise::grad_input(g, dy, w, dx),
        Algorithm::Depthwise => depthwise::grad_input(g, dy, w, dx),
        Algorithm::Direct | Algorithm::Im2col | Algorithm::Auto => im2col::grad_input(g, dy, w, dx),
        _ => winograd!(algorithm, g, grad_input(g, dy, w, dx)),
    }
}

pub(crate) fn grad_weight_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    dy: &[R],
    dw: &mut [R],
) {
    match algorithm {
        Algorithm::Reference => reference::conv2d_grad_weight(g, x, dy, dw),
        Algorithm::Pointwise => pointwise::grad_weight(g, x, dy, dw),
        Algorithm::Depthwise => depthwise::grad_weight(g, x, dy, dw),
        Algorithm::Direct | Algorithm::Im2col | Algorithm::Auto => im2col::grad_weight(g, x, dy, dw),
        _ => winograd!(algorithm, g, grad_weight(g, x, dy, dw)),
    }
}

pub(crate) fn gradients_of<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    dy: &[R],
    w: &[R],
    dw: &mut [R],
    dx: &mut [R],
) {
    match algorithm {
        Algorithm::Winograd2 | Algorithm::Winograd4 | Algorithm::Winograd6 => {
            winograd!(algorithm, g, gradients(g, x, dy, w, dw, dx));
        }
        _ => {
            grad_weight_of(g, algorithm, x, dy, dw);
            grad_input_of(g, algorithm, dy, w, dx);
        }
    }
}

/// The lengths of a call's images, checked once: the kernels below rely on them.
#[track_caller]
fn check_images<R>(geometry: &ConvGeometry, x: &[R], y: &[R]) {
    let images = x.len() / geometry.input_len();
    check_len("input", x, images * geometry.input_len());
    check_len("output", y, images.saturating_mul(geometry.output_len()));
}
