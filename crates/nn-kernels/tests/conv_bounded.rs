//! Convolution on random numbers: each element's rounding error stays within what its sum allows.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::worst_ratio;
use conv_cases::{ConvCase, hand_list};
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::{Epilogue, reference};
use random_arrays::{magnitudes, poison, reals, to_f64};

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

impl Verb<'_> {
    /// The largest error of any algorithm, in units of the bound.
    fn worst_ratio(&self, case: &ConvCase, a: &[f32], b: &[f32], out_len: usize) -> f64 {
        let (mut expected, mut magnitude) = (vec![0.0; out_len], vec![0.0; out_len]);
        (self.reference)(&to_f64(a), &to_f64(b), &mut expected);
        (self.reference)(&magnitudes(a), &magnitudes(b), &mut magnitude);
        let g = case.geometry();
        let supported = Algorithm::ALL.into_iter().filter(|a| a.supports(&g, self.direction));
        let ratios = supported.map(|algorithm| {
            let adds = self.direction == Direction::GradWeight;
            let mut got = if adds { vec![0.0; out_len] } else { poison(out_len) };
            (self.kernel)(algorithm, a, b, &mut got);
            let what = format!("{:?} by {algorithm} of {case:?}", self.direction);
            worst_ratio(what, &got, &expected, &magnitude, self.depth)
        });
        ratios.fold(0.0, f64::max)
    }
}

/// The worst ratio in the order output, grad_input, grad_weight.
fn worst_ratios(case: &ConvCase) -> [f64; 3] {
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
    [
        output.worst_ratio(case, &x, &w, dy.len()),
        grad_input.worst_ratio(case, &dy, &w, x.len()),
        grad_weight.worst_ratio(case, &x, &dy, w.len()),
    ]
}

fn check(what: &str, cases: &[ConvCase]) {
    let mut worst = [0f64; 3];
    for case in cases {
        for (worst, ratio) in worst.iter_mut().zip(worst_ratios(case)) {
            *worst = worst.max(ratio);
        }
    }
    let [output, grad_input, grad_weight] = worst;
    println!("{what}: error / bound: output {output:.3}, dx {grad_input:.3}, dw {grad_weight:.3}");
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
        ..ConvSpec::new(input, in_c, out_c, kernel)
    };
    let deep = ConvCase { images: 2, spec: same((3, 3), 512, 24, (3, 3)) };
    let wide = ConvCase { images: 2, spec: same((3, 3), 24, 512, (3, 3)) };
    let long = ConvCase { images: 4, spec: same((48, 48), 4, 8, (3, 3)) };
    check("deep", &[deep, wide, long]);
}
