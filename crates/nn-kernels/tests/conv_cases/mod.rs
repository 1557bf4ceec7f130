//! Convolutions to test: a list made by hand and a generator.

#![allow(dead_code)] // Each test file uses some of it.

use nn_kernels::conv::{Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use proptest::prelude::*;

/// A convolution and the number of images that it is run on.
#[derive(Debug, Clone, Copy)]
pub struct ConvCase {
    pub images: usize,
    pub spec: ConvSpec,
}

impl ConvCase {
    #[track_caller]
    pub fn geometry(&self) -> ConvGeometry {
        ConvGeometry::new(&self.spec).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }

    /// Whether it is quick to compute many times over.
    pub fn is_small(&self) -> bool {
        self.images as u64 * self.geometry().macs() < 40_000
    }
}

/// The algorithms that can compute `direction`.
pub fn algorithms_for(g: &ConvGeometry, direction: Direction) -> impl Iterator<Item = Algorithm> {
    Algorithm::ALL.into_iter().filter(move |algorithm| algorithm.supports(g, direction))
}

/// Those of [`algorithms_for`] that never round small integers.
///
/// The matrices of Winograd's `F(2x2, 3x3)` hold 0, ±1/2 and ±1 only, so all that it computes from integers are
/// quarters. Those of the larger tiles hold fractions that no binary number is.
pub fn exact_algorithms_for(g: &ConvGeometry, direction: Direction) -> impl Iterator<Item = Algorithm> {
    algorithms_for(g, direction).filter(move |algorithm| match algorithm.resolve(g, direction) {
        Algorithm::Winograd2 => g.kh == 3,
        Algorithm::Winograd4 | Algorithm::Winograd6 => false,
        _ => true,
    })
}

/// Every geometry that has its own way to go wrong.
pub fn hand_list() -> Vec<ConvCase> {
    [pytorch_samples(), network_layers(), shapes_at_the_edge(), lane_remainders(), winograd_tiles()].concat()
}

/// `ConvSpec::new` with the pairs spelled once: `[in_h, in_w, in_c]` and `[kh, kw, out_c]`.
fn dense([in_h, in_w, in_c]: [usize; 3], [kh, kw, out_c]: [usize; 3]) -> ConvSpec {
    ConvSpec::new((in_h, in_w), in_c, out_c, (kh, kw))
}

fn on(images: usize, specs: impl IntoIterator<Item = ConvSpec>) -> Vec<ConvCase> {
    specs.into_iter().map(|spec| ConvCase { images, spec }).collect()
}

fn pad(top: usize, bottom: usize, left: usize, right: usize) -> Padding {
    Padding::Explicit { top, bottom, left, right }
}

/// The shapes of PyTorch's own `conv2d` samples (its list of fifteen holds two of them twice).
fn pytorch_samples() -> Vec<ConvCase> {
    let one = on(
        1,
        [
            ConvSpec { stride: (2, 2), padding: pad(2, 2, 2, 2), ..dense([4, 4, 3], [3, 3, 3]) },
            ConvSpec {
                stride: (2, 2),
                padding: pad(1, 1, 1, 1),
                dilation: (2, 3),
                ..dense([5, 5, 4], [2, 3, 1])
            },
            // The kernel is wider than the image.
            ConvSpec { stride: (2, 2), padding: pad(1, 1, 1, 1), ..dense([4, 3, 2], [3, 4, 4]) },
            ConvSpec { stride: (2, 2), padding: Padding::Valid, ..dense([5, 5, 4], [2, 3, 1]) },
            ConvSpec { padding: Padding::Same, dilation: (3, 3), ..dense([5, 5, 4], [2, 3, 1]) },
            dense([5, 5, 4], [3, 3, 3]),
        ],
    );
    let two = on(
        2,
        [
            ConvSpec {
                stride: (3, 2),
                padding: pad(2, 2, 1, 1),
                dilation: (4, 4),
                groups: 2,
                ..dense([8, 8, 4], [3, 3, 2])
            },
            ConvSpec { groups: 4, ..dense([6, 6, 4], [3, 3, 4]) },
            // Depthwise with multiplier 2.
            ConvSpec { groups: 4, ..dense([6, 6, 4], [3, 3, 8]) },
            ConvSpec { groups: 4, stride: (3, 2), ..dense([6, 6, 4], [3, 3, 4]) },
            ConvSpec { groups: 4, padding: pad(1, 1, 1, 1), ..dense([6, 6, 4], [3, 3, 4]) },
            ConvSpec { groups: 4, dilation: (2, 2), ..dense([5, 5, 4], [2, 2, 4]) },
            ConvSpec { groups: 2, ..dense([6, 5, 4], [3, 2, 6]) },
        ],
    );
    [one, two].concat()
}

/// Layers of the networks in this project, on smaller maps.
fn network_layers() -> Vec<ConvCase> {
    let same = |spec| ConvSpec { padding: Padding::Same, ..spec };
    let halved = |spec| ConvSpec { stride: (2, 2), ..spec };
    on(
        3,
        [
            // The study: `valid`, `same`, `same` with stride 2, kernels of 1 and 5.
            dense([12, 12, 1], [3, 3, 32]),
            dense([10, 10, 32], [3, 3, 32]),
            dense([6, 6, 32], [3, 3, 64]),
            same(dense([8, 8, 1], [3, 3, 64])),
            same(halved(dense([11, 11, 16], [3, 3, 32]))),
            same(halved(dense([6, 6, 32], [3, 3, 16]))),
            dense([9, 9, 8], [1, 1, 16]),
            dense([9, 9, 8], [5, 5, 16]),
            // ResNet: its first layer, and the 1x1 shortcut that skips pixels.
            halved(ConvSpec { padding: pad(3, 3, 3, 3), ..dense([15, 15, 3], [7, 7, 8]) }),
            halved(dense([7, 7, 16], [1, 1, 32])),
            // MobileNet: depthwise, plain and with the padding that it adds before stride 2.
            same(ConvSpec { groups: 24, ..dense([7, 7, 24], [3, 3, 24]) }),
            halved(ConvSpec { groups: 24, padding: pad(0, 1, 0, 1), ..dense([8, 8, 24], [3, 3, 24]) }),
        ],
    )
}

fn shapes_at_the_edge() -> Vec<ConvCase> {
    let same = |spec| ConvSpec { padding: Padding::Same, ..spec };
    let specs = [
        same(dense([1, 1, 5], [3, 3, 7])),
        same(dense([1, 1000, 2], [3, 3, 3])),
        same(dense([1000, 1, 2], [3, 3, 3])),
        same(ConvSpec { stride: (2, 2), ..dense([7, 8, 3], [3, 3, 4]) }),
        same(ConvSpec { stride: (2, 2), ..dense([8, 7, 3], [2, 5, 4]) }),
        // `same` with a stride beyond the kernel: some pixels are never read.
        same(ConvSpec { stride: (3, 4), ..dense([8, 9, 2], [1, 2, 3]) }),
        ConvSpec { padding: pad(2, 0, 1, 3), ..dense([5, 6, 3], [3, 3, 4]) },
        ConvSpec { padding: pad(0, 3, 2, 0), stride: (2, 1), ..dense([5, 6, 3], [2, 3, 4]) },
        // As many outputs as inputs, but not of the same pixels.
        ConvSpec { padding: pad(1, 1, 1, 1), stride: (2, 2), ..dense([3, 3, 2], [1, 1, 3]) },
        // More padding than kernel: whole patches of zeros.
        ConvSpec { padding: pad(4, 5, 6, 4), ..dense([3, 2, 2], [3, 2, 3]) },
        ConvSpec {
            padding: pad(3, 3, 3, 3),
            stride: (2, 2),
            dilation: (2, 1),
            ..dense([2, 3, 2], [2, 3, 3])
        },
        // The window fills the input: one output pixel, a dense layer.
        dense([4, 6, 3], [4, 6, 5]),
        // Stride beyond the kernel, dilation on one side only.
        ConvSpec { stride: (4, 3), dilation: (1, 3), ..dense([9, 11, 2], [2, 2, 2]) },
        dense([1, 1, 1], [1, 1, 1]),
    ];
    let batches = [0, 1, 3].into_iter().flat_map(|images| on(images, specs));
    // Rows of output pixels so long that each is a column matrix of its own, and many that share one.
    let blocks = on(
        2,
        [
            same(dense([3, 700, 16], [3, 3, 4])),
            same(dense([60, 50, 4], [3, 3, 3])),
            same(ConvSpec { groups: 2, ..dense([40, 60, 8], [3, 3, 4]) }),
        ],
    );
    // More column matrices than parts of the weight gradient's sum: some parts add up several.
    let parts = on(3, [same(dense([61, 67, 24], [3, 3, 2]))]);
    batches.chain(blocks).chain(parts).collect()
}

/// Channel counts on both sides of one and two vectors of 8 or 16 lanes.
fn lane_remainders() -> Vec<ConvCase> {
    const CHANNELS: [usize; 7] = [1, 2, 15, 16, 17, 31, 33];
    let pairs = CHANNELS.into_iter().flat_map(|in_c| CHANNELS.map(|out_c| (in_c, out_c)));
    let specs =
        pairs.map(|(in_c, out_c)| ConvSpec { padding: Padding::Same, ..dense([4, 3, in_c], [3, 3, out_c]) });
    on(1, specs)
}

/// Stride 1, dense, square kernels of 3 and 5: whole and cut tiles of 2, 4 and 6 outputs, on every padding.
fn winograd_tiles() -> Vec<ConvCase> {
    let same = |spec| ConvSpec { padding: Padding::Same, ..spec };
    let padded = |top, bottom, left, right, spec| ConvSpec { padding: pad(top, bottom, left, right), ..spec };
    let sizes = (1..=13).map(|out| dense([out + 2, 14 - out + 2, 3], [3, 3, 5]));
    let large_kernels = (1..=9).map(|out| dense([out + 4, 10 - out + 4, 3], [5, 5, 2]));
    let two = [
        same(dense([7, 9, 5], [5, 5, 6])),
        same(dense([6, 5, 17], [5, 5, 33])),
        same(dense([1, 1, 3], [5, 5, 4])),
        // Padding on one side, and beyond what a kernel reaches: the gradient's padding is negative.
        padded(2, 0, 0, 1, dense([5, 6, 3], [3, 3, 4])),
        padded(3, 4, 7, 6, dense([3, 2, 4], [3, 3, 3])),
        padded(5, 0, 2, 9, dense([4, 6, 2], [5, 5, 3])),
    ];
    // Many images in one task and several tasks; several blocks of tiles, the last one uneven.
    let tasks = on(70, [same(dense([4, 4, 3], [3, 3, 5]))]);
    let blocks = on(2, [same(dense([18, 22, 64], [3, 3, 66])), dense([14, 20, 40], [5, 5, 72])]);
    // More tiles than one term of the weight gradient sums; the last of three terms gets no image.
    let parts = on(4, [same(dense([50, 50, 2], [3, 3, 3])), same(dense([51, 49, 1], [5, 5, 2]))]);
    [on(2, sizes.chain(large_kernels).chain(two)), tasks, blocks, parts].concat()
}

/// Any convolution of a small image; shrinks towards one pixel, one channel, one tap.
pub fn any_case() -> impl Strategy<Value = ConvCase> {
    prop_oneof![2 => any_window(), 1 => any_square_kernel()]
}

/// The kernels and steps that Winograd's algorithm takes.
fn any_square_kernel() -> impl Strategy<Value = ConvCase> {
    let channels = (1..=20usize, 1..=20usize);
    let pads = [0..=6usize, 0..=6, 0..=6, 0..=6];
    (0..=3usize, prop_oneof![Just(3usize), Just(5)], pads, channels, (0..=12usize, 0..=12usize)).prop_map(
        |(images, kernel, [top, bottom, left, right], (in_c, out_c), extra)| {
            let fits = |before: usize, after: usize| kernel.saturating_sub(before + after).max(1);
            let input = (fits(top, bottom) + extra.0, fits(left, right) + extra.1);
            let padding = pad(top, bottom, left, right);
            let spec = ConvSpec { padding, ..ConvSpec::new(input, in_c, out_c, (kernel, kernel)) };
            ConvCase { images, spec }
        },
    )
}

fn any_window() -> impl Strategy<Value = ConvCase> {
    let padding = prop_oneof![
        Just(Padding::Valid),
        Just(Padding::Same),
        [0..=5usize, 0..=5, 0..=5, 0..=5]
            .prop_map(|[top, bottom, left, right]| pad(top, bottom, left, right)),
    ];
    let window = ((1..=5usize, 1..=5usize), (1..=3usize, 1..=3usize), (1..=3usize, 1..=3usize));
    // Groups, and channels of one group.
    let channels = (1..=4usize, 1..=5usize, 1..=5usize);
    // Rows and columns beyond the smallest input that the window fits into.
    let extra = (0..=8usize, 0..=8usize);
    (0..=3usize, window, padding, channels, extra).prop_map(
        |(images, (kernel, stride, dilation), padding, (groups, in_c, out_c), extra)| {
            let span = ((kernel.0 - 1) * dilation.0 + 1, (kernel.1 - 1) * dilation.1 + 1);
            let fits = match padding {
                Padding::Valid => span,
                Padding::Same => (1, 1),
                Padding::Explicit { top, bottom, left, right } => {
                    (span.0.saturating_sub(top + bottom).max(1), span.1.saturating_sub(left + right).max(1))
                }
            };
            let spec = ConvSpec {
                input: (fits.0 + extra.0, fits.1 + extra.1),
                in_c: groups * in_c,
                out_c: groups * out_c,
                kernel,
                stride,
                padding,
                dilation,
                groups,
            };
            ConvCase { images, spec }
        },
    )
}
