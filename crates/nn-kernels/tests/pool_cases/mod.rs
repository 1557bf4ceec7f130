//! Poolings to test: a list made by hand and a generator.

#![allow(dead_code)] // Each test file uses some of it.

use nn_kernels::conv::Padding;
use nn_kernels::pool::PoolGeometry;
use proptest::prelude::*;

/// The arguments of a pooling and the number of images that it is run on.
#[derive(Debug, Clone, Copy)]
pub struct PoolCase {
    pub images: usize,
    pub input: (usize, usize),
    pub channels: usize,
    pub window: (usize, usize),
    pub stride: (usize, usize),
    pub padding: Padding,
}

impl PoolCase {
    #[track_caller]
    pub fn geometry(&self) -> PoolGeometry {
        PoolGeometry::new(self.input, self.channels, self.window, self.stride, self.padding)
            .unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

pub fn hand_list() -> Vec<PoolCase> {
    let case = |images, input, channels, window, stride, padding| PoolCase {
        images,
        input,
        channels,
        window,
        stride,
        padding,
    };
    let explicit = |top, bottom, left, right| Padding::Explicit { top, bottom, left, right };
    let mut cases = vec![
        // The study's 2x2, on even and odd sizes; the odd row and column are dropped.
        case(3, (8, 8), 32, (2, 2), (2, 2), Padding::Valid),
        case(3, (7, 9), 17, (2, 2), (2, 2), Padding::Valid),
        // ResNet's 3x3 with stride 2: overlapping windows with padding.
        case(2, (9, 9), 16, (3, 3), (2, 2), explicit(1, 1, 1, 1)),
        case(2, (7, 6), 3, (3, 3), (2, 2), Padding::Same),
        // Every window overlaps with every neighbour.
        case(2, (6, 5), 5, (4, 3), (1, 1), Padding::Same),
        // Padding on one side, as large as it may be.
        case(1, (5, 4), 2, (3, 4), (1, 2), explicit(2, 0, 0, 3)),
        case(1, (5, 4), 2, (4, 3), (2, 1), explicit(0, 3, 2, 0)),
        // A window larger than the image.
        case(2, (1, 2), 3, (4, 4), (1, 1), explicit(3, 3, 3, 3)),
        case(2, (2, 1), 3, (4, 4), (4, 4), Padding::Same),
        // Stride beyond the window: some pixels are never read.
        case(2, (9, 8), 4, (2, 1), (4, 3), Padding::Valid),
        // One window over everything; windows of one.
        case(2, (4, 3), 6, (4, 3), (1, 1), Padding::Valid),
        case(2, (4, 3), 6, (1, 1), (1, 1), Padding::Same),
        case(1, (1, 1), 1, (1, 1), (1, 1), Padding::Valid),
        case(1, (1, 300), 2, (1, 4), (1, 3), Padding::Same),
        case(0, (4, 4), 2, (2, 2), (2, 2), Padding::Valid),
    ];
    cases.extend(
        [1, 2, 15, 16, 17, 31, 33].map(|channels| case(1, (5, 5), channels, (3, 2), (2, 2), Padding::Same)),
    );
    cases
}

/// Any pooling of a small image with windows of up to 4x4.
pub fn any_case() -> impl Strategy<Value = PoolCase> {
    let axis = || (1..=4usize, 1..=4usize, 0..=8usize);
    // How padding is asked for, and the four sides as parts of the largest allowed.
    let padding = (0..=2usize, [0..=3usize, 0..=3, 0..=3, 0..=3]);
    (0..=3usize, axis(), axis(), 1..=5usize, padding).prop_map(
        |(images, vertical, horizontal, channels, (kind, sides))| {
            let window = (vertical.0, horizontal.0);
            let [top, bottom, left, right] = sides;
            let (top, bottom) = (top % window.0, bottom % window.0);
            let (left, right) = (left % window.1, right % window.1);
            let (padding, fits) = match kind {
                0 => (Padding::Valid, window),
                1 => (Padding::Same, (1, 1)),
                _ => (
                    Padding::Explicit { top, bottom, left, right },
                    (
                        window.0.saturating_sub(top + bottom).max(1),
                        window.1.saturating_sub(left + right).max(1),
                    ),
                ),
            };
            PoolCase {
                images,
                input: (fits.0 + vertical.2, fits.1 + horizontal.2),
                channels,
                window,
                stride: (vertical.1, horizontal.1),
                padding,
            }
        },
    )
}
