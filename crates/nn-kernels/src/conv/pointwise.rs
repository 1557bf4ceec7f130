//! Convolution with a window of 1x1: a matrix product over all pixels, without any rearrangement.
//!
//! ```text
//! output       y  [pixels, out_c] = x  [pixels, in_c]   · w   [in_c, out_c]
//! grad_input   dx [pixels, in_c]  = dy [pixels, out_c]  · w^T [out_c, in_c]
//! grad_weight  dw [in_c, out_c]  += x^T [in_c, pixels]  · dy  [pixels, out_c]
//! ```

use ndarray::{ArrayView2, ArrayViewMut2};

use super::ConvGeometry;
use crate::gemm::{Update, gemm};
use crate::{Epilogue, Real};

/// Whether the geometry is one without rearrangement: 1x1, stride 1, one group, no padding.
pub(super) fn supports(g: &ConvGeometry) -> bool {
    (g.kh, g.kw) == (1, 1)
        && (g.in_h, g.in_w) == (g.out_h, g.out_w)
        && (g.stride_h, g.stride_w, g.groups) == (1, 1, 1)
}

pub(super) fn output<R: Real>(g: &ConvGeometry, x: &[R], w: &[R], epilogue: Epilogue<R>, y: &mut [R]) {
    let out = ArrayViewMut2::from_shape((y.len() / g.out_c, g.out_c), &mut *y).expect("pixels of out_c");
    gemm(pixels(x, g.in_c), weight(g, w), out, Update::Assign);
    epilogue.apply(y, g.out_c);
}

pub(super) fn grad_input<R: Real>(g: &ConvGeometry, dy: &[R], w: &[R], dx: &mut [R]) {
    let out = ArrayViewMut2::from_shape((dx.len() / g.in_c, g.in_c), dx).expect("pixels of in_c");
    gemm(pixels(dy, g.out_c), weight(g, w).reversed_axes(), out, Update::Assign);
}

pub(super) fn grad_weight<R: Real>(g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
    let out = ArrayViewMut2::from_shape((g.in_c, g.out_c), dw).expect("in_c by out_c");
    gemm(pixels(x, g.in_c).reversed_axes(), pixels(dy, g.out_c), out, Update::Add);
}

fn pixels<R>(x: &[R], channels: usize) -> ArrayView2<'_, R> {
    ArrayView2::from_shape((x.len() / channels, channels), x).expect("whole pixels")
}

fn weight<'a, R>(g: &ConvGeometry, w: &'a [R]) -> ArrayView2<'a, R> {
    ArrayView2::from_shape((g.in_c, g.out_c), w).expect("checked by the caller")
}
