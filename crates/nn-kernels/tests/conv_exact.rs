//! Convolution on small integers: every algorithm that is exact there gives the reference's bits, in all three
//! directions and on every instruction set.
//!
//! All sums stay below 2^24 (quarters below 2^22), so rounding never happens and any wrong index, padding or
//! left-over shows.

mod comparison;
mod conv_cases;
mod instruction_sets;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, algorithms_for, any_case, exact_algorithms_for, hand_list};
use instruction_sets::on_each_isa;
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::{Epilogue, GeometryError, Pointwise, Real, reference};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random_arrays::{integers, poison, poison_scratch};

/// Compares all directions of all algorithms with the reference.
fn check<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let w = integers::<R>(2, g.weight_len());
    let dy = integers::<R>(3, case.images * g.output_len());
    let dw_before = integers::<R>(4, g.weight_len());

    let (mut y, mut dx, mut dw) = (poison(dy.len()), poison(x.len()), dw_before.clone());
    reference::conv2d(&g, &x, &w, &mut y);
    reference::conv2d_grad_input(&g, &dy, &w, &mut dx);
    reference::conv2d_grad_weight(&g, &x, &dy, &mut dw);

    let run = |direction: Direction, expected: &[R], run: &dyn Fn(Algorithm) -> Vec<R>| {
        for algorithm in exact_algorithms_for(&g, direction) {
            on_each_isa::<R>(|isa| {
                poison_scratch::<R>();
                let what = format!("{direction:?} by {algorithm} on {isa} of {case:?}");
                assert_same_bits(what, &run(algorithm), expected);
            });
        }
    };
    run(Direction::Output, &y, &|algorithm| {
        let mut y = poison(dy.len());
        conv::output(&g, algorithm, &x, &w, Epilogue::NONE, &mut y);
        y
    });
    run(Direction::GradInput, &dx, &|algorithm| {
        let mut dx = poison(x.len());
        conv::grad_input(&g, algorithm, &dy, &w, &mut dx);
        dx
    });
    run(Direction::GradWeight, &dw, &|algorithm| {
        let mut dw = dw_before.clone();
        conv::grad_weight(&g, algorithm, &x, &dy, &mut dw);
        dw
    });
}

#[test]
fn hand_list_f32() {
    hand_list().iter().for_each(check::<f32>);
}

#[test]
fn hand_list_f64() {
    hand_list().iter().for_each(check::<f64>);
}

/// Bias and activation of every algorithm, against the definition.
#[test]
fn epilogues_are_exact() {
    for case in hand_list().into_iter().filter(ConvCase::is_small) {
        let g = case.geometry();
        let x = integers::<f32>(1, case.images * g.input_len());
        let w = integers::<f32>(2, g.weight_len());
        let bias = integers::<f32>(4, g.out_c);
        for activation in
            [Pointwise::Linear, Pointwise::Relu, Pointwise::Relu6, Pointwise::LeakyRelu { slope: 0.5 }]
        {
            for bias in [None, Some(&bias[..])] {
                let epilogue = Epilogue { bias, activation };
                let mut expected = poison(case.images * g.output_len());
                reference::conv2d(&g, &x, &w, &mut expected);
                epilogue.apply(&mut expected, g.out_c);
                for algorithm in exact_algorithms_for(&g, Direction::Output) {
                    on_each_isa::<f32>(|isa| {
                        let mut y = poison(expected.len());
                        conv::output(&g, algorithm, &x, &w, epilogue, &mut y);
                        assert_same_bits(
                            format!("{epilogue:?} by {algorithm} on {isa} of {case:?}"),
                            &y,
                            &expected,
                        );
                    });
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_geometry(case in any_case()) {
        check::<f32>(&case);
        check::<f64>(&case);
    }
}

/// Nothing to do is done, however large an image would be.
#[test]
fn empty_batch_of_enormous_images() {
    let spec = ConvSpec { stride: (1, 1 << 57), ..ConvSpec::new((1, 1 << 57), 1, 1, (1, 1)) };
    let g = ConvGeometry::new(&spec).expect("can be addressed");
    for algorithm in algorithms_for(&g, Direction::Output) {
        conv::output(&g, algorithm, &[], &[1f32], Epilogue::NONE, &mut []);
    }
    for algorithm in algorithms_for(&g, Direction::GradInput) {
        conv::grad_input(&g, algorithm, &[], &[1f32], &mut []);
    }
    for algorithm in algorithms_for(&g, Direction::GradWeight) {
        let mut dw = [3f32];
        conv::grad_weight(&g, algorithm, &[], &[], &mut dw);
        assert_eq!(dw, [3.0], "{algorithm}");
    }
}

/// A padding that no signed number can hold is refused, or else it is computed with.
#[test]
fn padding_beyond_signed_numbers() {
    let padding = Padding::Explicit { top: 0, bottom: 0, left: 1 << 63, right: (1 << 63) - 10 };
    let spec = ConvSpec { stride: (1, 1 << 62), padding, ..ConvSpec::new((1, 1), 1, 1, (1, 1)) };
    let g = match ConvGeometry::new(&spec) {
        Ok(g) => g,
        Err(error) => return assert_eq!(error, GeometryError::Overflow { what: "the padded input" }),
    };
    for algorithm in algorithms_for(&g, Direction::Output) {
        // Windows start at -2^63, -2^62, 0 and 2^62.
        let mut y = poison(g.output_len());
        conv::output(&g, algorithm, &[5f32], &[2.0], Epilogue::NONE, &mut y);
        assert_same_bits(algorithm, &y, &[0.0, 0.0, 10.0, 0.0]);
    }
}

/// Windows that lie far apart: few outputs of an input that with its padding no memory could hold.
#[test]
fn padded_input_beyond_memory() {
    let far = 1 << 44;
    let padding = Padding::Explicit { top: 0, bottom: 0, left: 4 * far, right: 4 * far };
    let spec = ConvSpec { stride: (1, far), padding, ..ConvSpec::new((1, 1), 1, 1, (1, 1)) };
    let g = ConvGeometry::new(&spec).expect("nine outputs");
    for algorithm in algorithms_for(&g, Direction::Output) {
        let mut y = poison(g.output_len());
        conv::output(&g, algorithm, &[5f32], &[2.0], Epilogue::NONE, &mut y);
        assert_same_bits(algorithm, &y, &[0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
    }
}

#[test]
fn empty_batch_leaves_the_weight_gradient_alone() {
    let case = hand_list()[0];
    let g = case.geometry();
    for algorithm in algorithms_for(&g, Direction::GradWeight) {
        let mut dw = integers::<f32>(5, g.weight_len());
        conv::grad_weight(&g, algorithm, &[], &[], &mut dw);
        assert_same_bits(algorithm, &dw, &integers(5, g.weight_len()));
    }
}
