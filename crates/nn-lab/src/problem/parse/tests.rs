use nn_kernels::conv::{ConvGeometry, ConvSpec, Padding};
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Problem, ProblemError> {
    text.parse()
}

fn sizes(text: &str) -> [usize; 4] {
    let g = parse(text).unwrap().geometry;
    [g.out_h, g.out_w, g.pad_top, g.pad_left]
}

#[test]
fn a_problem_reads_as_benchdnn_reads_it() {
    let problem = parse("mb256_ic32ih44_oc32_kh3").unwrap();
    let g = problem.geometry;
    assert_eq!((problem.batch, g.in_c, g.out_c, problem.name), (256, 32, 32, None));
    assert_eq!((g.in_h, g.in_w, g.out_h, g.out_w, g.kh, g.kw), (44, 44, 42, 42, 3, 3));
    assert_eq!(parse("ic1ih1oc1kh1").unwrap().batch, 2);
    // A line of benchdnn's shapes_resnet_50.
    let resnet = parse("g1ic3ih224oc64oh112kh7sh2ph3n\"resnet_50:conv1\"").unwrap();
    assert_eq!(resnet.name.as_deref(), Some("resnet_50:conv1"));
    assert_eq!((resnet.geometry.out_w, resnet.geometry.pad_left), (112, 3));
    // And of its mobile nets: a group for each channel, a name without quotes.
    let mobile = parse("mb5g32ic32ih112oc32oh112kh3ph1nconv2_1:dw").unwrap();
    assert_eq!((mobile.geometry.groups, mobile.label().as_str()), (32, "conv2_1:dw"));
    assert_eq!(parse("_mb2__ic1_ih1oc1_kh1_"), parse("ic1ih1oc1kh1"));
}

#[test]
fn output_and_padding_follow_from_each_other() {
    assert_eq!(sizes("ic1ih48oc1kh3"), [46, 46, 0, 0]);
    assert_eq!(sizes("ic1ih48oc1kh3ph1"), [48, 48, 1, 1]);
    assert_eq!(sizes("ic1ih48oc1oh48kh3"), [48, 48, 1, 1]);
    // Keras's "same" with stride 2 on an even size: the one zero goes to the end.
    assert_eq!(sizes("ic1ih8oc1oh4kh3sh2"), [4, 4, 0, 0]);
    assert_eq!(sizes("ic1ih8oc1oh4kh3sh2ph1"), [4, 4, 1, 1]);
    // dh1 skips one row between taps: a window of 5.
    assert_eq!(sizes("ic1ih8oc1kh3dh1"), [4, 4, 0, 0]);
    // Columns on their own.
    assert_eq!(sizes("ic1ih8iw10oc1kh3kw5ph1pw2"), [8, 10, 1, 2]);
    assert_eq!(sizes("ic1ih8iw10oc1oh8ow10kh3"), [8, 10, 1, 1]);
    // Outputs given for the rows alone are no statement about columns of another size.
    assert_eq!(sizes("ic1ih8iw10oc1oh8kh3"), [8, 8, 1, 0]);
}

/// What one dimension, or three of which the first is 1, have in common with two.
#[test]
fn what_is_two_dimensional_in_disguise_is_so() {
    let same = [
        ("g1ic3oc16_iw5ow5kw3pw1", "ic3ih1iw5oc16oh1ow5kh1kw3ph0pw1"),
        ("ic3oc4_iw9kw3sw2", "ic3ih1iw9oc4kh1kw3sh1sw2"),
        ("ic3oc4_iw9ow9kw3dw1_ih0kh0oh0ph0sh1dh0", "ic3ih1iw9oc4oh1ow9kh1kw3ph0pw2dh0dw1"),
        (
            "mb1ic32id1ih67iw4oc48od1oh23ow5kd1kh1kw1sd1sh3sw1pd0ph0pw1dd0dh0dw0",
            "mb1ic32ih67iw4oc48oh23ow5kh1kw1sh3sw1ph0pw1",
        ),
        ("ic8id1ih9oc8kd1kh3sd2dd3ph1", "ic8ih9oc8kh3ph1"),
        ("ic8oc8id1kd1", "ic8oc8ih1kh1ph0"),
        ("ic8oc8id1kd1iw9kw3", "ic8oc8ih1kh1iw9kw3ph0pw0"),
    ];
    for (text, two_dimensional) in same {
        assert_eq!(parse(text).unwrap(), parse(two_dimensional).unwrap(), "{text}");
    }
    assert_eq!(sizes("ic3oc16_iw5ow5kw3"), [1, 5, 0, 1]);
}

/// Texts from outside are as long as they like; messages are not.
#[test]
fn messages_are_short() {
    let long = "9".repeat(5000);
    for text in [format!("ic{long}"), format!("i{}", "x".repeat(5000)), format!("ic1n\"{long}")] {
        let message = parse(&text).unwrap_err().to_string();
        assert!(message.len() < 300, "{message}");
    }
}

#[test]
fn every_mistake_is_named() {
    let good = "ic1ih8oc1kh3";
    assert!(parse(good).is_ok());
    for (text, message) in [
        ("ic1ih8oc1kh3zz4", "unknown key \"zz\""),
        ("ic1ih8oc1kd3", "kd3 makes it a convolution of three dimensions"),
        ("ic8oc8_id5od5kd3pd1", "id5 makes it a convolution of three dimensions"),
        ("ic1id1ih8oc1kd1kh3pd1", "pd1 makes it a convolution of three dimensions"),
        ("ic1oc1iw5", "kw is missing"),
        ("ic1oc1kw3", "ih is missing"),
        ("ic1ih8oc1kh3 ph1", "expected a key, got ' '"),
        ("ic1ih8oc1kh-3", "kh needs a whole number below 2^32, got \"-\""),
        ("ic1ih8oc1kh", "kh needs a whole number below 2^32, got \"\""),
        ("ic1ih4294967296oc1kh3", "ih needs a whole number below 2^32, got \"4294967296\""),
        ("ic1ih8oc1kh3ic2", "ic is given twice"),
        ("ih8oc1kh3", "ic is missing"),
        ("ic1oc1kh3", "ih is missing"),
        ("ic1ih8kh3", "oc is missing"),
        ("ic1ih8oc1", "kh is missing"),
        ("", "ih is missing"),
        ("mb0ic1ih8oc1kh3", "mb must be at least 1"),
        ("ic0ih8oc1kh3", "ic must be at least 1"),
        ("ic1ih8oc1kh0", "kh must be at least 1"),
        ("ic1ih8oc1kh3sh0", "sh must be at least 1"),
        ("g0ic1ih8oc1kh3", "g must be at least 1"),
        ("ic1ih8oc1oh0kh3", "oh must be at least 1"),
        ("ic1ih8oc1oh11kh3", "oh11 contradicts the other sizes, which allow 6 to 10"),
        ("ic1ih8oc1oh5kh3ph0", "oh5 contradicts the other sizes, which allow 6 to 8"),
        ("ic1ih8iw9oc1kh3ow99", "ow99 contradicts the other sizes"),
        ("g2ic3ih8oc4kh3", "group"),
        ("ic1ih8oc1kh9", "window"),
        ("ic1ih8oc1kh3n\"two words\"", "a name is n\"...\" at the end"),
        ("ic1ih8oc1kh3n\"open", "a name is n\"...\" at the end"),
        ("ic1ih8oc1kh3n", "a name is n\"...\" at the end"),
        ("mb4294967295ic65536ih65536oc1kh1", "the batch has too many elements"),
        ("ic1ih4294967295oc1oh4294967295kh4294967295sh4294967295dh4294967295", "would have more"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(message), "{text:?}: {error:?} lacks {message:?}");
    }
}

#[test]
fn the_text_of_a_problem_says_what_matters() {
    for (text, canonical) in [
        ("mb256_ic32ih44_oc32_kh3", "mb256_ic32ih44_oc32oh42_kh3ph0"),
        ("g2ic4ih8iw9oc6kh3sh2n\"x\"", "g2mb2_ic4ih8iw9_oc6oh3ow4_kh3kw3sh2sw2ph0pw0_n\"x\""),
        ("ic1ih8oc1kh3dh1ph2", "mb2_ic1ih8_oc1oh8_kh3dh1ph2"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), canonical);
    }
}

/// Random convolutions with at most as many zeros after the input as the grammar can say.
fn problems() -> impl Strategy<Value = Problem> {
    let axis = (1usize..20, 1usize..5, 1usize..4, 1usize..4, 0usize..4, 0usize..4);
    let channels = (1usize..4, 1usize..4, 1usize..4, 1usize..5);
    let name = proptest::option::of("[a-zA-Z0-9_:.*-]{1,12}");
    (axis.clone(), axis, any::<bool>(), channels, name).prop_filter_map("fits", |(h, w, square, c, name)| {
        let w = if square { h } else { w };
        let span = |axis: (usize, usize, usize, usize, usize, usize)| (axis.1 - 1) * axis.3 + 1;
        let after = |axis: (usize, usize, usize, usize, usize, usize)| axis.5.min(axis.4.max(span(axis) - 1));
        let spec = ConvSpec {
            input: (h.0, w.0),
            in_c: c.0 * c.2,
            out_c: c.1 * c.2,
            kernel: (h.1, w.1),
            stride: (h.2, w.2),
            padding: Padding::Explicit { top: h.4, bottom: after(h), left: w.4, right: after(w) },
            dilation: (h.3, w.3),
            groups: c.2,
        };
        Some(Problem { name, batch: c.3, geometry: ConvGeometry::new(&spec).ok()? })
    })
}

/// The products of one image, counted one by one.
fn count_taps(g: &ConvGeometry) -> u64 {
    let inside = |out: usize, stride: usize, tap: usize, dilation: usize, pad: usize, size: usize| {
        (pad..pad + size).contains(&(out * stride + tap * dilation))
    };
    let mut count = 0;
    for (oh, ow) in (0..g.out_h).flat_map(|oh| (0..g.out_w).map(move |ow| (oh, ow))) {
        for (kh, kw) in (0..g.kh).flat_map(|kh| (0..g.kw).map(move |kw| (kh, kw))) {
            let hits = inside(oh, g.stride_h, kh, g.dilation_h, g.pad_top, g.in_h)
                && inside(ow, g.stride_w, kw, g.dilation_w, g.pad_left, g.in_w);
            count += u64::from(hits) * (g.out_c * g.in_c / g.groups) as u64;
        }
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn printed_problems_parse_to_themselves(problem in problems()) {
        prop_assert_eq!(parse(&problem.to_string()).unwrap(), problem);
    }

    #[test]
    fn flops_are_two_for_each_product_on_the_input(problem in problems()) {
        let expected = 2 * problem.batch as u64 * count_taps(&problem.geometry);
        prop_assert_eq!(problem.flops(), expected);
    }
}

#[test]
fn padding_is_not_counted() {
    // 48 rows with a window of 3 and a zero on each side: 142 of the 144 taps of a column hit the image.
    let problem = parse("mb10_ic3ih48_oc5_kh3ph1").unwrap();
    assert_eq!(problem.flops(), 2 * 10 * 3 * 5 * 142 * 142);
    assert_eq!(problem.compulsory_bytes(), 4 * (10 * 48 * 48 * (3 + 5) + 9 * 3 * 5));
}
