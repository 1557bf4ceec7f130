//! Depthwise convolution on every instruction set: the reference's bits on integers, and on all numbers the same
//! bits on all sets with fused multiply-add.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, any_case};
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::{Epilogue, Isa, Pointwise, Real, reference};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random_arrays::{integers, poison, reals};

/// `multiplier` kernels for each of `channels`, otherwise as `spec`.
fn depthwise(channels: usize, multiplier: usize, spec: ConvSpec) -> ConvSpec {
    ConvSpec { in_c: channels, groups: channels, out_c: channels * multiplier, ..spec }
}

/// `y`, `dx` and `dw`, the last added to what is there.
fn all_directions<R: Real>(
    g: &ConvGeometry,
    algorithm: Algorithm,
    x: &[R],
    w: &[R],
    dy: &[R],
    epilogue: Epilogue<R>,
) -> [Vec<R>; 3] {
    let (mut y, mut dx, mut dw) = (poison(dy.len()), poison(x.len()), w.to_vec());
    conv::output(g, algorithm, x, w, epilogue, &mut y);
    conv::grad_input(g, algorithm, dy, w, &mut dx);
    conv::grad_weight(g, algorithm, x, dy, &mut dw);
    [y, dx, dw]
}

fn check_exact<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let w = integers::<R>(2, g.weight_len());
    let dy = integers::<R>(3, case.images * g.output_len());
    let mut expected = [poison(dy.len()), poison(x.len()), w.clone()];
    reference::conv2d(&g, &x, &w, &mut expected[0]);
    reference::conv2d_grad_input(&g, &dy, &w, &mut expected[1]);
    reference::conv2d_grad_weight(&g, &x, &dy, &mut expected[2]);
    for isa in Isa::available() {
        let got = isa.scope(|| all_directions(&g, Algorithm::Depthwise, &x, &w, &dy, Epilogue::NONE));
        for (what, (got, expected)) in ["y", "dx", "dw"].into_iter().zip(got.iter().zip(&expected)) {
            assert_same_bits(format!("{what} of {case:?} on {isa}"), got, expected);
        }
    }
}

#[test]
fn every_number_of_channels_is_exact() {
    let plain = ConvSpec { padding: Padding::Same, ..ConvSpec::new((4, 3), 1, 1, (3, 3)) };
    let steps = ConvSpec { stride: (2, 2), dilation: (1, 2), ..ConvSpec::new((6, 7), 1, 1, (3, 2)) };
    for channels in 1..=140 {
        for spec in [plain, steps] {
            check_exact::<f32>(&ConvCase { images: 2, spec: depthwise(channels, 1, spec) });
        }
    }
    for multiplier in [2, 3, 16] {
        for channels in [1, 5, 17] {
            check_exact::<f32>(&ConvCase { images: 2, spec: depthwise(channels, multiplier, plain) });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_geometry_is_exact(case in any_case(), channels in 1..=20usize, multiplier in 1..=3usize) {
        let case = ConvCase { spec: depthwise(channels, multiplier, case.spec), ..case };
        check_exact::<f32>(&case);
        check_exact::<f64>(&case);
    }
}

/// Enough lines for several chunks and parts, and blocks of four vectors, single ones and a rest.
#[test]
fn same_bits_on_all_sets_with_fused_multiply_add() {
    let spec = ConvSpec { padding: Padding::Same, ..ConvSpec::new((21, 19), 1, 1, (3, 3)) };
    let g = ConvGeometry::new(&depthwise(93, 1, spec)).expect("valid");
    let (x, w, dy) = (reals(1, 3 * g.input_len()), reals(2, g.weight_len()), reals(3, 3 * g.output_len()));
    let bias = reals::<f32>(4, g.out_c);
    let epilogue = Epilogue { bias: Some(&bias), activation: Pointwise::Relu6 };
    let mut first = None;
    for isa in Isa::available().into_iter().filter(|&isa| isa != Isa::Portable) {
        let got = isa.scope(|| all_directions(&g, Algorithm::Depthwise, &x, &w, &dy, epilogue));
        let expected = first.get_or_insert_with(|| got.clone());
        for (what, (got, expected)) in ["y", "dx", "dw"].into_iter().zip(got.iter().zip(expected.iter())) {
            assert_same_bits(format!("{what} on {isa}"), got, expected);
        }
    }
}

#[test]
fn auto_chooses_it_for_one_kernel_per_channel() {
    let chosen = |channels, multiplier| {
        let spec = depthwise(channels, multiplier, ConvSpec::new((5, 5), 1, 1, (3, 3)));
        let g = ConvGeometry::new(&spec).expect("valid");
        Direction::ALL.map(|direction| Algorithm::Auto.resolve(&g, direction))
    };
    assert_eq!(chosen(8, 1), [Algorithm::Depthwise; 3]);
    assert_eq!(chosen(8, 2), [Algorithm::Im2col; 3]);
    // One channel and many kernels: the first layer of every network on grey images.
    assert_eq!(chosen(1, 32), [Algorithm::Im2col; 3]);
    let grouped = ConvSpec { groups: 2, ..ConvSpec::new((5, 5), 4, 4, (3, 3)) };
    let g = ConvGeometry::new(&grouped).expect("valid");
    assert!(!Algorithm::Depthwise.supports(&g, Direction::Output));
}
