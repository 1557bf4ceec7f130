//! Errors of the functions against `f64`, on every instruction set of this processor.

use crate::isa::{Isa, dispatch};
use crate::lanewise::{Each, Lanewise};
use crate::simd::Simd;
use crate::{Real, exp};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Function {
    Exp,
    ExpM1,
    Sigmoid,
    Tanh,
}

impl Function {
    const ALL: [Self; 4] = [Self::Exp, Self::ExpM1, Self::Sigmoid, Self::Tanh];

    fn exact(self, x: f64) -> f64 {
        match self {
            Self::Exp => x.exp(),
            Self::ExpM1 => x.exp_m1(),
            Self::Sigmoid if x < 0.0 => x.exp() / (1.0 + x.exp()),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Tanh => x.tanh(),
        }
    }

    /// Units in the last place by which it may be wrong.
    fn tolerance(self) -> f64 {
        if self == Self::Exp { 2.0 } else { 3.0 }
    }

    fn is_defined(self, x: f64) -> bool {
        self != Self::ExpM1 || x.is_nan() || x <= 88.0
    }

    fn of<R: Real>(self, isa: Isa, x: &[R]) -> Vec<R> {
        let mut y = x.to_vec();
        isa.scope(|| dispatch(Each { f: self, state: [&mut y], input: [] }));
        y
    }
}

impl<R: Real> Lanewise<R, 1, 0> for Function {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [x]: [S::V; 1], []: [S::V; 0]) -> [S::V; 1] {
        [match self {
            Self::Exp => exp::exp(simd, x),
            Self::ExpM1 => exp::exp_m1(simd, x),
            Self::Sigmoid => exp::sigmoid(simd, x),
            Self::Tanh => exp::tanh(simd, x),
        }]
    }
}

/// The distance from the exact value in units in the last place that it has in `f32`.
fn ulps(got: f32, exact: f64) -> f64 {
    if f64::from(got) == exact || got == exact as f32 && !got.is_finite() || got.is_nan() && exact.is_nan() {
        return 0.0;
    }
    // Steps of subnormal numbers are no smaller than those of the least normal ones.
    let exponent = (exact.abs().to_bits() >> 52) as i32 - 1023;
    (f64::from(got) - exact).abs() / 2f64.powi(exponent.max(-126) - 23)
}

/// Checks `f32` bit patterns from 0 on in steps of `step`; returns the worst errors, fused and portable.
fn sweep(function: Function, step: usize) -> [f64; 2] {
    let mut worst = [0f64; 2];
    for high in 0..=u32::from(u16::MAX) {
        let x: Vec<f32> = (0..1 << 16).step_by(step).map(|low| f32::from_bits(high << 16 | low)).collect();
        let x: Vec<f32> = x.into_iter().filter(|&x| function.is_defined(f64::from(x))).collect();
        let mut fused: Option<Vec<f32>> = None;
        for isa in Isa::available() {
            let y = function.of(isa, &x);
            if isa == Isa::Portable || fused.is_none() {
                for (&x, &y) in x.iter().zip(&y) {
                    let error = ulps(y, function.exact(f64::from(x)));
                    // Written so that NaN fails.
                    let good = error <= function.tolerance();
                    assert!(good, "{function:?} of {x:e} is {y:e} on {isa}: wrong by {error} units");
                    let worst = &mut worst[usize::from(isa == Isa::Portable)];
                    *worst = worst.max(error);
                }
            }
            if isa != Isa::Portable {
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
                let first = fused.get_or_insert_with(|| y.clone());
                assert!(
                    first.iter().zip(&y).all(same),
                    "{function:?} has other bits on {isa} near {:e}",
                    x[0]
                );
            }
        }
    }
    worst
}

fn report(step: usize) {
    for function in Function::ALL {
        let [fused, portable] = sweep(function, step);
        println!("{function:?}: {fused:.2} units in the last place, portable {portable:.2}");
    }
}

#[test]
fn f32_in_steps() {
    report(521);
}

/// `cargo test -p nn-kernels --lib exp -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn every_f32() {
    report(1);
}

#[test]
fn f64_is_exact_to_a_few_units() {
    let x: Vec<f64> = (-80_000..=80_000).map(|i| f64::from(i) * 0.00877).collect();
    for function in Function::ALL {
        let x: Vec<f64> = x.iter().copied().filter(|&x| function.is_defined(x)).collect();
        for (&x, y) in x.iter().zip(function.of(Isa::Portable, &x)) {
            let exact = function.exact(x);
            let good = (y - exact).abs() <= 4.0 * f64::EPSILON * exact.abs();
            assert!(good, "{function:?} of {x:e} is {y:e}, expected {exact:e}");
        }
    }
}

#[test]
fn limits() {
    const INF: f64 = f64::INFINITY;
    for isa in Isa::available() {
        let of = |function: Function, x: f64| {
            let y = f64::from(function.of(isa, &[x as f32])[0]);
            let y64 = function.of(isa, &[x])[0];
            assert!(y == y64 || y.is_nan() && y64.is_nan(), "{function:?} of {x} is {y} or {y64} on {isa}");
            y
        };
        assert_eq!([-INF, 0.0, INF].map(|x| of(Function::Exp, x)), [0.0, 1.0, INF], "{isa}");
        assert_eq!([-INF, 0.0].map(|x| of(Function::ExpM1, x)), [-1.0, 0.0], "{isa}");
        assert_eq!([-INF, 0.0, INF].map(|x| of(Function::Sigmoid, x)), [0.0, 0.5, 1.0], "{isa}");
        assert_eq!([-INF, 0.0, INF].map(|x| of(Function::Tanh, x)), [-1.0, 0.0, 1.0], "{isa}");
        for function in Function::ALL {
            assert!(of(function, f64::NAN).is_nan(), "{function:?} swallows NaN on {isa}");
        }
        // The last powers before overflow, and the least.
        let edges = [88.722_83f32, 88.722_84, -103.972_07, -103.972_1];
        let expected = [3.402_798_5e38, f32::INFINITY, f32::from_bits(1), 0.0];
        assert_eq!(Function::Exp.of(isa, &edges), expected, "{isa}");
    }
}
