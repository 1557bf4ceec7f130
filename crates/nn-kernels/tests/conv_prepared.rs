//! Prepared weights give the bits that plain ones give, and the wrong ones are refused.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, algorithms_for, hand_list};
use nn_kernels::conv::{self, Algorithm, Direction, Weight};
use nn_kernels::{Epilogue, Isa, Real};
use random_arrays::{poison, reals};

fn check<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = reals::<R>(1, case.images * g.input_len());
    let w = reals::<R>(2, g.weight_len());
    let dy = reals::<R>(3, case.images * g.output_len());
    let prepared = |algorithm, direction| {
        let mut prepared = poison(conv::prepared_len::<R>(&g, algorithm, direction));
        conv::prepare(&g, algorithm, direction, &w, &mut prepared);
        // Of no length: the form that the weights have.
        if prepared.is_empty() { w.clone() } else { prepared }
    };
    for algorithm in algorithms_for(&g, Direction::Output) {
        let (mut plain, mut got) = (poison(dy.len()), poison(dy.len()));
        conv::output(&g, algorithm, &x, &w, Epilogue::NONE, &mut plain);
        let w = prepared(algorithm, Direction::Output);
        conv::output(&g, algorithm, &x, Weight::Prepared(&w), Epilogue::NONE, &mut got);
        assert_same_bits(format!("output by {algorithm} of {case:?}"), &got, &plain);
    }
    for algorithm in algorithms_for(&g, Direction::GradInput) {
        let (mut plain, mut got) = (poison(x.len()), poison(x.len()));
        conv::grad_input(&g, algorithm, &dy, &w, &mut plain);
        let w = prepared(algorithm, Direction::GradInput);
        conv::grad_input(&g, algorithm, &dy, Weight::Prepared(&w), &mut got);
        assert_same_bits(format!("grad_input by {algorithm} of {case:?}"), &got, &plain);
    }
}

#[test]
fn prepared_weights_give_the_same_bits() {
    for isa in Isa::available() {
        isa.scope(|| hand_list().iter().for_each(check::<f32>));
    }
    hand_list().iter().for_each(check::<f64>);
}

/// Weights that were prepared for the other direction do not pass where the lengths differ.
#[test]
#[should_panic(expected = "prepared weight: expected")]
fn wrongly_prepared_weights_are_refused() {
    let case = hand_list()[0];
    let g = case.geometry();
    let x = reals::<f32>(1, case.images * g.input_len());
    let mut y = poison(case.images * g.output_len());
    conv::output(&g, Algorithm::Im2col, &x, Weight::Prepared(&[1.0]), Epilogue::NONE, &mut y);
}
