//! Both gradients together are, bit by bit, what the two calls give.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, algorithms_for, hand_list};
use nn_kernels::conv::{self, Direction, Weight};
use nn_kernels::{Isa, Real};
use random_arrays::{poison, poison_scratch, reals};

fn check<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = reals::<R>(1, case.images * g.input_len());
    let w = reals::<R>(2, g.weight_len());
    let dy = reals::<R>(3, case.images * g.output_len());
    // Gradients are added to what is there.
    let start = reals::<R>(4, g.weight_len());
    for algorithm in algorithms_for(&g, Direction::GradInput) {
        if !algorithm.supports(&g, Direction::GradWeight) {
            continue;
        }
        let (mut dw, mut dx) = (start.clone(), poison(x.len()));
        conv::grad_weight(&g, algorithm, &x, &dy, &mut dw);
        conv::grad_input(&g, algorithm, &dy, &w, &mut dx);

        let mut prepared = poison(conv::prepared_len::<R>(&g, algorithm, Direction::GradInput));
        conv::prepare(&g, algorithm, Direction::GradInput, &w, &mut prepared);
        let prepared = if prepared.is_empty() { &w } else { &prepared };
        for weight in [Weight::Plain(&w), Weight::Prepared(prepared)] {
            poison_scratch::<R>();
            let (mut got_dw, mut got_dx) = (start.clone(), poison(x.len()));
            conv::gradients(&g, algorithm, &x, &dy, weight, &mut got_dw, &mut got_dx);
            assert_same_bits(format!("dw by {algorithm} of {case:?}"), &got_dw, &dw);
            assert_same_bits(format!("dx by {algorithm} of {case:?}"), &got_dx, &dx);
        }
    }
}

#[test]
fn both_gradients_have_the_bits_of_each() {
    for isa in Isa::available() {
        isa.scope(|| hand_list().iter().for_each(check::<f32>));
    }
    hand_list().iter().for_each(check::<f64>);
}
