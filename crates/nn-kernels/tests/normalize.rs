//! Kernels of batch normalisation: exact on small integers, on every instruction set and at every number of channels.

mod comparison;
mod instruction_sets;
mod random_arrays;

use comparison::assert_same_bits;
use instruction_sets::on_each_isa;
use nn_kernels::Real;
use nn_kernels::elementwise::{
    add_normalize_sums, add_squared_deviations, normalize, normalize_grad_input, scale_rows,
};
use random_arrays::{integers, poison};

/// Less than a vector of any set up to several of the widest, and all remainders, with few rows; then more rows than one
/// term of a sum has (1024, fewer of more than 32 channels), and more elements than one chunk (16,384), with a last one not
/// full.
fn shapes() -> Vec<(usize, usize)> {
    let small = (1..=40).flat_map(|channels| [0, 1, 2, 3, 17].map(|rows| (rows, channels)));
    let large = [(1023, 5), (1024, 5), (1025, 5), (2500, 7), (900, 40), (3, 20_000)];
    small.chain(large).collect()
}

/// One element of each array that a formula reads.
#[derive(Clone, Copy)]
struct Element {
    x: f64,
    dy: f64,
    mean: f64,
    scale: f64,
    shift: f64,
    slope: f64,
}

/// The arrays of one case: `[rows, channels]` the first two, `[channels]` the others.
struct Case<R> {
    rows: usize,
    channels: usize,
    x: Vec<R>,
    dy: Vec<R>,
    mean: Vec<R>,
    scale: Vec<R>,
    shift: Vec<R>,
    slope: Vec<R>,
}

impl<R: Real> Case<R> {
    fn new((rows, channels): (usize, usize)) -> Self {
        let [x, dy] = [1, 2].map(|seed| integers(seed, rows * channels));
        let [mean, scale, shift, slope] = [3, 4, 5, 6].map(|seed| integers(seed, channels));
        Self { rows, channels, x, dy, mean, scale, shift, slope }
    }

    fn at(&self, row: usize, c: usize) -> Element {
        let of = |array: &[R], i: usize| array[i].as_f64();
        let i = row * self.channels + c;
        Element {
            x: of(&self.x, i),
            dy: of(&self.dy, i),
            mean: of(&self.mean, c),
            scale: of(&self.scale, c),
            shift: of(&self.shift, c),
            slope: of(&self.slope, c),
        }
    }

    /// `formula` of every element, row by row.
    fn each(&self, formula: impl Fn(Element) -> f64) -> Vec<R> {
        let places = (0..self.rows).flat_map(|row| (0..self.channels).map(move |c| (row, c)));
        places.map(|(row, c)| R::of(formula(self.at(row, c)))).collect()
    }

    /// `before` and the sum of `formula` over the rows, channel by channel.
    fn sums(&self, before: &[R], formula: impl Fn(Element) -> f64) -> Vec<R> {
        let sum = |c| (0..self.rows).map(|row| formula(self.at(row, c))).sum::<f64>();
        before.iter().enumerate().map(|(c, before)| R::of(before.as_f64() + sum(c))).collect()
    }
}

/// The same values; a zero may have either sign, as `-3·0 + 0` and `0·3` differ in it.
fn assert_equal<R: Real>(what: &str, got: &[R], expected: &[R]) {
    let unsigned = |values: &[R]| values.iter().map(|&value| value + R::ZERO).collect::<Vec<_>>();
    assert_same_bits(what, &unsigned(got), &unsigned(expected));
}

fn check<R: Real>(case: &Case<R>, isa: impl std::fmt::Display) {
    let Case { rows, channels, x, dy, mean, scale, shift, slope } = case;
    let what = |kernel: &str| format!("{kernel} of {rows}x{channels} on {isa}");

    let mut y = poison(x.len());
    normalize(x, mean, scale, shift, &mut y);
    assert_equal(&what("normalize"), &y, &case.each(|e| (e.x - e.mean) * e.scale + e.shift));

    let mut sum = shift.clone();
    add_squared_deviations(x, mean, &mut sum);
    let expected = case.sums(shift, |e| (e.x - e.mean).powi(2));
    assert_equal(&what("add_squared_deviations"), &sum, &expected);

    let mut sums = [shift.as_slice(), slope].concat();
    add_normalize_sums(x, dy, mean, &mut sums);
    let of_dy = case.sums(shift, |e| e.dy);
    let of_product = case.sums(slope, |e| e.dy * (e.x - e.mean));
    assert_equal(&what("add_normalize_sums"), &sums, &[of_dy, of_product].concat());

    // `shift` stands for the mean of the gradient.
    let mut dx = dy.clone();
    normalize_grad_input(x, [mean, scale, shift, slope], &mut dx);
    let expected = case.each(|e| e.scale * (e.dy - e.shift - (e.x - e.mean) * e.slope));
    assert_equal(&what("normalize_grad_input"), &dx, &expected);

    let mut scaled = dy.clone();
    scale_rows(scale, &mut scaled);
    assert_equal(&what("scale_rows"), &scaled, &case.each(|e| e.dy * e.scale));
}

fn check_every_shape<R: Real>() {
    for shape in shapes() {
        let case = Case::<R>::new(shape);
        on_each_isa::<R>(|isa| check(&case, isa));
    }
}

#[test]
fn integers_are_exact_in_f32() {
    check_every_shape::<f32>();
}

#[test]
fn integers_are_exact_in_f64() {
    check_every_shape::<f64>();
}
