//! Parameter updates against their formulas, over several steps.

mod random_arrays;

use approx::assert_relative_eq;
use nn_kernels::Real;
use nn_kernels::optimizer::{AdamStep, adam, sgd, sgd_momentum};
use random_arrays::reals;

/// Parameters: more than two chunks.
const LEN: usize = 40_003;
const STEPS: u64 = 5;

fn gradient<R: Real>(step: u64) -> Vec<R> {
    reals(100 + step, LEN)
}

/// `f32` within a few roundings per step, `f64` within as many of its own.
fn assert_close<R: Real>(what: &str, got: &[R], expected: &[f64]) {
    let tolerance = 8.0 * R::epsilon().as_f64();
    assert_eq!(got.len(), expected.len());
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got.as_f64() - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{what}[{i}] is {got}, expected {expected}");
    }
}

fn check_sgd<R: Real>() {
    let mut w = reals::<R>(1, LEN);
    let mut expected: Vec<f64> = w.iter().map(|w| w.as_f64()).collect();
    for step in 0..STEPS {
        let g = gradient::<R>(step);
        sgd(&mut w, &g, R::of(0.25));
        for (w, g) in expected.iter_mut().zip(&g) {
            *w -= 0.25 * g.as_f64();
        }
    }
    assert_close("w", &w, &expected);
}

/// Nesterov's momentum in its usual form: a step from the point that the velocity is about to reach. `u` is
/// that point, and `w = u + momentum·v` is what is stored.
fn check_momentum<R: Real>(nesterov: bool) {
    let (lr, momentum) = (0.25, 0.75);
    let (mut w, mut velocity) = (reals::<R>(1, LEN), vec![R::zero(); LEN]);
    let mut u: Vec<f64> = w.iter().map(|w| w.as_f64()).collect();
    let mut v = vec![0.0; LEN];
    for step in 0..STEPS {
        let g = gradient::<R>(step);
        sgd_momentum(&mut w, &mut velocity, &g, R::of(lr), R::of(momentum), nesterov);
        for ((u, v), g) in u.iter_mut().zip(&mut v).zip(&g) {
            *v = momentum * *v - lr * g.as_f64();
            *u += *v;
        }
    }
    let ahead = if nesterov { momentum } else { 0.0 };
    let expected: Vec<f64> = u.iter().zip(&v).map(|(u, v)| u + ahead * v).collect();
    assert_close("w", &w, &expected);
    assert_close("velocity", &velocity, &v);
}

/// Adam as in the paper: moments as weighted means, corrected for their start at zero.
fn check_adam<R: Real>() {
    // Powers of two, so that `f32` and `f64` mean the same numbers.
    let (lr, one_minus_beta1, one_minus_beta2, epsilon) =
        (2f64.powi(-5), 2f64.powi(-3), 2f64.powi(-10), 2f64.powi(-20));
    let (beta1, beta2) = (1.0 - one_minus_beta1, 1.0 - one_minus_beta2);
    let mut w = reals::<R>(1, LEN);
    let (mut m, mut v) = (vec![R::zero(); LEN], vec![R::zero(); LEN]);
    let mut expected: Vec<[f64; 3]> = w.iter().map(|w| [w.as_f64(), 0.0, 0.0]).collect();
    for step in 0..STEPS {
        let g = gradient::<R>(step);
        let t = step as i32 + 1;
        let root = (1.0 - beta2.powi(t)).sqrt();
        let scalars = AdamStep {
            alpha: R::of(lr * root / (1.0 - beta1.powi(t))),
            one_minus_beta1: R::of(one_minus_beta1),
            one_minus_beta2: R::of(one_minus_beta2),
            epsilon: R::of(epsilon),
        };
        adam(&mut w, &mut m, &mut v, &g, scalars);
        for ([w, m, v], g) in expected.iter_mut().zip(&g) {
            let g = g.as_f64();
            *m = beta1 * *m + one_minus_beta1 * g;
            *v = beta2 * *v + one_minus_beta2 * g * g;
            let (m_hat, v_hat) = (*m / (1.0 - beta1.powi(t)), *v / (1.0 - beta2.powi(t)));
            *w -= lr * m_hat / (v_hat.sqrt() + epsilon / root);
        }
    }
    let column = |i: usize| -> Vec<f64> { expected.iter().map(|row| row[i]).collect() };
    assert_close("w", &w, &column(0));
    assert_close("m", &m, &column(1));
    assert_close("v", &v, &column(2));
}

#[test]
fn sgd_follows_the_gradient() {
    check_sgd::<f32>();
    check_sgd::<f64>();
}

#[test]
fn momentum_keeps_a_velocity() {
    check_momentum::<f32>(false);
    check_momentum::<f64>(false);
}

#[test]
fn nesterov_looks_ahead() {
    check_momentum::<f32>(true);
    check_momentum::<f64>(true);
}

#[test]
fn adam_is_the_paper() {
    check_adam::<f32>();
    check_adam::<f64>();
}

#[test]
fn steps_by_hand() {
    let mut w = [1.0, -2.0];
    sgd(&mut w, &[2.0, 4.0], 0.5);
    assert_eq!(w, [0.0, -4.0]);

    let (mut w, mut velocity) = ([1.0], [4.0]);
    sgd_momentum(&mut w, &mut velocity, &[2.0], 0.5, 0.5, false);
    // v = 0.5·4 - 0.5·2 = 1
    assert_eq!((w, velocity), ([2.0], [1.0]));
    sgd_momentum(&mut w, &mut velocity, &[2.0], 0.5, 0.5, true);
    // v = 0.5·1 - 0.5·2 = -0.5; w += 0.5·(-0.5) - 0.5·2
    assert_eq!((w, velocity), ([0.75], [-0.5]));

    // The first step of Adam is one learning rate, whatever the gradient.
    let (mut w, mut m, mut v) = ([1.0], [0.0], [0.0]);
    let alpha = 0.001 * 0.001f64.sqrt() / 0.1;
    let step = AdamStep { alpha, one_minus_beta1: 0.1, one_minus_beta2: 0.001, epsilon: 0.0 };
    adam(&mut w, &mut m, &mut v, &[-123.0], step);
    assert_relative_eq!(w[0], 1.001, max_relative = 1e-15);
    assert_relative_eq!(m[0], -12.3, max_relative = 1e-15);
    assert_relative_eq!(v[0], 15.129, max_relative = 1e-15);
}

#[test]
fn no_parameters_are_no_work() {
    sgd::<f32>(&mut [], &[], 0.1);
    sgd_momentum::<f32>(&mut [], &mut [], &[], 0.1, 0.9, true);
    let step = AdamStep { alpha: 0.1, one_minus_beta1: 0.1, one_minus_beta2: 0.1, epsilon: 0.1 };
    adam::<f32>(&mut [], &mut [], &mut [], &[], step);
}
