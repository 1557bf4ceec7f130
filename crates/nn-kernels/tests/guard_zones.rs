//! Kernels read and write inside their slices only, wherever these lie.
//!
//! Operands lie at every alignment inside larger buffers. Beside inputs there is NaN, which a stray read would carry into
//! the result; beside outputs there is a value that must still be there. For the matrix product see the views of
//! `gemm.rs`; reads without consequences are what AddressSanitizer finds.

mod comparison;
mod conv_cases;
mod instruction_sets;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, algorithms_for, hand_list};
use instruction_sets::on_each_isa;
use nn_kernels::conv::{self, ConvGeometry, Direction};
use nn_kernels::elementwise::{
    add_normalize_sums, add_squared_deviations, normalize, normalize_grad_input, scale_rows,
};
use nn_kernels::{Epilogue, Pointwise, Real};
use random_arrays::{integers, poison, poison_scratch};

/// Elements on each side: more than a vector of 16 and the largest alignment.
const GUARD: usize = 40;

/// An array inside a larger one.
struct Guarded<R> {
    buffer: Vec<R>,
    first: usize,
    beside: R,
}

impl<R: Real> Guarded<R> {
    /// `values`, `shift` elements away from where an allocation would begin, beside copies of `beside`.
    fn new(values: &[R], shift: usize, beside: R) -> Self {
        let around = vec![beside; GUARD];
        Self { buffer: [&around[..shift], &around, values, &around].concat(), first: shift + GUARD, beside }
    }

    fn input(values: &[R], shift: usize) -> Self {
        Self::new(values, shift, R::nan())
    }

    fn output(values: &[R], shift: usize) -> Self {
        Self::new(values, shift, R::of(12345.0))
    }

    fn values(&mut self) -> &mut [R] {
        let end = self.buffer.len() - GUARD;
        &mut self.buffer[self.first..end]
    }

    fn assert_untouched(&self, what: &str) {
        let (before, rest) = self.buffer.split_at(self.first);
        let after = &rest[rest.len() - GUARD..];
        assert_same_bits(format!("{what}, before the output"), before, &vec![self.beside; before.len()]);
        assert_same_bits(format!("{what}, after the output"), after, &[self.beside; GUARD]);
    }
}

/// Runs `kernel` on operands in the open and between guards; it gets both inputs and the output.
fn check<R: Real>(what: &str, a: &[R], b: &[R], out: &[R], kernel: impl Fn(&[R], &[R], &mut [R])) {
    check_all(what, [a, b], out, |[a, b], out| kernel(a, b, out));
}

/// [`check`] for any number of inputs.
fn check_all<R: Real, const N: usize>(
    what: &str,
    inputs: [&[R]; N],
    out: &[R],
    kernel: impl Fn([&[R]; N], &mut [R]),
) {
    let mut expected = out.to_vec();
    kernel(inputs, &mut expected);
    for shift in [0, 1, 2, 3, 5, 15] {
        // Different shifts, so that the operands are never aligned with each other.
        let mut place = 0;
        let mut inputs = inputs.map(|values| {
            place += 1;
            Guarded::input(values, shift / place)
        });
        let mut out = Guarded::output(out, (3 * shift) % 16);
        poison_scratch::<R>();
        kernel(inputs.each_mut().map(|input| &*input.values()), out.values());
        assert_same_bits(format!("{what}, shifted by {shift}"), out.values(), &expected);
        out.assert_untouched(&format!("{what}, shifted by {shift}"));
    }
}

fn check_conv<R: Real>(case: &ConvCase) {
    let g: ConvGeometry = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let w = integers::<R>(2, g.weight_len());
    let dy = integers::<R>(3, case.images * g.output_len());
    let bias = integers::<R>(4, g.out_c);
    on_each_isa::<R>(|isa| {
        for algorithm in algorithms_for(&g, Direction::Output) {
            let what = format!("output by {algorithm} on {isa} of {case:?}");
            for activation in [Pointwise::Relu, Pointwise::LeakyRelu { slope: 0.5 }] {
                let mut bias = Guarded::input(&bias, 1);
                let epilogue = Epilogue { bias: Some(&*bias.values()), activation };
                check(&what, &x, &w, &poison(dy.len()), |x, w, y| {
                    conv::output(&g, algorithm, x, w, epilogue, y)
                });
            }
        }
        for algorithm in algorithms_for(&g, Direction::GradInput) {
            let what = format!("grad_input by {algorithm} on {isa} of {case:?}");
            check(&what, &dy, &w, &poison(x.len()), |dy, w, dx| conv::grad_input(&g, algorithm, dy, w, dx));
        }
        for algorithm in algorithms_for(&g, Direction::GradWeight) {
            let what = format!("grad_weight by {algorithm} on {isa} of {case:?}");
            check(&what, &x, &dy, &w, |x, dy, dw| conv::grad_weight(&g, algorithm, x, dy, dw));
        }
        for algorithm in algorithms_for(&g, Direction::GradInput) {
            let what = format!("both gradients by {algorithm} on {isa} of {case:?}");
            check(&what, &x, &dy, &[&*w, &*x].concat(), |x, dy, both| {
                let (dw, dx) = both.split_at_mut(w.len());
                conv::gradients(&g, algorithm, x, dy, &w, dw, dx);
            });
        }
    });
}

/// The small cases: guards are as large as what they surround, and shifts reach every vector.
fn small_cases() -> impl Iterator<Item = ConvCase> {
    hand_list().into_iter().filter(ConvCase::is_small)
}

#[test]
fn convolution_f32() {
    small_cases().for_each(|case| check_conv::<f32>(&case));
}

#[test]
fn convolution_f64() {
    small_cases().step_by(3).for_each(|case| check_conv::<f64>(&case));
}

fn check_normalisation<R: Real>() {
    for (rows, channels) in (1..=40).flat_map(|channels| [(1, channels), (3, channels)]) {
        let [x, dy] = [1, 2].map(|seed| integers::<R>(seed, rows * channels));
        let [mean, scale, shift, slope] = [3, 4, 5, 6].map(|seed| integers::<R>(seed, channels));
        let [x, dy, mean, scale, shift, slope] = [&x, &dy, &mean, &scale, &shift, &slope].map(Vec::as_slice);
        on_each_isa::<R>(|isa| {
            let what = |kernel: &str| format!("{kernel} of {rows}x{channels} on {isa}");
            check_all(&what("normalize"), [x, mean, scale, shift], &poison(x.len()), |[x, a, b, c], y| {
                normalize(x, a, b, c, y)
            });
            check_all(&what("add_squared_deviations"), [x, mean], shift, |[x, mean], sum| {
                add_squared_deviations(x, mean, sum)
            });
            let sums = [shift, slope].concat();
            check_all(&what("add_normalize_sums"), [x, dy, mean], &sums, |[x, dy, mean], sums| {
                add_normalize_sums(x, dy, mean, sums)
            });
            check_all(
                &what("normalize_grad_input"),
                [x, mean, scale, shift, slope],
                dy,
                |[x, a, b, c, d], dy| normalize_grad_input(x, [a, b, c, d], dy),
            );
            check_all(&what("scale_rows"), [scale], dy, |[scale], dy| scale_rows(scale, dy));
        });
    }
}

#[test]
fn normalisation_f32() {
    check_normalisation::<f32>();
}

#[test]
fn normalisation_f64() {
    check_normalisation::<f64>();
}
