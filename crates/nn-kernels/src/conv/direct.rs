//! Direct convolution: register tiles that read the patches where they lie.
//!
//! Along a row of output pixels, patches lie at a constant distance of `stride_w·in_c` elements, and a patch is `kh` runs
//! of `kw·in_c` contiguous elements. That is all that the register tile of the GEMM asks of its left operand, so a row of
//! outputs is one product without a column matrix:
//!
//! ```text
//! y [out_w, out_c] = patches [out_w, kh·kw·in_c] · w [kh·kw·in_c, out_c]      for each row of the output
//! ```
//!
//! Input with padding is copied to a larger image with zeros around it first. This is the fastest algorithm for few
//! input channels, where a copied patch would hardly be used before it is dropped.

use super::im2col::{columns_of, group_weight};
use super::{ConvGeometry, Direction};
use crate::gemm::micro::Run;
use crate::gemm::multiply::{Layout, Lhs, multiply};
use crate::parallel::for_each_chunk;
use crate::{Epilogue, Real, phase};

/// Overwrites `y`; `packed` is what [`super::im2col::prepare`] makes of the weights.
pub(super) fn output<R: Real>(g: &ConvGeometry, x: &[R], packed: &[R], epilogue: Epilogue<R>, y: &mut [R]) {
    let columns = g.out_c / g.groups;
    for_each_chunk(y, g.output_len(), |image, y| {
        let x = &x[image * g.input_len()..][..g.input_len()];
        with_padding(g, x, |x, row_len| {
            for group in 0..g.groups {
                let patches = Lhs {
                    data: x,
                    lines: g.out_h,
                    line_stride: g.stride_h * row_len,
                    rows: g.out_w,
                    layout: Layout::Rows(g.stride_w * g.in_c),
                    runs: &runs(g, group, row_len),
                };
                let w = group_weight(g, Direction::Output, packed, group);
                let y = columns_of(y, g.out_h * g.out_w, g.out_c, group * columns, columns);
                let finish = epilogue.of_channels(group * columns..(group + 1) * columns).split().0;
                phase::multiply(|| multiply(patches, w, y, false, Some(finish)));
            }
        });
        epilogue.split().1.apply_block(y);
    });
}

/// The runs of the first patch in an image with rows of `row_len` elements.
fn runs(g: &ConvGeometry, group: usize, row_len: usize) -> Vec<Run> {
    let group_c = g.in_c / g.groups;
    let taps = (0..g.kh).flat_map(|kh| (0..g.kw).map(move |kw| (kh, kw)));
    let start =
        |kh: usize, kw: usize| kh * g.dilation_h * row_len + kw * g.dilation_w * g.in_c + group * group_c;
    if g.dilation_w == 1 && g.groups == 1 {
        (0..g.kh).map(|kh| Run { start: start(kh, 0), depth: g.kw * group_c }).collect()
    } else {
        taps.map(|(kh, kw)| Run { start: start(kh, kw), depth: group_c }).collect()
    }
}

/// Calls `body` with the image surrounded by the zeros that the windows reach, and the length of its rows.
fn with_padding<R: Real>(g: &ConvGeometry, x: &[R], body: impl FnOnce(&[R], usize)) {
    let h = (g.out_h - 1) * g.stride_h + (g.kh - 1) * g.dilation_h + 1;
    let w = (g.out_w - 1) * g.stride_w + (g.kw - 1) * g.dilation_w + 1;
    if g.pad_top == 0 && g.pad_left == 0 && h <= g.in_h && w <= g.in_w {
        body(x, g.in_w * g.in_c);
        return;
    }
    R::with_scratch(h * w * g.in_c, |padded| {
        phase::pack(|| {
            padded.fill(R::ZERO);
            let columns = g.in_w.min(w.saturating_sub(g.pad_left)) * g.in_c;
            let rows = padded.chunks_exact_mut(w * g.in_c).skip(g.pad_top);
            for (to, from) in rows.zip(x.chunks_exact(g.in_w * g.in_c)) {
                to[g.pad_left * g.in_c..][..columns].copy_from_slice(&from[..columns]);
            }
        });
        body(padded, w * g.in_c);
    });
}
