//! Mean squared error of one sample: `l = mean_c (y_c - t_c)²`, `dl/dy_c = 2·(y_c - t_c) / classes`.

use nn_kernels::Real;

/// Loss of one row; writes `scale` times its gradient to `dy`.
pub(super) fn row<R: Real>(y: &[R], target: &[f64], scale: f64, dy: &mut [R]) -> f64 {
    let classes = target.len() as f64;
    let mut loss = 0.0;
    for ((&y, dy), &t) in y.iter().zip(dy).zip(target) {
        let difference = y.as_f64() - t;
        loss += difference * difference / classes;
        *dy = R::of(scale * 2.0 * difference / classes);
    }
    loss
}
