//! Activation functions: their values, their derivatives, and what they make of NaN and infinity.

mod random_arrays;

use approx::assert_relative_eq;
use nn_kernels::{Isa, Pointwise, Real};
use random_arrays::reals;

const ALL: [Pointwise; 9] = [
    Pointwise::Linear,
    Pointwise::Relu,
    Pointwise::Relu6,
    Pointwise::LeakyRelu { slope: 0.3 },
    Pointwise::LeakyRelu { slope: 0.0 },
    Pointwise::Elu { alpha: 1.0 },
    Pointwise::Elu { alpha: 0.4 },
    Pointwise::Sigmoid,
    Pointwise::Tanh,
];

/// The function's value from its definition.
fn formula(f: Pointwise, z: f64) -> f64 {
    match f {
        Pointwise::Linear => z,
        Pointwise::Relu => z.max(0.0),
        Pointwise::Relu6 => z.clamp(0.0, 6.0),
        Pointwise::LeakyRelu { slope } => z.max(0.0) + slope * z.min(0.0),
        Pointwise::Elu { alpha } => z.max(0.0) + alpha * z.min(0.0).exp_m1(),
        Pointwise::Sigmoid => 0.5 + 0.5 * (0.5 * z).tanh(),
        Pointwise::Tanh => 1.0 - 2.0 / ((2.0 * z).exp() + 1.0),
    }
}

/// Points from -9 to 9 that stay at least 0.01 away from the kinks at 0 and 6.
fn points() -> Vec<f64> {
    let points = reals::<f64>(1, 2000).into_iter().map(|z| 9.0 * z);
    points.filter(|z| z.abs() > 0.01 && (z - 6.0).abs() > 0.01).collect()
}

fn value<R: Real>(f: Pointwise, z: R) -> R {
    let mut z = [z];
    f.apply(&mut z);
    z[0]
}

/// Runs `check` on every instruction set of this processor.
fn on_every_isa(check: impl Fn()) {
    for isa in Isa::available() {
        println!("{isa}");
        isa.scope(&check);
    }
}

#[test]
fn values() {
    on_every_isa(check_values);
}

fn check_values() {
    for f in ALL {
        for z in points() {
            assert_relative_eq!(value(f, z), formula(f, z), epsilon = 1e-15, max_relative = 1e-14);
            // Four units in the last place, and the formula's own rounding at small values.
            let z = z as f32;
            let expected = formula(f, f64::from(z));
            assert_relative_eq!(
                f64::from(value(f, z)),
                expected,
                epsilon = 1e-15,
                max_relative = 4.0 * f64::from(f32::EPSILON)
            );
        }
    }
}

#[test]
fn derivatives() {
    let h = 1e-5;
    for f in ALL {
        for z in points() {
            let slope = (formula(f, z + h) - formula(f, z - h)) / (2.0 * h);
            // `backward` scales the incoming gradient.
            let mut dz = [-2.5];
            f.backward(&[value(f, z)], &mut dz);
            assert_relative_eq!(dz[0], -2.5 * slope, epsilon = 1e-9, max_relative = 1e-8);

            let mut dz = [-2.5f32];
            f.backward(&[value(f, z as f32)], &mut dz);
            assert_relative_eq!(f64::from(dz[0]), -2.5 * slope, epsilon = 1e-6, max_relative = 1e-5);
        }
    }
}

#[test]
fn derivatives_at_the_kinks() {
    on_every_isa(check_derivatives_at_the_kinks);
}

fn check_derivatives_at_the_kinks() {
    let slope = |f: Pointwise, z: f32| {
        let mut dz = [1f32];
        f.backward(&[value(f, z)], &mut dz);
        dz[0]
    };
    for zero in [0.0, -0.0] {
        assert_eq!(slope(Pointwise::Relu, zero), 0.0);
        assert_eq!(slope(Pointwise::Relu6, zero), 0.0);
        assert_eq!(slope(Pointwise::LeakyRelu { slope: 0.3 }, zero), 0.3);
        assert_eq!(slope(Pointwise::Elu { alpha: 1.0 }, zero), 1.0);
    }
    assert_eq!(slope(Pointwise::Relu6, 6.0), 0.0);
    assert_eq!(slope(Pointwise::Relu6, 7.0), 0.0);
}

#[test]
fn nan_stays_nan() {
    on_every_isa(check_nan_stays_nan);
}

fn check_nan_stays_nan() {
    for f in ALL {
        assert!(value(f, f32::NAN).is_nan(), "{f:?} swallows NaN");
        assert!(value(f, f64::NAN).is_nan(), "{f:?} swallows NaN");
        // In the middle of an array, where a vector of lanes handles it.
        let mut z = vec![0.5f32; 100];
        z[37] = f32::NAN;
        f.apply(&mut z);
        let nans: Vec<usize> = (0..100).filter(|&i| z[i].is_nan()).collect();
        assert_eq!(nans, [37], "{f:?}");
    }
}

#[test]
fn nan_gradient_stays_nan_where_it_passes() {
    on_every_isa(check_nan_gradient_stays_nan_where_it_passes);
}

fn check_nan_gradient_stays_nan_where_it_passes() {
    for f in ALL {
        let mut dz = [f32::NAN];
        f.backward(&[value(f, 0.5f32)], &mut dz);
        assert!(dz[0].is_nan(), "{f:?} swallows a NaN gradient");
    }
}

#[test]
fn zeros_and_limits() {
    on_every_isa(check_zeros_and_limits);
}

fn check_zeros_and_limits() {
    const INF: f32 = f32::INFINITY;
    const MAX: f32 = 3.4e38;
    const TINY: f32 = 1e-40;
    // Values at -inf, -3.4e38, -0, 1e-40, 3.4e38 and inf.
    let table = [
        (Pointwise::Linear, [-INF, -MAX, 0.0, TINY, MAX, INF]),
        (Pointwise::Relu, [0.0, 0.0, 0.0, TINY, MAX, INF]),
        (Pointwise::Relu6, [0.0, 0.0, 0.0, TINY, 6.0, 6.0]),
        (Pointwise::LeakyRelu { slope: 0.5 }, [-INF, -MAX / 2.0, 0.0, TINY, MAX, INF]),
        (Pointwise::Elu { alpha: 0.4 }, [-0.4, -0.4, 0.0, TINY, MAX, INF]),
        (Pointwise::Sigmoid, [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]),
        (Pointwise::Tanh, [-1.0, -1.0, 0.0, TINY, 1.0, 1.0]),
    ];
    for (f, expected) in table {
        let mut y = [-INF, -MAX, -0.0, TINY, MAX, INF];
        f.apply(&mut y);
        assert_eq!(y, expected, "{f:?}");
    }
}

#[test]
fn arrays_of_several_chunks_are_like_single_elements() {
    let z = reals::<f32>(2, 50_001);
    for f in ALL {
        let mut y = z.clone();
        f.apply(&mut y);
        let mut dz = z.clone();
        f.backward(&y, &mut dz);
        for i in (0..z.len()).step_by(997).chain([z.len() - 1]) {
            assert_eq!(y[i], value(f, z[i]), "{f:?} at {i}");
            let mut single = [z[i]];
            f.backward(&[y[i]], &mut single);
            assert_eq!(dz[i], single[0], "derivative of {f:?} at {i}");
        }
        f.apply::<f32>(&mut []);
        f.backward::<f32>(&[], &mut []);
    }
}
