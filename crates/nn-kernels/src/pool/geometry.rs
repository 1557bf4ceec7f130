use std::ops::{Deref, Range};

use crate::GeometryError;
use crate::conv::{Extent, Padding, Window, addressable, at_least_one};

/// The numbers of a validated pooling, for one image; see [`PoolGeometry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The field's standard names.
pub struct PoolShape {
    pub in_h: usize,
    pub in_w: usize,
    pub channels: usize,
    pub out_h: usize,
    pub out_w: usize,
    pub window_h: usize,
    pub window_w: usize,
    pub stride_h: usize,
    pub stride_w: usize,
    pub pad_top: usize,
    pub pad_left: usize,
}

/// A pooling's geometry, checked once and immutable afterwards; dereferences to [`PoolShape`].
///
/// Every window holds at least one input element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoolGeometry(PoolShape);

impl Deref for PoolGeometry {
    type Target = PoolShape;

    fn deref(&self) -> &PoolShape {
        &self.0
    }
}

impl PoolGeometry {
    /// Checks the arguments, pairs being (height, width), and derives the output size.
    ///
    /// # Errors
    /// [`GeometryError`] says which argument makes the pooling impossible.
    pub fn new(
        input: (usize, usize),
        channels: usize,
        window: (usize, usize),
        stride: (usize, usize),
        padding: Padding,
    ) -> Result<Self, GeometryError> {
        at_least_one("input height", input.0)?;
        at_least_one("input width", input.1)?;
        at_least_one("channels", channels)?;
        at_least_one("window height", window.0)?;
        at_least_one("window width", window.1)?;
        if let Padding::Explicit { top, bottom, left, right } = padding {
            for (padding, window) in
                [(top, window.0), (bottom, window.0), (left, window.1), (right, window.1)]
            {
                if padding >= window {
                    return Err(GeometryError::PaddingTooLarge { padding, window });
                }
            }
        }
        let extent = Window { size: window, stride, dilation: (1, 1) }.slide(input, padding)?;
        let Extent { out_h, out_w, pad_top, pad_left } = extent;
        addressable("the input", &[input.0, input.1, channels])?;
        addressable("the output", &[out_h, out_w, channels])?;
        // The place of a maximum is kept as a 16-bit index into its window.
        if window.0.checked_mul(window.1).is_none_or(|taps| taps > usize::from(u16::MAX) + 1) {
            return Err(GeometryError::Overflow { what: "the pooling window" });
        }
        Ok(Self(PoolShape {
            in_h: input.0,
            in_w: input.1,
            channels,
            out_h,
            out_w,
            window_h: window.0,
            window_w: window.1,
            stride_h: stride.0,
            stride_w: stride.1,
            pad_top,
            pad_left,
        }))
    }

    /// Elements of one input image.
    pub fn input_len(&self) -> usize {
        self.in_h * self.in_w * self.channels
    }

    /// Elements of one output image.
    pub fn output_len(&self) -> usize {
        self.out_h * self.out_w * self.channels
    }

    /// The rows of the windows of output row `oh` that lie inside the image.
    pub(super) fn rows_inside(&self, oh: usize) -> Range<usize> {
        inside(oh * self.stride_h, self.pad_top, self.window_h, self.in_h)
    }

    /// The columns of the windows of output column `ow` that lie inside the image.
    pub(super) fn columns_inside(&self, ow: usize) -> Range<usize> {
        inside(ow * self.stride_w, self.pad_left, self.window_w, self.in_w)
    }
}

/// The part of a window that starts at `start` in a padded axis.
fn inside(start: usize, pad: usize, window: usize, size: usize) -> Range<usize> {
    pad.saturating_sub(start)..window.min(size + pad - start)
}
