use crate::Real;
use crate::pool::PoolGeometry;

/// Largest element of each window; the first NaN of a window wins. Overwrites `y`; padding takes no part.
pub fn max_pool2d<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    for_each_window(g, y.len() / g.output_len(), |yi, window| y[yi] = x[argmax(x, window)]);
}

/// Each `dy` goes to its window's largest element: the first in row-major order where several are equal.
/// Overwrites `dx`.
pub fn max_pool2d_grad_input<R: Real>(g: &PoolGeometry, x: &[R], dy: &[R], dx: &mut [R]) {
    dx.fill(R::zero());
    for_each_window(g, dy.len() / g.output_len(), |yi, window| dx[argmax(x, window)] += dy[yi]);
}

/// Mean of each window; padding takes no part and is not counted. Overwrites `y`.
pub fn avg_pool2d<R: Real>(g: &PoolGeometry, x: &[R], y: &mut [R]) {
    for_each_window(g, y.len() / g.output_len(), |yi, window| {
        let sum = window.iter().fold(0.0, |sum, &xi| sum + x[xi].as_f64());
        y[yi] = R::of(sum / window.len() as f64);
    });
}

/// Each `dy` is spread evenly over its window. Overwrites `dx`.
pub fn avg_pool2d_grad_input<R: Real>(g: &PoolGeometry, dy: &[R], dx: &mut [R]) {
    let mut sums = vec![0.0; dx.len()];
    for_each_window(g, dy.len() / g.output_len(), |yi, window| {
        for &xi in window {
            sums[xi] += dy[yi].as_f64() / window.len() as f64;
        }
    });
    for (dx, &sum) in dx.iter_mut().zip(&sums) {
        *dx = R::of(sum);
    }
}

fn argmax<R: Real>(x: &[R], window: &[usize]) -> usize {
    let mut best = window[0];
    for &xi in &window[1..] {
        if !x[best].is_nan() && (x[xi] > x[best] || x[xi].is_nan()) {
            best = xi;
        }
    }
    best
}

/// Visits every output element with the flat indices of its window's input elements, in row-major order.
fn for_each_window(g: &PoolGeometry, images: usize, mut visit: impl FnMut(usize, &[usize])) {
    let mut window = Vec::new();
    for n in 0..images {
        for oh in 0..g.out_h {
            for ow in 0..g.out_w {
                for c in 0..g.channels {
                    window.clear();
                    for kh in 0..g.window_h {
                        for kw in 0..g.window_w {
                            let ih = (oh * g.stride_h + kh) as isize - g.pad_top as isize;
                            let iw = (ow * g.stride_w + kw) as isize - g.pad_left as isize;
                            if (0..g.in_h as isize).contains(&ih) && (0..g.in_w as isize).contains(&iw) {
                                let pixel = (n * g.in_h + ih as usize) * g.in_w + iw as usize;
                                window.push(pixel * g.channels + c);
                            }
                        }
                    }
                    visit(((n * g.out_h + oh) * g.out_w + ow) * g.channels + c, &window);
                }
            }
        }
    }
}
