use super::axis::Axis;
use crate::conv::ConvGeometry;
use crate::simd::{Kernel, Simd};
use crate::{Real, check_len, isa};

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

/// The taps of a pixel: all pairs of a row and a column.
#[derive(Clone, Copy)]
struct Taps<'a> {
    rows: &'a [Part],
    columns: &'a [Part],
}

/// What a row or a column of the kernel adds to the places of the elements that a tap multiplies.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    w: usize,
}

impl<'a> Taps<'a> {
    fn pairs(self) -> impl Iterator<Item = (&'a Part, &'a Part)> {
        self.rows.iter().flat_map(move |row| self.columns.iter().map(move |column| (row, column)))
    }
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
        check_len("weight", w, g.weight_len());
        let columns: Vec<Vec<Part>> = (0..to_w)
            .map(|column| {
                let sources = horizontal.sources(FORWARD, column);
                sources.map(|(kw, column)| Part { from: column * from_c, w: kw * g.out_c }).collect()
            })
            .collect();
        let mut rows = Vec::with_capacity(g.kh);
        for (line, to) in (first_line..).zip(to.chunks_exact_mut(to_w * to_c)) {
            let image_len = from_h * from_w * from_c;
            let from = &from[line / to_h * image_len..][..image_len];
            let sources = vertical.sources(FORWARD, line % to_h);
            rows.clear();
            rows.extend(
                sources.map(|(kh, row)| Part { from: row * from_w * from_c, w: kh * g.kw * g.out_c }),
            );
            for (columns, to) in columns.iter().zip(to.chunks_exact_mut(to_c)) {
                let taps = Taps { rows: &rows, columns };
                if g.out_c == g.in_c {
                    // SAFETY: `Axis::sources` are pixels of the image and taps of the kernel, whose lengths were
                    // checked.
                    unsafe { sum(simd, taps, from, w, to) };
                } else if FORWARD {
                    sum_spread(taps, from, w, to, g.out_c / g.in_c);
                } else {
                    sum_collected(taps, from, w, to, g.out_c / g.in_c);
                }
            }
        }
    }
}

/// `to[c] = sum over taps of from[c]·w[c]`
///
/// # Safety
/// Under each tap lie as many elements of `from` and of `w` as `to` has.
#[inline(always)]
unsafe fn sum<R: Real, S: Simd<R>>(simd: S, taps: Taps, from: &[R], w: &[R], to: &mut [R]) {
    let channels = to.len();
    let mut c = 0;
    // SAFETY: channels from `c` on, as many as are named, exist in `to`, and under each tap by the caller's contract.
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
    taps: Taps,
    from: &[R],
    w: &[R],
    to: &mut [R],
    c: usize,
    lanes: usize,
) {
    let lanes = |v: usize| if v + 1 < V { S::LANES } else { lanes };
    let mut sums = [simd.splat(R::ZERO); V];
    // SAFETY: the caller's contract, for every access below.
    unsafe {
        for row in taps.rows {
            for column in taps.columns {
                let from = from.as_ptr().add(row.from + column.from + c);
                let w = w.as_ptr().add(row.w + column.w + c);
                for (v, sum) in sums.iter_mut().enumerate() {
                    let x = simd.load_part_ptr(from.add(v * S::LANES), lanes(v));
                    let w = simd.load_part_ptr(w.add(v * S::LANES), lanes(v));
                    *sum = simd.mul_add(x, w, *sum);
                }
            }
        }
        for (v, sum) in sums.into_iter().enumerate() {
            simd.store_part_ptr(sum, to.as_mut_ptr().add(c + v * S::LANES), lanes(v));
        }
    }
}

/// `to[c·m + j] = sum over taps of from[c]·w[c·m + j]`, where `to` has `m` times as many channels.
#[inline(always)]
fn sum_spread<R: Real>(taps: Taps, from: &[R], w: &[R], to: &mut [R], multiplier: usize) {
    to.fill(R::ZERO);
    for (row, column) in taps.pairs() {
        let from = &from[row.from + column.from..];
        let weights = w[row.w + column.w..].chunks_exact(multiplier);
        for ((to, w), &x) in to.chunks_exact_mut(multiplier).zip(weights).zip(from) {
            for (to, &w) in to.iter_mut().zip(w) {
                *to += x * w;
            }
        }
    }
}

/// `to[c] = sum over taps and j of from[c·m + j]·w[c·m + j]`, where `from` has `m` times as many channels.
#[inline(always)]
fn sum_collected<R: Real>(taps: Taps, from: &[R], w: &[R], to: &mut [R], multiplier: usize) {
    to.fill(R::ZERO);
    for (row, column) in taps.pairs() {
        let from = from[row.from + column.from..].chunks_exact(multiplier);
        let weights = w[row.w + column.w..].chunks_exact(multiplier);
        for (to, (from, w)) in to.iter_mut().zip(from.zip(weights)) {
            for (&x, &w) in from.iter().zip(w) {
                *to += x * w;
            }
        }
    }
}
