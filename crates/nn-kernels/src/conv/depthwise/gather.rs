use super::axis::Axis;
use crate::conv::ConvGeometry;
use crate::simd::{Kernel, Simd};
use crate::{Real, isa};

/// The lines of `y` from `first_line` on; line `l` belongs to image `l / out_h`.
pub(crate) fn output_of<R: Real>(g: &ConvGeometry, first_line: usize, x: &[R], w: &[R], y: &mut [R]) {
    isa::dispatch(Gather::<R, true> { g, first_line, from: x, w, to: y });
}

/// The lines of `dx` from `first_line` on; line `l` belongs to image `l / in_h`.
pub(crate) fn grad_input_of<R: Real>(g: &ConvGeometry, first_line: usize, dy: &[R], w: &[R], dx: &mut [R]) {
    isa::dispatch(Gather::<R, false> { g, first_line, from: dy, w, to: dx });
}

/// Lines of pixels, each a sum over taps: of outputs from the input (`FORWARD`), or of inputs from the output.
struct Gather<'a, R, const FORWARD: bool> {
    g: &'a ConvGeometry,
    first_line: usize,
    from: &'a [R],
    w: &'a [R],
    to: &'a mut [R],
}

/// One product of a pixel's sum.
#[derive(Debug, Clone, Copy)]
struct Tap {
    /// First channel of the pixel that is read.
    from: usize,
    /// First weight.
    w: usize,
}

impl<R: Real, const FORWARD: bool> Kernel<R> for Gather<'_, R, FORWARD> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) {
        let Self { g, first_line, from, w, to } = self;
        let (vertical, horizontal) = (Axis::vertical(g), Axis::horizontal(g));
        let (to_h, to_w, to_c, from_h, from_w, from_c) = if FORWARD {
            (g.out_h, g.out_w, g.out_c, g.in_h, g.in_w, g.in_c)
        } else {
            (g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c)
        };
        let columns: Vec<_> = (0..to_w).map(|column| horizontal.sources(FORWARD, column)).collect();
        let mut taps = Vec::new();
        for (line, to) in (first_line..).zip(to.chunks_exact_mut(to_w * to_c)) {
            let rows = vertical.sources(FORWARD, line % to_h);
            let image = line / to_h * from_h;
            for (columns, to) in columns.iter().zip(to.chunks_exact_mut(to_c)) {
                taps.clear();
                for &(kh, row) in &rows {
                    for &(kw, column) in columns {
                        let from = ((image + row) * from_w + column) * from_c;
                        taps.push(Tap { from, w: (kh * g.kw + kw) * g.out_c });
                    }
                }
                if g.out_c == g.in_c {
                    sum(simd, &taps, from, w, to);
                } else if FORWARD {
                    sum_spread(&taps, from, w, to, g.out_c / g.in_c);
                } else {
                    sum_collected(&taps, from, w, to, g.out_c / g.in_c);
                }
            }
        }
    }
}

/// `to[c] = sum over taps of from[c]·w[c]`
#[inline(always)]
fn sum<R: Real, S: Simd<R>>(simd: S, taps: &[Tap], from: &[R], w: &[R], to: &mut [R]) {
    let channels = to.len();
    for tap in taps {
        assert!(tap.from + channels <= from.len() && tap.w + channels <= w.len(), "a tap lies outside");
    }
    let mut c = 0;
    // SAFETY: channels from `c` on, as many as are named, exist in `to` and under each tap.
    unsafe {
        while c + 4 * S::LANES <= channels {
            sum_vectors::<R, S, 4>(simd, taps, from, w, to, c, S::LANES);
            c += 4 * S::LANES;
        }
        while c + S::LANES <= channels {
            sum_vectors::<R, S, 1>(simd, taps, from, w, to, c, S::LANES);
            c += S::LANES;
        }
        if c < channels {
            sum_vectors::<R, S, 1>(simd, taps, from, w, to, c, channels - c);
        }
    }
}

/// `V` vectors of channels from `c` on; the last has `lanes` of them.
///
/// # Safety
/// These channels exist in `to` and under each tap.
#[inline(always)]
unsafe fn sum_vectors<R: Real, S: Simd<R>, const V: usize>(
    simd: S,
    taps: &[Tap],
    from: &[R],
    w: &[R],
    to: &mut [R],
    c: usize,
    lanes: usize,
) {
    let mut sums = [simd.splat(R::ZERO); V];
    for tap in taps {
        for (v, sum) in sums.iter_mut().enumerate() {
            let lanes = if v + 1 < V { S::LANES } else { lanes };
            let c = c + v * S::LANES;
            // SAFETY: the caller's contract.
            let (x, w) = unsafe {
                (
                    simd.load_part_ptr(from.as_ptr().add(tap.from + c), lanes),
                    simd.load_part_ptr(w.as_ptr().add(tap.w + c), lanes),
                )
            };
            *sum = simd.mul_add(x, w, *sum);
        }
    }
    for (v, sum) in sums.into_iter().enumerate() {
        let lanes = if v + 1 < V { S::LANES } else { lanes };
        // SAFETY: the caller's contract.
        unsafe { simd.store_part_ptr(sum, to.as_mut_ptr().add(c + v * S::LANES), lanes) };
    }
}

/// `to[c·m + j] = sum over taps of from[c]·w[c·m + j]`, where `to` has `m` times as many channels.
#[inline(always)]
fn sum_spread<R: Real>(taps: &[Tap], from: &[R], w: &[R], to: &mut [R], multiplier: usize) {
    to.fill(R::ZERO);
    for tap in taps {
        let weights = w[tap.w..].chunks_exact(multiplier);
        for ((to, w), &x) in to.chunks_exact_mut(multiplier).zip(weights).zip(&from[tap.from..]) {
            for (to, &w) in to.iter_mut().zip(w) {
                *to += x * w;
            }
        }
    }
}

/// `to[c] = sum over taps and j of from[c·m + j]·w[c·m + j]`, where `from` has `m` times as many channels.
#[inline(always)]
fn sum_collected<R: Real>(taps: &[Tap], from: &[R], w: &[R], to: &mut [R], multiplier: usize) {
    to.fill(R::ZERO);
    for tap in taps {
        let products = from[tap.from..].chunks_exact(multiplier).zip(w[tap.w..].chunks_exact(multiplier));
        for (to, (from, w)) in to.iter_mut().zip(products) {
            for (&x, &w) in from.iter().zip(w) {
                *to += x * w;
            }
        }
    }
}
