use thiserror::Error;

/// Why a convolution or pooling geometry cannot exist.
///
/// Sizes are given as (height, width).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// A size, stride, dilation, window or group count is zero.
    #[error("{what} must be at least 1")]
    Zero {
        /// The argument's name.
        what: &'static str,
    },
    /// The window does not fit into the padded input, so there would be no output.
    #[error(
        "the window does not fit: it spans {window:?} (height, width) of an input that is {input:?} with its padding"
    )]
    WindowTooLarge {
        /// Rows and columns that the window spans, dilation included.
        window: (usize, usize),
        /// Input rows and columns, padding included.
        input: (usize, usize),
    },
    /// A pooling window could lie wholly on padding.
    #[error("padding {padding} must be smaller than the pooling window {window}")]
    PaddingTooLarge {
        /// Rows or columns of padding on one side.
        padding: usize,
        /// Rows or columns of the window.
        window: usize,
    },
    /// Channels cannot be divided among the groups.
    #[error("{groups} groups do not divide {what} = {channels}")]
    Groups {
        /// Which channel count.
        what: &'static str,
        /// The channel count.
        channels: usize,
        /// The number of groups.
        groups: usize,
    },
    /// A product of sizes does not fit into memory that this machine can address.
    #[error("{what} would have more elements than this machine can address")]
    Overflow {
        /// The tensor whose size overflows.
        what: &'static str,
    },
}
