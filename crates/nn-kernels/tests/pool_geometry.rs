//! Pooling geometries: what is refused and with which words, and the sizes of what is accepted.

mod pool_cases;

use nn_kernels::GeometryError;
use nn_kernels::conv::Padding;
use nn_kernels::pool::PoolGeometry;
use pool_cases::{PoolCase, hand_list};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const NO_PADDING: Padding = Padding::Explicit { top: 0, bottom: 0, left: 0, right: 0 };

fn good() -> PoolCase {
    PoolCase {
        images: 1,
        input: (8, 8),
        channels: 4,
        window: (3, 2),
        stride: (2, 2),
        padding: Padding::Valid,
    }
}

fn refusal(case: PoolCase) -> GeometryError {
    PoolGeometry::new(case.input, case.channels, case.window, case.stride, case.padding)
        .expect_err(&format!("{case:?}"))
}

#[test]
fn zeros_are_refused_by_name() {
    let table = [
        (PoolCase { input: (0, 8), ..good() }, "input height"),
        (PoolCase { input: (8, 0), ..good() }, "input width"),
        (PoolCase { channels: 0, ..good() }, "channels"),
        (PoolCase { window: (0, 2), ..good() }, "window height"),
        (PoolCase { window: (2, 0), ..good() }, "window width"),
        (PoolCase { stride: (0, 1), ..good() }, "vertical stride"),
        (PoolCase { stride: (1, 0), ..good() }, "horizontal stride"),
    ];
    for (case, what) in table {
        for padding in [Padding::Valid, Padding::Same, NO_PADDING] {
            let error = refusal(PoolCase { padding, ..case });
            assert_eq!(error.to_string(), format!("{what} must be at least 1"), "{case:?} {padding:?}");
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let error = refusal(PoolCase { window: (9, 2), ..good() });
    assert_eq!(error, GeometryError::WindowTooLarge { window: (9, 2), input: (8, 8) });
    let padding = Padding::Explicit { top: 0, bottom: 0, left: 1, right: 1 };
    let error = refusal(PoolCase { window: (2, 11), padding, ..good() });
    assert_eq!(error, GeometryError::WindowTooLarge { window: (2, 11), input: (8, 10) });
}

/// A window that lies on padding alone would have no maximum.
#[test]
fn padding_must_be_smaller_than_the_window() {
    let explicit = |top, bottom, left, right| Padding::Explicit { top, bottom, left, right };
    let table = [
        (explicit(3, 0, 0, 0), 3, 3),
        (explicit(0, 4, 0, 0), 4, 3),
        (explicit(0, 0, 2, 0), 2, 2),
        (explicit(0, 0, 0, usize::MAX), usize::MAX, 2),
    ];
    for (padding, zeros, window) in table {
        let error = refusal(PoolCase { padding, ..good() });
        assert_eq!(error, GeometryError::PaddingTooLarge { padding: zeros, window });
        assert_eq!(
            error.to_string(),
            format!("padding {zeros} must be smaller than the pooling window {window}")
        );
    }
    let largest = PoolCase { padding: explicit(2, 2, 1, 1), ..good() };
    assert_eq!((largest.geometry().pad_top, largest.geometry().pad_left), (2, 1));
}

#[test]
fn sizes_beyond_memory_are_refused_by_name() {
    let one = PoolCase { window: (1, 1), stride: (1, 1), ..good() };
    let table = [
        (PoolCase { input: (1 << 30, 1 << 30), ..one }, "the input"),
        (PoolCase { channels: usize::MAX, ..one }, "the input"),
        (
            PoolCase { input: (usize::MAX, 1), padding: Padding::Same, window: (2, 1), ..one },
            "the padded input",
        ),
        (
            PoolCase {
                input: (1, (1 << 58) - 1),
                channels: 4,
                window: (1, 64),
                padding: Padding::Explicit { top: 0, bottom: 0, left: 63, right: 63 },
                ..one
            },
            "the output",
        ),
        (PoolCase { input: (300, 300), window: (257, 256), ..one }, "the pooling window"),
        (PoolCase { input: (70_000, 1), window: (65_537, 1), ..one }, "the pooling window"),
    ];
    for (case, what) in table {
        let error = refusal(case);
        assert_eq!(error, GeometryError::Overflow { what }, "{case:?}");
        assert_eq!(
            error.to_string(),
            format!("{what} would have more elements than this machine can address")
        );
    }
    // 65,536 taps are the most that an index of 16 bits can tell apart.
    let largest = PoolCase { input: (300, 300), window: (256, 256), ..one }.geometry();
    assert_eq!((largest.out_h, largest.out_w), (45, 45));
}

#[test]
fn same_padding_formula() {
    for size in 1..=25usize {
        for window in 1..=6usize {
            for stride in 1..=7usize {
                let case = PoolCase {
                    input: (size, 4),
                    window: (window, 1),
                    stride: (stride, 1),
                    padding: Padding::Same,
                    ..good()
                };
                let g = case.geometry();
                let zeros = ((g.out_h - 1) * stride + window).saturating_sub(size);
                assert_eq!(g.out_h, size.div_ceil(stride), "{case:?}");
                assert_eq!(g.pad_top, zeros / 2, "{case:?}");
                assert_eq!((g.out_w, g.pad_left), (4, 0), "{case:?}");
            }
        }
    }
}

#[test]
fn fields_and_lengths() {
    for case in hand_list() {
        let g = case.geometry();
        assert_eq!(((g.in_h, g.in_w), g.channels), (case.input, case.channels));
        assert_eq!((g.window_h, g.window_w), case.window);
        assert_eq!((g.stride_h, g.stride_w), case.stride);
        assert_eq!(g.input_len(), g.in_h * g.in_w * g.channels);
        assert_eq!(g.output_len(), g.out_h * g.out_w * g.channels);
    }
    // Keras: 2x2 pooling drops an odd last row.
    let g = PoolCase { input: (7, 9), window: (2, 2), ..good() }.geometry();
    assert_eq!((g.out_h, g.out_w), (3, 4));
}

/// Small, huge and in between.
fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![0..=9usize, (0..=63u32).prop_map(|bit| 1 << bit), (0..=9usize).prop_map(|n| usize::MAX - n)]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(6),
        ..ProptestConfig::default()
    })]

    /// Any numbers at all: an error or a geometry whose arrays can be addressed, never a panic.
    #[test]
    fn any_numbers_are_judged(
        input in (any_size(), any_size()),
        channels in any_size(),
        window in (any_size(), any_size()),
        stride in (any_size(), any_size()),
        sides in [any_size(), any_size(), any_size(), any_size()],
        kind in 0..3,
    ) {
        let [top, bottom, left, right] = sides;
        let padding = match kind {
            0 => Padding::Valid,
            1 => Padding::Same,
            _ => Padding::Explicit { top, bottom, left, right },
        };
        if let Ok(g) = PoolGeometry::new(input, channels, window, stride, padding) {
            let largest = isize::MAX as usize / 8;
            prop_assert!(g.input_len() <= largest && g.output_len() <= largest);
        }
    }
}
