use super::PoolGeometry;
use crate::parallel::{for_each_chunk, for_each_chunk_pair};
use crate::{Real, check_len};

/// Largest element of each window. Overwrites `y` and `argmax`.
///
/// `argmax` gets the winner's place in its window, counted row by row over the whole window: what
/// [`max_pool_grad_input`] needs. Where several elements are equal the first in row-major order wins; the
/// first NaN of a window wins over everything.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn max_pool<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R], argmax: &mut [u16]) {
    let images = x.len() / g.input_len();
    check_len("x", x, images * g.input_len());
    check_len("y", y, images * g.output_len());
    check_len("argmax", argmax, images * g.output_len());
    for_each_chunk_pair((y, g.output_len()), (argmax, g.output_len()), |image, y, argmax| {
        let x = &x[image * g.input_len()..][..g.input_len()];
        let pixels = y.chunks_exact_mut(g.channels).zip(argmax.chunks_exact_mut(g.channels));
        for (pixel, (y, argmax)) in pixels.enumerate() {
            let (oh, ow) = (pixel / g.out_w, pixel % g.out_w);
            let (rows, columns) = g.taps(oh, ow);
            let mut first = true;
            for kh in rows {
                for kw in columns.clone() {
                    let x = &x[g.pixel(oh, ow, kh, kw)..][..g.channels];
                    let tap = (kh * g.window_w + kw) as u16;
                    if std::mem::take(&mut first) {
                        y.copy_from_slice(x);
                        argmax.fill(tap);
                        continue;
                    }
                    for ((y, argmax), &x) in y.iter_mut().zip(argmax.iter_mut()).zip(x) {
                        // A NaN in `y` compares false and stays.
                        let wins = x > *y || (x.is_nan() && !y.is_nan());
                        *y = if wins { x } else { *y };
                        *argmax = if wins { tap } else { *argmax };
                    }
                }
            }
        }
    });
}

/// Gradient of [`max_pool`]: adds each `dy` to its window's winner. Overwrites `dx`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn max_pool_grad_input<R: Real>(g: &PoolGeometry, dy: &[R], argmax: &[u16], dx: &mut [R]) {
    let images = dx.len() / g.input_len();
    check_len("dx", dx, images * g.input_len());
    check_len("dy", dy, images * g.output_len());
    check_len("argmax", argmax, images * g.output_len());
    for_each_chunk(dx, g.input_len(), |image, dx| {
        dx.fill(R::zero());
        let outputs = image * g.output_len()..(image + 1) * g.output_len();
        let pixels =
            dy[outputs.clone()].chunks_exact(g.channels).zip(argmax[outputs].chunks_exact(g.channels));
        for (pixel, (dy, argmax)) in pixels.enumerate() {
            let (oh, ow) = (pixel / g.out_w, pixel % g.out_w);
            for (c, (&dy, &tap)) in dy.iter().zip(argmax).enumerate() {
                let (kh, kw) = (usize::from(tap) / g.window_w, usize::from(tap) % g.window_w);
                dx[g.pixel(oh, ow, kh, kw) + c] += dy;
            }
        }
    });
}
