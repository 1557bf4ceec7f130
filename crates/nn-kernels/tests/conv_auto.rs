//! What `Algorithm::Auto` chooses: always something that can compute the convolution, the same on every machine.

mod conv_cases;

use conv_cases::{ConvCase, algorithms_for, any_case, hand_list};
use nn_kernels::Isa;
use nn_kernels::conv::{Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn check(case: &ConvCase) {
    let g = case.geometry();
    for direction in Direction::ALL {
        let chosen = Algorithm::Auto.resolve(&g, direction);
        let what = format!("{chosen} for {direction:?} of {case:?}");
        assert!(chosen != Algorithm::Auto && chosen != Algorithm::Reference, "{what}");
        assert!(chosen.supports(&g, direction), "{what}");
        for isa in Isa::available() {
            assert_eq!(isa.scope(|| Algorithm::Auto.resolve(&g, direction)), chosen, "{what} on {isa}");
        }
        for algorithm in algorithms_for(&g, direction).filter(|&algorithm| algorithm != Algorithm::Auto) {
            assert_eq!(algorithm.resolve(&g, direction), algorithm, "{direction:?} of {case:?}");
        }
    }
}

#[test]
fn choices_for_the_hand_list_are_supported() {
    hand_list().iter().for_each(check);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(6),
        ..ProptestConfig::default()
    })]

    #[test]
    fn choices_for_any_geometry_are_supported(case in any_case()) {
        check(&case);
    }
}

#[test]
#[should_panic(expected = "winograd4 does not support Output of")]
fn what_is_asked_for_is_not_replaced() {
    let g = ConvGeometry::new(&ConvSpec { stride: (2, 2), ..ConvSpec::new((9, 9), 16, 16, (3, 3)) });
    Algorithm::Winograd4.resolve(&g.expect("valid"), Direction::Output);
}

/// One line for each convolution of the study's networks: its input and output, and what is chosen for output, weight
/// gradient and input gradient.
fn study() -> Vec<String> {
    let layer =
        |size: usize, in_c, out_c, kernel: usize| ConvSpec::new((size, size), in_c, out_c, (kernel, kernel));
    let same = |spec| ConvSpec { padding: Padding::Same, ..spec };
    let strided = |spec| ConvSpec { stride: (2, 2), padding: Padding::Same, ..spec };
    let networks = [
        ("cnn1", vec![layer(48, 1, 32, 3), layer(46, 32, 32, 3), layer(22, 32, 64, 3), layer(20, 64, 64, 3)]),
        (
            "cnn2",
            vec![layer(48, 1, 64, 3), layer(46, 64, 64, 3), layer(22, 64, 128, 3), layer(20, 128, 128, 3)],
        ),
        (
            "cnn3",
            vec![
                layer(48, 1, 64, 3),
                same(layer(46, 64, 64, 3)),
                same(layer(23, 64, 128, 3)),
                strided(layer(11, 128, 128, 3)),
                strided(layer(6, 128, 128, 3)),
            ],
        ),
        (
            "search 1",
            vec![layer(48, 1, 32, 1), layer(48, 32, 32, 1), layer(24, 32, 64, 1), layer(24, 64, 128, 1)],
        ),
        (
            "search 3",
            vec![layer(48, 1, 32, 3), layer(46, 32, 32, 3), layer(22, 32, 64, 3), layer(20, 64, 128, 3)],
        ),
        (
            "search 5",
            vec![layer(48, 1, 32, 5), layer(44, 32, 32, 5), layer(20, 32, 64, 5), layer(16, 64, 128, 5)],
        ),
    ];
    let line = |name: &str, spec: &ConvSpec| {
        let g = ConvGeometry::new(spec).expect("valid");
        let [output, grad_weight, grad_input] =
            Direction::ALL.map(|direction| Algorithm::Auto.resolve(&g, direction));
        let shapes = format!("{}x{}x{} to {}x{}x{}", g.in_h, g.in_w, g.in_c, g.out_h, g.out_w, g.out_c);
        format!("{name}: {shapes}: {output} {grad_weight} {grad_input}")
    };
    networks.iter().flat_map(|(name, specs)| specs.iter().map(|spec| line(name, spec))).collect()
}

/// A change of the rule shows here, for the layers that matter most.
#[test]
fn choices_for_the_study() {
    let expected = "\
cnn1: 48x48x1 to 46x46x32: direct im2col im2col
cnn1: 46x46x32 to 44x44x32: winograd4 winograd4 winograd4
cnn1: 22x22x32 to 20x20x64: winograd4 winograd4 winograd4
cnn1: 20x20x64 to 18x18x64: winograd6 winograd6 winograd6
cnn2: 48x48x1 to 46x46x64: direct im2col im2col
cnn2: 46x46x64 to 44x44x64: winograd4 winograd4 winograd4
cnn2: 22x22x64 to 20x20x128: winograd4 winograd4 winograd4
cnn2: 20x20x128 to 18x18x128: winograd6 winograd6 winograd6
cnn3: 48x48x1 to 46x46x64: direct im2col im2col
cnn3: 46x46x64 to 46x46x64: winograd4 winograd4 winograd4
cnn3: 23x23x64 to 23x23x128: winograd6 winograd6 winograd6
cnn3: 11x11x128 to 6x6x128: im2col im2col im2col
cnn3: 6x6x128 to 3x3x128: im2col im2col im2col
search 1: 48x48x1 to 48x48x32: pointwise pointwise pointwise
search 1: 48x48x32 to 48x48x32: pointwise pointwise pointwise
search 1: 24x24x32 to 24x24x64: pointwise pointwise pointwise
search 1: 24x24x64 to 24x24x128: pointwise pointwise pointwise
search 3: 48x48x1 to 46x46x32: direct im2col im2col
search 3: 46x46x32 to 44x44x32: winograd4 winograd4 winograd4
search 3: 22x22x32 to 20x20x64: winograd4 winograd4 winograd4
search 3: 20x20x64 to 18x18x128: winograd6 winograd6 winograd6
search 5: 48x48x1 to 44x44x32: direct im2col im2col
search 5: 44x44x32 to 40x40x32: winograd4 winograd4 winograd4
search 5: 20x20x32 to 16x16x64: winograd4 winograd4 winograd4
search 5: 16x16x64 to 12x12x128: winograd4 winograd4 winograd4
";
    let got = study().join("\n") + "\n";
    assert!(got == expected, "Auto chooses\n{got}");
}
