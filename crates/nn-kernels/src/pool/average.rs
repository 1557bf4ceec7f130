use super::PoolGeometry;
use crate::parallel::for_each_chunk;
use crate::{Real, check_len, check_rows};

/// Mean of each window over the elements that lie inside the input. Overwrites `y`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn avg_pool<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    let images = x.len() / g.input_len();
    check_len("x", x, images * g.input_len());
    check_len("y", y, images * g.output_len());
    for_each_chunk(y, g.output_len(), |image, y| {
        let x = &x[image * g.input_len()..][..g.input_len()];
        for (pixel, y) in y.chunks_exact_mut(g.channels).enumerate() {
            let (oh, ow) = (pixel / g.out_w, pixel % g.out_w);
            let (rows, columns) = g.taps(oh, ow);
            let count = R::of((rows.len() * columns.len()) as f64);
            y.fill(R::zero());
            for kh in rows {
                for kw in columns.clone() {
                    add(y, &x[g.pixel(oh, ow, kh, kw)..][..g.channels]);
                }
            }
            for y in y {
                *y /= count;
            }
        }
    });
}

/// Gradient of [`avg_pool`]: spreads each `dy` evenly over its window. Overwrites `dx`.
///
/// # Panics
/// If a slice does not have the length that `g` asks for.
pub fn avg_pool_grad_input<R: Real>(g: &PoolGeometry, dy: &[R], dx: &mut [R]) {
    let images = dx.len() / g.input_len();
    check_len("dx", dx, images * g.input_len());
    check_len("dy", dy, images * g.output_len());
    for_each_chunk(dx, g.input_len(), |image, dx| {
        dx.fill(R::zero());
        let dy = &dy[image * g.output_len()..][..g.output_len()];
        for (pixel, dy) in dy.chunks_exact(g.channels).enumerate() {
            let (oh, ow) = (pixel / g.out_w, pixel % g.out_w);
            let (rows, columns) = g.taps(oh, ow);
            let count = R::of((rows.len() * columns.len()) as f64);
            for kh in rows {
                for kw in columns.clone() {
                    let dx = &mut dx[g.pixel(oh, ow, kh, kw)..][..g.channels];
                    for (dx, &dy) in dx.iter_mut().zip(dy) {
                        *dx += dy / count;
                    }
                }
            }
        }
    });
}

/// Mean of each channel over all pixels of an image. Overwrites `y`.
///
/// # Shapes
/// `x`: `[n, pixels, channels]`, `y`: `[n, channels]`.
///
/// # Panics
/// If `x` does not have `pixels` times the elements of `y`.
pub fn global_avg_pool<R: Real>(pixels: usize, channels: usize, x: &[R], y: &mut [R]) {
    check_rows("y", y, channels);
    check_len("x", x, y.len() * pixels);
    let count = R::of(pixels as f64);
    for_each_chunk(y, channels, |image, y| {
        y.fill(R::zero());
        for x in x[image * pixels * channels..][..pixels * channels].chunks_exact(channels) {
            add(y, x);
        }
        for y in y {
            *y /= count;
        }
    });
}

/// Gradient of [`global_avg_pool`]: `dx[n, p, c] = dy[n, c] / pixels`. Overwrites `dx`.
///
/// # Panics
/// If `dx` does not have `pixels` times the elements of `dy`.
pub fn global_avg_pool_grad_input<R: Real>(pixels: usize, channels: usize, dy: &[R], dx: &mut [R]) {
    check_rows("dy", dy, channels);
    check_len("dx", dx, dy.len() * pixels);
    let count = R::of(pixels as f64);
    for_each_chunk(dx, pixels * channels, |image, dx| {
        let dy = &dy[image * channels..][..channels];
        for dx in dx.chunks_exact_mut(channels) {
            for (dx, &dy) in dx.iter_mut().zip(dy) {
                *dx = dy / count;
            }
        }
    });
}

fn add<R: Real>(sums: &mut [R], values: &[R]) {
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}
