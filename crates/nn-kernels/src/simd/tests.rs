//! Each vector operation against the scalar one, lane by lane, on every instruction set.

use super::{Kernel, Simd};
use crate::isa::dispatch;
use crate::{Isa, Real};

/// Results of all operations on three operands, each lane by lane.
struct AllOperations<R>([Vec<R>; 3]);

impl<R: Real> Kernel<R> for AllOperations<R> {
    type Output = Vec<(&'static str, Vec<R>)>;

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) -> Self::Output {
        let mut results = Vec::new();
        let all = |v: S::V| {
            let mut lanes = vec![R::nan(); S::LANES];
            simd.store(v, &mut lanes);
            lanes
        };
        let len = self.0[0].len();
        for name in NAMES {
            let mut lanes = Vec::with_capacity(len);
            for start in (0..len).step_by(S::LANES) {
                let [a, b, c] = [0, 1, 2].map(|i| {
                    let values = &self.0[i][start..len.min(start + S::LANES)];
                    if values.len() == S::LANES { simd.load(values) } else { simd.load_tail(values) }
                });
                let value = match name {
                    "add" => simd.add(a, b),
                    "sub" => simd.sub(a, b),
                    "mul" => simd.mul(a, b),
                    "div" => simd.div(a, b),
                    "sqrt" => simd.sqrt(a),
                    "mul_add" => simd.mul_add(a, b, c),
                    "neg_mul_add" => simd.neg_mul_add(a, b, c),
                    "max" => simd.max(a, b),
                    "min" => simd.min(a, b),
                    "if_greater" => simd.if_greater(a, b, c, a),
                    "round" => simd.round(a),
                    "splat" => simd.splat(self.0[0][start]),
                    _ => unreachable!("{name}"),
                };
                lanes.extend(all(value));
            }
            lanes.truncate(len);
            results.push((name, lanes));
        }
        results
    }
}

const NAMES: [&str; 12] = [
    "add",
    "sub",
    "mul",
    "div",
    "sqrt",
    "mul_add",
    "neg_mul_add",
    "max",
    "min",
    "if_greater",
    "round",
    "splat",
];

/// What an operation is for one lane. `first` is the first lane of its vector.
fn scalar<R: Real>(name: &str, fused: bool, [a, b, c]: [R; 3], first: R) -> R {
    match name {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "sqrt" => a.sqrt(),
        "mul_add" if fused => a.mul_add(b, c),
        "mul_add" => a * b + c,
        "neg_mul_add" if fused => (-a).mul_add(b, c),
        "neg_mul_add" => c - a * b,
        "max" => {
            if a > b {
                a
            } else {
                b
            }
        }
        "min" => {
            if a < b {
                a
            } else {
                b
            }
        }
        "if_greater" => {
            if a > b {
                c
            } else {
                a
            }
        }
        // Far from halves `round` has no ties to decide.
        "round" if (a - a.floor()).as_f64() == 0.5 => (a / R::of(2.0)).round() * R::of(2.0),
        "round" => a.round(),
        "splat" => first,
        _ => unreachable!("{name}"),
    }
}

fn values<R: Real>(seed: usize) -> Vec<R> {
    let special =
        [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5, 1.5, 2.5, -0.5, -2.5];
    // All pairs of special values meet, then numbers that need rounding.
    let pairs = (0..144).map(|i| special[if seed == 0 { i / 12 } else { (i + seed - 1) % 12 }]);
    let reals = (0..200).map(|i| (f64::from(i) * (1.37 + seed as f64)).sin() * 1000.0);
    pairs.chain(reals).map(R::of).collect()
}

/// In every lane, also of the last vector, which is not full.
fn check_operations<R: Real>() {
    let operands = [0, 1, 2].map(values::<R>);
    let lanes = super::VectorShape::current::<R>().lanes;
    let fused = R::NAME == "f32" && Isa::current() != Isa::Portable;
    for (name, results) in dispatch::<R, _>(AllOperations(operands.clone())) {
        for (i, &got) in results.iter().enumerate() {
            let lane = [0, 1, 2].map(|k| operands[k][i]);
            if name == "round" && (lane[0].is_infinite() || lane[0].abs() >= R::of(4194304.0)) {
                continue;
            }
            let expected = scalar(name, fused, lane, operands[0][i / lanes * lanes]);
            let same =
                got.as_f64().to_bits() == expected.as_f64().to_bits() || got.is_nan() && expected.is_nan();
            // The sign of a rounded zero is not specified.
            let same = same || name == "round" && got == expected;
            assert!(same, "{name}{lane:?} on {}: {got:?}, expected {expected:?}", Isa::current());
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)] // Slow, and all arithmetic.
fn operations_are_the_scalar_ones() {
    check_operations::<f64>();
    for isa in Isa::available() {
        isa.scope(check_operations::<f32>);
    }
}

/// `2^n · value` of one value for one power.
struct Scale<R>(R, R);

impl<R: Real> Kernel<R> for Scale<R> {
    type Output = Vec<R>;

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) -> Vec<R> {
        let mut lanes = vec![R::nan(); S::LANES];
        simd.store(simd.scale_by_power_of_two(simd.splat(self.0), simd.splat(self.1)), &mut lanes);
        lanes
    }
}

fn check_powers<R: Real>() {
    for n in -126..=127 {
        for value in [1.0, -1.5, 0.75] {
            let results = dispatch::<R, _>(Scale(R::of(value), R::of(f64::from(n))));
            let expected = R::of(value * 2f64.powi(n));
            let normal = expected.is_normal();
            assert!(!normal || results.iter().all(|&got| got == expected), "{value}·2^{n}: {results:?}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore)] // Slow, and all arithmetic.
fn scaling_by_powers_of_two_is_exact() {
    check_powers::<f64>();
    for isa in Isa::available() {
        isa.scope(check_powers::<f32>);
    }
}

/// Loads and stores the first `len` elements of a larger array, in the tail's way and, for a full vector, both ways.
struct Copy<'a, R> {
    from: &'a [R],
    to: &'a mut [R],
    len: usize,
}

impl<R: Real> Kernel<R> for Copy<'_, R> {
    /// All lanes of what was loaded.
    type Output = Vec<R>;

    #[inline(always)]
    fn run<S: Simd<R>>(self, simd: S) -> Vec<R> {
        let Self { from, to, len } = self;
        let mut lanes = vec![R::nan(); S::LANES];
        // SAFETY: both arrays have more than `len` elements.
        let v = unsafe { simd.load_ptr_tail(from.as_ptr(), len) };
        simd.store(v, &mut lanes);
        if len == S::LANES {
            let mut full = vec![R::nan(); S::LANES];
            simd.store(simd.load(from), &mut full);
            assert!(full == lanes, "load and load_tail differ");
            simd.store(v, to);
        } else {
            let mut tail = vec![R::nan(); len];
            simd.store_tail(simd.load_tail(&from[..len]), &mut tail);
            assert!(tail == from[..len], "store_tail and load_tail differ");
            // SAFETY: both arrays have more than `len` elements.
            unsafe { simd.store_ptr_tail(v, to.as_mut_ptr(), len) };
        }
        lanes
    }
}

fn check_tails<R: Real>() {
    let lanes = super::VectorShape::current::<R>().lanes;
    for len in 0..=lanes {
        for shift in 0..5 {
            let from: Vec<R> = (0..lanes + 8).map(|i| R::of(i as f64 + 1.0)).collect();
            let from = &from[shift..];
            let mut to = vec![R::of(-1.0); lanes + 3];
            let loaded = dispatch::<R, _>(Copy { from, to: &mut to, len });
            assert!(
                loaded[..len] == from[..len] && loaded[len..].iter().all(|&v| v == R::ZERO),
                "{loaded:?}"
            );
            assert!(to[..len] == from[..len] && to[len..].iter().all(|&v| v == R::of(-1.0)), "{len}: {to:?}");
        }
    }
}

#[test]
fn tails_read_and_write_no_more_than_asked() {
    check_tails::<f64>();
    for isa in Isa::available() {
        isa.scope(check_tails::<f32>);
    }
}

/// Loads, or stores to, a slice of the wrong length.
struct WrongLength(&'static str);

impl Kernel<f32> for WrongLength {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self, simd: S) {
        let (mut short, mut full) = (vec![0.0; S::LANES - 1], vec![0.0; S::LANES]);
        match self.0 {
            "load" => drop(simd.load(&short)),
            "store" => simd.store(simd.splat(1.0), &mut short),
            "load_tail" => drop(simd.load_tail(&full)),
            _ => simd.store_tail(simd.splat(1.0), &mut full),
        }
    }
}

#[test]
fn slices_of_the_wrong_length_panic() {
    for isa in Isa::available() {
        for what in ["load", "store", "load_tail", "store_tail"] {
            let run = || isa.scope(|| dispatch::<f32, _>(WrongLength(what)));
            assert!(std::panic::catch_unwind(run).is_err(), "{what} on {isa}");
        }
    }
}
