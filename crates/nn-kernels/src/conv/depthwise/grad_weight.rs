use std::ops::Range;

use super::axis::Axis;
use crate::conv::ConvGeometry;
use crate::simd::{Kernel, Simd};
use crate::{Real, isa};

/// Adds to `dw` what `lines` of the output contribute; line `l` belongs to image `l / out_h`.
pub(crate) fn grad_weight_of<R: Real>(
    g: &ConvGeometry,
    lines: Range<usize>,
    x: &[R],
    dy: &[R],
    dw: &mut [R],
) {
    isa::dispatch(GradWeight { g, lines, x, dy, dw });
}

struct GradWeight<'a, R> {
    g: &'a ConvGeometry,
    lines: Range<usize>,
    x: &'a [R],
    dy: &'a [R],
    dw: &'a mut [R],
}

/// Neighbouring output pixels and the input pixels under one of their taps.
struct Stretch {
    pixels: usize,
    /// First channel of the first input pixel, and the distance to the next.
    x: (usize, usize),
    /// First channel of the first output pixel, and the distance to the next.
    dy: (usize, usize),
}

impl<R: Real> Kernel<R> for GradWeight<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { g, lines, x, dy, dw } = self;
        let (vertical, horizontal) = (Axis::vertical(g), Axis::horizontal(g));
        for line in lines {
            for (kh, ih) in vertical.sources(true, line % g.out_h) {
                for kw in 0..g.kw {
                    let columns = horizontal.outputs_inside(kw);
                    let Some(iw) = horizontal.input_under(columns.start, kw) else { continue };
                    let x_row = (line / g.out_h * g.in_h + ih) * g.in_w;
                    let stretch = Stretch {
                        pixels: columns.len(),
                        x: ((x_row + iw) * g.in_c, g.stride_w * g.in_c),
                        dy: ((line * g.out_w + columns.start) * g.out_c, g.out_c),
                    };
                    let dw = &mut dw[(kh * g.kw + kw) * g.out_c..][..g.out_c];
                    if g.out_c == g.in_c {
                        add_products(simd, &stretch, x, dy, dw);
                    } else {
                        add_spread_products(&stretch, x, dy, dw, g.out_c / g.in_c);
                    }
                }
            }
        }
    }
}

/// `dw[c] += sum over pixels of x[c]·dy[c]`
#[inline(always)]
fn add_products<R: Real, S: Simd<R>>(simd: S, stretch: &Stretch, x: &[R], dy: &[R], dw: &mut [R]) {
    let channels = dw.len();
    let Some(steps) = stretch.pixels.checked_sub(1) else { return };
    assert!(stretch.x.0 + steps * stretch.x.1 + channels <= x.len(), "an input pixel lies outside");
    assert!(stretch.dy.0 + steps * stretch.dy.1 + channels <= dy.len(), "an output pixel lies outside");
    let mut c = 0;
    // SAFETY: channels from `c` on, as many as are named, exist in `dw` and in each pixel.
    unsafe {
        while c + 4 * S::LANES <= channels {
            add_vectors::<R, S, 4>(simd, stretch, x, dy, dw, c, S::LANES);
            c += 4 * S::LANES;
        }
        while c + S::LANES <= channels {
            add_vectors::<R, S, 1>(simd, stretch, x, dy, dw, c, S::LANES);
            c += S::LANES;
        }
        if c < channels {
            add_vectors::<R, S, 1>(simd, stretch, x, dy, dw, c, channels - c);
        }
    }
}

/// `V` vectors of channels from `c` on; the last has `lanes` of them.
///
/// # Safety
/// These channels exist in `dw` and in each pixel.
#[inline(always)]
unsafe fn add_vectors<R: Real, S: Simd<R>, const V: usize>(
    simd: S,
    stretch: &Stretch,
    x: &[R],
    dy: &[R],
    dw: &mut [R],
    c: usize,
    lanes: usize,
) {
    let lanes = |v: usize| if v + 1 < V { S::LANES } else { lanes };
    let mut sums = [simd.splat(R::ZERO); V];
    // SAFETY: the caller's contract, for every access below.
    unsafe {
        let dw = dw.as_mut_ptr().add(c);
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = simd.load_part_ptr(dw.add(v * S::LANES), lanes(v));
        }
        for pixel in 0..stretch.pixels {
            let x = x.as_ptr().add(stretch.x.0 + pixel * stretch.x.1 + c);
            let dy = dy.as_ptr().add(stretch.dy.0 + pixel * stretch.dy.1 + c);
            for (v, sum) in sums.iter_mut().enumerate() {
                let x = simd.load_part_ptr(x.add(v * S::LANES), lanes(v));
                let dy = simd.load_part_ptr(dy.add(v * S::LANES), lanes(v));
                *sum = simd.mul_add(x, dy, *sum);
            }
        }
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store_part_ptr(sum, dw.add(v * S::LANES), lanes(v));
        }
    }
}

/// `dw[c·m + j] += sum over pixels of x[c]·dy[c·m + j]`, where `dw` and `dy` have `m` times as many channels.
#[inline(always)]
fn add_spread_products<R: Real>(stretch: &Stretch, x: &[R], dy: &[R], dw: &mut [R], multiplier: usize) {
    for pixel in 0..stretch.pixels {
        let x = &x[stretch.x.0 + pixel * stretch.x.1..];
        let dy = dy[stretch.dy.0 + pixel * stretch.dy.1..].chunks_exact(multiplier);
        for ((dw, dy), &x) in dw.chunks_exact_mut(multiplier).zip(dy).zip(x) {
            for (dw, &dy) in dw.iter_mut().zip(dy) {
                *dw += x * dy;
            }
        }
    }
}
