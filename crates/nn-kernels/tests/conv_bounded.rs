//! Convolution on random numbers: rounding errors stay within what each algorithm's sums allow, on every instruction
//! set.
//!
//! Plain sums are judged element by element. Winograd's algorithm computes the elements of a tile from common
//! intermediate values, so the error of a small element is that of its large neighbours: it is judged by the largest
//! `|A|·|B|` of the array, and each tile has a factor of its own, about twice the worst that was measured.

mod comparison;
mod conv_cases;
mod instruction_sets;
mod random_arrays;

use std::collections::BTreeMap;

use comparison::worst_ratio;
use conv_cases::{ConvCase, algorithms_for, hand_list};
use instruction_sets::on_each_isa;
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::{Epilogue, reference};
use random_arrays::{magnitudes, poison, reals, to_f64};

/// What is allowed for an algorithm, in units of the bound of a plain sum.
#[derive(Debug, Clone, Copy)]
enum Allowed {
    /// For each element.
    Elements,
    /// So many times as much, for the largest element: `output`, `grad_weight`, `grad_input`.
    Arrays([f64; 3]),
}

fn allowed(algorithm: Algorithm, kernel: usize) -> Allowed {
    match (algorithm, kernel) {
        (Algorithm::Winograd2, 3) => Allowed::Arrays([0.5, 0.5, 0.5]),
        (Algorithm::Winograd2, 5) => Allowed::Arrays([5.0, 6.0, 4.0]),
        (Algorithm::Winograd4, 3) => Allowed::Arrays([11.0, 4.0, 8.0]),
        (Algorithm::Winograd4, 5) => Allowed::Arrays([8.0, 13.0, 11.0]),
        (Algorithm::Winograd6, 3) => Allowed::Arrays([14.0, 9.0, 16.0]),
        _ => Allowed::Elements,
    }
}

/// From two operands to the output that is written.
type Reference<'a> = &'a dyn Fn(&[f64], &[f64], &mut [f64]);
type Kernel<'a> = &'a dyn Fn(Algorithm, &[f32], &[f32], &mut [f32]);

/// One direction of a convolution.
struct Verb<'a> {
    direction: Direction,
    /// Terms of one element's sum, at most.
    depth: usize,
    reference: Reference<'a>,
    kernel: Kernel<'a>,
}

/// The largest error so far, in units of the bound of a plain sum, of each algorithm for kernels of each height in each
/// direction.
type Worst = BTreeMap<String, f64>;

impl Verb<'_> {
    fn check(&self, case: &ConvCase, a: &[f32], b: &[f32], out_len: usize, worst: &mut Worst) {
        let (mut expected, mut magnitude) = (vec![0.0; out_len], vec![0.0; out_len]);
        (self.reference)(&to_f64(a), &to_f64(b), &mut expected);
        (self.reference)(&magnitudes(a), &magnitudes(b), &mut magnitude);
        let largest = vec![magnitude.iter().copied().fold(0.0, f64::max); out_len];
        let g = case.geometry();
        let direction = self.direction;
        for algorithm in algorithms_for(&g, direction) {
            let (name, magnitude, allowed) = match allowed(algorithm.resolve(&g, direction), g.kh) {
                Allowed::Elements => (format!("{algorithm} {direction:?}"), &magnitude, 1.0),
                Allowed::Arrays(factors) => {
                    let i = Direction::ALL.into_iter().position(|d| d == direction).expect("one of them");
                    (format!("{algorithm} {}x{} {direction:?}", g.kh, g.kw), &largest, factors[i])
                }
            };
            on_each_isa::<f32>(|isa| {
                let adds = direction == Direction::GradWeight;
                let mut got = if adds { vec![0.0; out_len] } else { poison(out_len) };
                (self.kernel)(algorithm, a, b, &mut got);
                let what = format!("{direction:?} by {algorithm} on {isa} of {case:?}");
                let ratio = worst_ratio(what, &got, &expected, magnitude, self.depth, allowed);
                let worst = worst.entry(name.clone()).or_default();
                *worst = worst.max(ratio);
            });
        }
    }
}

fn check_all_directions(case: &ConvCase, worst: &mut Worst) {
    let g: ConvGeometry = case.geometry();
    let x = reals::<f32>(1, case.images * g.input_len());
    let w = reals::<f32>(2, g.weight_len());
    let dy = reals::<f32>(3, case.images * g.output_len());
    let output = Verb {
        direction: Direction::Output,
        depth: g.patch_len(),
        reference: &|x, w, y| reference::conv2d(&g, x, w, y),
        kernel: &|algorithm, x, w, y| conv::output(&g, algorithm, x, w, Epilogue::NONE, y),
    };
    let grad_input = Verb {
        direction: Direction::GradInput,
        depth: g.kh * g.kw * g.out_c / g.groups,
        reference: &|dy, w, dx| reference::conv2d_grad_input(&g, dy, w, dx),
        kernel: &|algorithm, dy, w, dx| conv::grad_input(&g, algorithm, dy, w, dx),
    };
    let grad_weight = Verb {
        direction: Direction::GradWeight,
        depth: case.images * g.out_h * g.out_w,
        reference: &|x, dy, dw| reference::conv2d_grad_weight(&g, x, dy, dw),
        kernel: &|algorithm, x, dy, dw| conv::grad_weight(&g, algorithm, x, dy, dw),
    };
    output.check(case, &x, &w, dy.len(), worst);
    grad_input.check(case, &dy, &w, x.len(), worst);
    grad_weight.check(case, &x, &dy, w.len(), worst);
}

fn check(what: &str, cases: &[ConvCase]) {
    let mut worst = Worst::new();
    cases.iter().for_each(|case| check_all_directions(case, &mut worst));
    for (name, ratio) in worst {
        println!("{what}, {name}: error / bound {ratio:.3}");
    }
}

#[test]
fn hand_list_is_within_the_bound() {
    check("hand list", &hand_list());
}

/// Sums of thousands of terms: the depth of a large network's last layers, and many pixels.
#[test]
fn deep_sums_are_within_the_bound() {
    let same = |input, in_c, out_c, kernel| ConvSpec {
        padding: Padding::Same,
        ..ConvSpec::new(input, in_c, out_c, (kernel, kernel))
    };
    let of_kernel = |kernel| {
        [
            ConvCase { images: 2, spec: same((3, 3), 512, 24, kernel) },
            ConvCase { images: 2, spec: same((3, 3), 24, 512, kernel) },
            ConvCase { images: 4, spec: same((48, 48), 4, 8, kernel) },
        ]
    };
    check("deep", &[of_kernel(3), of_kernel(5)].concat());
}
