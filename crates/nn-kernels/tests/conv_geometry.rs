//! Convolution geometries: what is refused and with which words, and the sizes of what is accepted.

mod conv_cases;

use conv_cases::{any_case, hand_list};
use nn_kernels::GeometryError;
use nn_kernels::conv::{Algorithm, ConvGeometry, ConvSpec, Padding};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// 3x3 on 8x8 with 4 channels in and out.
fn good() -> ConvSpec {
    ConvSpec::new((8, 8), 4, 4, (3, 3))
}

#[test]
fn zeros_are_refused_by_name() {
    let table = [
        (ConvSpec { input: (0, 8), ..good() }, "input height"),
        (ConvSpec { input: (8, 0), ..good() }, "input width"),
        (ConvSpec { in_c: 0, ..good() }, "input channels"),
        (ConvSpec { out_c: 0, ..good() }, "output channels (filters)"),
        (ConvSpec { groups: 0, ..good() }, "groups"),
        (ConvSpec { kernel: (0, 3), ..good() }, "kernel height"),
        (ConvSpec { kernel: (3, 0), ..good() }, "kernel width"),
        (ConvSpec { stride: (0, 1), ..good() }, "vertical stride"),
        (ConvSpec { stride: (1, 0), ..good() }, "horizontal stride"),
        (ConvSpec { dilation: (0, 1), ..good() }, "vertical dilation"),
        (ConvSpec { dilation: (1, 0), ..good() }, "horizontal dilation"),
    ];
    for (spec, what) in table {
        for padding in
            [Padding::Valid, Padding::Same, Padding::Explicit { top: 0, bottom: 0, left: 0, right: 0 }]
        {
            let error = ConvGeometry::new(&ConvSpec { padding, ..spec }).expect_err(what);
            assert_eq!(error, GeometryError::Zero { what });
            assert_eq!(error.to_string(), format!("{what} must be at least 1"));
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let explicit = Padding::Explicit { top: 1, bottom: 2, left: 0, right: 1 };
    let table = [
        (ConvSpec { kernel: (9, 1), ..good() }, (9, 1), (8, 8)),
        (ConvSpec { kernel: (1, 9), ..good() }, (1, 9), (8, 8)),
        (ConvSpec { kernel: (3, 4), dilation: (1, 3), ..good() }, (3, 10), (8, 8)),
        (ConvSpec { kernel: (12, 9), padding: explicit, ..good() }, (12, 9), (11, 9)),
    ];
    for (spec, window, input) in table {
        let error = ConvGeometry::new(&spec).expect_err("the window is too large");
        assert_eq!(error, GeometryError::WindowTooLarge { window, input });
        let text = error.to_string();
        assert!(text.contains(&format!("{window:?}")) && text.contains(&format!("{input:?}")), "{text}");
    }
    // One row fewer fits exactly.
    assert!(ConvGeometry::new(&ConvSpec { kernel: (11, 9), padding: explicit, ..good() }).is_ok());
}

#[test]
fn groups_must_divide_both_channel_counts() {
    let table = [
        (ConvSpec { in_c: 6, groups: 4, ..good() }, "4 groups do not divide input channels = 6"),
        (ConvSpec { out_c: 6, groups: 4, ..good() }, "4 groups do not divide output channels = 6"),
        (ConvSpec { groups: 8, ..good() }, "8 groups do not divide input channels = 4"),
    ];
    for (spec, text) in table {
        let error = ConvGeometry::new(&spec).expect_err(text);
        assert!(matches!(error, GeometryError::Groups { .. }));
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn sizes_beyond_memory_are_refused_by_name() {
    const MAX: usize = usize::MAX;
    let explicit = |top, bottom, left, right| Padding::Explicit { top, bottom, left, right };
    let table = [
        (ConvSpec { padding: explicit(MAX, 0, 0, 0), ..good() }, "the padded input"),
        (ConvSpec { padding: explicit(0, MAX, 0, 0), ..good() }, "the padded input"),
        (ConvSpec { padding: explicit(0, 0, MAX / 2, MAX / 2), ..good() }, "the padded input"),
        (ConvSpec { dilation: (MAX, 1), ..good() }, "the padded input"),
        (ConvSpec { dilation: (1, MAX), padding: Padding::Same, ..good() }, "the padded input"),
        (ConvSpec { input: (MAX, 8), padding: Padding::Same, ..good() }, "the padded input"),
        (ConvSpec { input: (1 << 62, 8), ..good() }, "the input"),
        (ConvSpec { input: (1 << 30, 1 << 30), ..good() }, "the input"),
        (ConvSpec { in_c: MAX, ..good() }, "the input"),
        (ConvSpec { out_c: MAX, ..good() }, "the output"),
        (ConvSpec { padding: explicit(0, 1 << 30, 0, 1 << 30), ..good() }, "the output"),
        (ConvSpec { in_c: 1 << 28, out_c: 1 << 28, kernel: (8, 8), ..good() }, "the weight"),
        // Each array alone fits; nine times the input does not.
        (
            ConvSpec { input: (1 << 29, 1 << 28), in_c: 4, out_c: 1, padding: Padding::Same, ..good() },
            "the column matrix",
        ),
    ];
    for (spec, what) in table {
        let error = ConvGeometry::new(&spec).expect_err(what);
        assert_eq!(error, GeometryError::Overflow { what }, "{spec:?}");
        assert_eq!(
            error.to_string(),
            format!("{what} would have more elements than this machine can address")
        );
    }
}

/// `out = ceil(in / stride)`, half of the zeros before the input, and the odd one after.
#[test]
fn same_padding_formula() {
    for size in 1..=25usize {
        for kernel in 1..=6usize {
            for (stride, dilation) in [(1, 1), (2, 1), (3, 1), (5, 1), (7, 1), (1, 2), (2, 2), (3, 3)] {
                // The other axis is as it would be without padding.
                let spec = ConvSpec {
                    stride: (stride, 1),
                    dilation: (dilation, 1),
                    padding: Padding::Same,
                    ..ConvSpec::new((size, 4), 1, 1, (kernel, 1))
                };
                let g = ConvGeometry::new(&spec).expect("same always fits");
                let span = (kernel - 1) * dilation + 1;
                let zeros = ((g.out_h - 1) * stride + span).saturating_sub(size);
                assert_eq!(g.out_h, size.div_ceil(stride), "{spec:?}");
                assert_eq!(g.pad_top, zeros / 2, "{spec:?}");
                assert_eq!((g.out_w, g.pad_left), (4, 0), "{spec:?}");

                let turned = ConvSpec {
                    input: (4, size),
                    kernel: (1, kernel),
                    stride: (1, stride),
                    dilation: (1, dilation),
                    ..spec
                };
                let turned = ConvGeometry::new(&turned).expect("same always fits");
                assert_eq!((turned.out_w, turned.pad_left), (g.out_h, g.pad_top), "{spec:?}");
                assert_eq!((turned.out_h, turned.pad_top), (4, 0), "{spec:?}");
            }
        }
    }
}

#[test]
fn lengths_and_macs() {
    // The second layer of the study's first network: 48x48x1 -> 46x46x32 -> 44x44x32.
    let g = ConvGeometry::new(&ConvSpec::new((46, 46), 32, 32, (3, 3))).expect("valid");
    assert_eq!((g.out_h, g.out_w, g.pad_top, g.pad_left), (44, 44, 0, 0));
    assert_eq!((g.input_len(), g.output_len()), (46 * 46 * 32, 44 * 44 * 32));
    assert_eq!((g.patch_len(), g.weight_len()), (288, 9216));
    assert_eq!(g.macs(), 44 * 44 * 32 * 288);

    // Groups divide the work.
    let spec = ConvSpec { groups: 4, ..ConvSpec::new((5, 5), 8, 12, (3, 3)) };
    let g = ConvGeometry::new(&spec).expect("valid");
    assert_eq!((g.patch_len(), g.weight_len()), (18, 216));
    assert_eq!(g.macs(), 9 * 12 * 18);
}

#[test]
fn fields_are_the_arguments() {
    for case in hand_list() {
        let (g, spec) = (case.geometry(), case.spec);
        assert_eq!((g.in_h, g.in_w), spec.input);
        assert_eq!((g.in_c, g.out_c, g.groups), (spec.in_c, spec.out_c, spec.groups));
        assert_eq!((g.kh, g.kw), spec.kernel);
        assert_eq!((g.stride_h, g.stride_w), spec.stride);
        assert_eq!((g.dilation_h, g.dilation_w), spec.dilation);
    }
}

/// Small, huge and in between.
fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![0..=9usize, (0..=63u32).prop_map(|bit| 1 << bit), (0..=9usize).prop_map(|n| usize::MAX - n)]
}

fn any_pair() -> impl Strategy<Value = (usize, usize)> {
    (any_size(), any_size())
}

fn any_spec() -> impl Strategy<Value = ConvSpec> {
    let padding = prop_oneof![
        Just(Padding::Valid),
        Just(Padding::Same),
        (any_pair(), any_pair()).prop_map(|((top, bottom), (left, right))| Padding::Explicit {
            top,
            bottom,
            left,
            right
        }),
    ];
    let channels = (any_size(), any_size(), prop_oneof![Just(1), any_size()]);
    (any_pair(), channels, any_pair(), any_pair(), any_pair(), padding).prop_map(
        |(input, (in_c, out_c, groups), kernel, stride, dilation, padding)| ConvSpec {
            input,
            in_c,
            out_c,
            kernel,
            stride,
            padding,
            dilation,
            groups,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        ..ProptestConfig::default()
    })]

    /// The last window ends inside the padded input, and one step further it would not.
    #[test]
    fn output_holds_all_windows_that_fit(case in any_case()) {
        let (g, spec) = (case.geometry(), case.spec);
        if let Padding::Explicit { top, bottom, left, right } = spec.padding {
            let padded = (g.in_h + top + bottom, g.in_w + left + right);
            let end = |out: usize, stride: usize, kernel: usize, dilation: usize| {
                (out - 1) * stride + (kernel - 1) * dilation + 1
            };
            prop_assert!(end(g.out_h, g.stride_h, g.kh, g.dilation_h) <= padded.0);
            prop_assert!(end(g.out_h + 1, g.stride_h, g.kh, g.dilation_h) > padded.0);
            prop_assert!(end(g.out_w, g.stride_w, g.kw, g.dilation_w) <= padded.1);
            prop_assert!(end(g.out_w + 1, g.stride_w, g.kw, g.dilation_w) > padded.1);
        }
    }

    /// Any numbers at all: an error or a geometry whose arrays can be addressed, never a panic.
    #[test]
    fn any_numbers_are_judged(spec in any_spec()) {
        if let Ok(g) = ConvGeometry::new(&spec) {
            let largest = isize::MAX as usize / 8;
            prop_assert!(g.input_len() <= largest && g.output_len() <= largest && g.weight_len() <= largest);
            prop_assert!(g.macs() >= 1);
        }
    }
}

/// More multiply-adds than a `u64` counts, although every array can be addressed.
#[test]
fn macs_of_an_enormous_geometry_do_not_overflow() {
    let spec = ConvSpec::new((1 << 20, 1 << 20), 1 << 17, 1 << 17, (1, 1));
    let g = ConvGeometry::new(&spec).expect("each array can be addressed");
    assert!(g.macs() >= u64::MAX / 2);
}

#[test]
fn algorithm_names_round_trip() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
        assert_eq!(algorithm.to_string(), algorithm.name());
    }
    assert_eq!(Algorithm::default(), Algorithm::Auto);
    let error = "fft".parse::<Algorithm>().expect_err("not an algorithm");
    assert!(error.contains("\"fft\"") && error.contains("im2col"), "{error}");
}
