use std::ops::Deref;

use crate::GeometryError;

/// Zeros around the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Padding {
    /// None: the window stays inside the input.
    #[default]
    Valid,
    /// As much as gives `out = ceil(in / stride)`. An odd total puts the extra row or column at the **end**
    /// (bottom, right), as Keras does; other libraries differ.
    Same,
    /// The given number of rows and columns on each side.
    Explicit {
        /// Rows above.
        top: usize,
        /// Rows below.
        bottom: usize,
        /// Columns to the left.
        left: usize,
        /// Columns to the right.
        right: usize,
    },
}

/// What a convolution is asked to be, before it is checked. Pairs are (height, width).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    /// Rows and columns of one input image.
    pub input: (usize, usize),
    /// Input channels.
    pub in_c: usize,
    /// Output channels.
    pub out_c: usize,
    /// Rows and columns of the kernel.
    pub kernel: (usize, usize),
    /// Steps of the window.
    pub stride: (usize, usize),
    /// Zeros around the input.
    pub padding: Padding,
    /// Distance between neighbouring taps; 1 is dense.
    pub dilation: (usize, usize),
    /// Number of independent channel groups.
    pub groups: usize,
}

impl ConvSpec {
    /// A dense convolution with stride 1, no padding and one group.
    pub fn new(input: (usize, usize), in_c: usize, out_c: usize, kernel: (usize, usize)) -> Self {
        Self {
            input,
            in_c,
            out_c,
            kernel,
            stride: (1, 1),
            padding: Padding::Valid,
            dilation: (1, 1),
            groups: 1,
        }
    }
}

/// The numbers of a validated convolution, for one image; see [`ConvGeometry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The field's standard names; the module's formula uses each of them.
pub struct ConvShape {
    pub in_h: usize,
    pub in_w: usize,
    pub in_c: usize,
    pub out_h: usize,
    pub out_w: usize,
    pub out_c: usize,
    pub kh: usize,
    pub kw: usize,
    pub stride_h: usize,
    pub stride_w: usize,
    pub dilation_h: usize,
    pub dilation_w: usize,
    pub pad_top: usize,
    pub pad_left: usize,
    pub groups: usize,
}

/// A convolution's geometry, checked once and immutable afterwards.
///
/// It dereferences to [`ConvShape`]. Whoever holds a `ConvGeometry` knows that every size is at least 1, that
/// the window fits, that the groups divide both channel counts and that one image's input, output, weight and
/// column matrix can be addressed. The batch size is not part of it: it follows from the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvGeometry(ConvShape);

impl Deref for ConvGeometry {
    type Target = ConvShape;

    fn deref(&self) -> &ConvShape {
        &self.0
    }
}

impl ConvGeometry {
    /// Checks `spec` and derives the output size and the padding.
    ///
    /// # Errors
    /// [`GeometryError`] says which argument makes the convolution impossible.
    pub fn new(spec: &ConvSpec) -> Result<Self, GeometryError> {
        for (what, value) in [
            ("input height", spec.input.0),
            ("input width", spec.input.1),
            ("input channels", spec.in_c),
            ("output channels (filters)", spec.out_c),
            ("groups", spec.groups),
        ] {
            at_least_one(what, value)?;
        }
        for (what, channels) in [("input channels", spec.in_c), ("output channels", spec.out_c)] {
            if channels % spec.groups != 0 {
                return Err(GeometryError::Groups { what, channels, groups: spec.groups });
            }
        }
        let window = Window { size: spec.kernel, stride: spec.stride, dilation: spec.dilation };
        let Extent { out_h, out_w, pad_top, pad_left } = window.slide(spec.input, spec.padding)?;
        let geometry = Self(ConvShape {
            in_h: spec.input.0,
            in_w: spec.input.1,
            in_c: spec.in_c,
            out_h,
            out_w,
            out_c: spec.out_c,
            kh: spec.kernel.0,
            kw: spec.kernel.1,
            stride_h: spec.stride.0,
            stride_w: spec.stride.1,
            dilation_h: spec.dilation.0,
            dilation_w: spec.dilation.1,
            pad_top,
            pad_left,
            groups: spec.groups,
        });
        let g = &geometry.0;
        for (what, sizes) in [
            ("the input", [g.in_h, g.in_w, g.in_c, 1, 1]),
            ("the output", [g.out_h, g.out_w, g.out_c, 1, 1]),
            ("the weight", [g.kh, g.kw, g.in_c, g.out_c, 1]),
            ("the column matrix", [g.out_h, g.out_w, g.kh, g.kw, g.in_c]),
        ] {
            addressable(what, &sizes)?;
        }
        Ok(geometry)
    }

    /// Elements of one input image, `in_h·in_w·in_c`.
    pub fn input_len(&self) -> usize {
        self.in_h * self.in_w * self.in_c
    }

    /// Elements of one output image, `out_h·out_w·out_c`.
    pub fn output_len(&self) -> usize {
        self.out_h * self.out_w * self.out_c
    }

    /// Elements of the weight, `kh·kw·(in_c / groups)·out_c`.
    pub fn weight_len(&self) -> usize {
        self.patch_len() * self.out_c
    }

    /// The same convolution with fewer channels.
    ///
    /// # Panics
    /// If the groups do not divide the channels, or there are more than before: that would have to be checked anew.
    #[must_use]
    pub fn with_channels(self, in_c: usize, out_c: usize) -> Self {
        let fits = |channels: usize, before: usize| {
            (self.groups..=before).contains(&channels) && channels.is_multiple_of(self.groups)
        };
        assert!(fits(in_c, self.in_c) && fits(out_c, self.out_c), "channels {in_c} and {out_c} of {self:?}");
        Self(ConvShape { in_c, out_c, ..self.0 })
    }

    /// Weights that meet in one output element, `kh·kw·(in_c / groups)`: the depth `k` of the GEMM.
    pub fn patch_len(&self) -> usize {
        self.kh * self.kw * self.in_c / self.groups
    }

    /// Multiply-adds of one forward pass over one image, taps on padding included; `u64::MAX` if there are more.
    pub fn macs(&self) -> u64 {
        (self.output_len() as u64).saturating_mul(self.patch_len() as u64)
    }
}

/// A sliding window, as (height, width).
pub(crate) struct Window {
    pub size: (usize, usize),
    pub stride: (usize, usize),
    pub dilation: (usize, usize),
}

/// Where a [`Window`] goes on an input: output size and leading padding.
pub(crate) struct Extent {
    pub out_h: usize,
    pub out_w: usize,
    pub pad_top: usize,
    pub pad_left: usize,
}

impl Window {
    /// Slides the window over an input of the given height and width.
    ///
    /// # Errors
    /// If a size is zero, the window does not fit, or the arithmetic overflows.
    pub(crate) fn slide(&self, input: (usize, usize), padding: Padding) -> Result<Extent, GeometryError> {
        for (what, value) in [
            ("kernel height", self.size.0),
            ("kernel width", self.size.1),
            ("vertical stride", self.stride.0),
            ("horizontal stride", self.stride.1),
            ("vertical dilation", self.dilation.0),
            ("horizontal dilation", self.dilation.1),
        ] {
            at_least_one(what, value)?;
        }
        let overflow = GeometryError::Overflow { what: "the padded input" };
        // Taps with `dilation - 1` skipped positions between neighbours.
        let span = |size: usize, dilation: usize| (size - 1).checked_mul(dilation)?.checked_add(1);
        let window = span(self.size.0, self.dilation.0)
            .zip(span(self.size.1, self.dilation.1))
            .ok_or(overflow.clone())?;
        let (vertical, horizontal) = match padding {
            Padding::Valid => ((0, 0), (0, 0)),
            Padding::Same => (
                same_padding(input.0, window.0, self.stride.0).ok_or(overflow.clone())?,
                same_padding(input.1, window.1, self.stride.1).ok_or(overflow.clone())?,
            ),
            Padding::Explicit { top, bottom, left, right } => ((top, bottom), (left, right)),
        };
        // Positions are signed: they start at minus the padding.
        let padded = |size: usize, pad: (usize, usize)| {
            size.checked_add(pad.0)?.checked_add(pad.1).filter(|&sum| isize::try_from(sum).is_ok())
        };
        let padded = padded(input.0, vertical).zip(padded(input.1, horizontal)).ok_or(overflow)?;
        if window.0 > padded.0 || window.1 > padded.1 {
            return Err(GeometryError::WindowTooLarge { window, input: padded });
        }
        Ok(Extent {
            out_h: (padded.0 - window.0) / self.stride.0 + 1,
            out_w: (padded.1 - window.1) / self.stride.1 + 1,
            pad_top: vertical.0,
            pad_left: horizontal.0,
        })
    }
}

/// Zeros (before, after) such that `out = ceil(size / stride)`; `None` if the arithmetic overflows.
fn same_padding(size: usize, window: usize, stride: usize) -> Option<(usize, usize)> {
    let out = size.div_ceil(stride);
    let total = ((out - 1).checked_mul(stride)?.checked_add(window)?).saturating_sub(size);
    Some((total / 2, total - total / 2))
}

pub(crate) fn at_least_one(what: &'static str, value: usize) -> Result<(), GeometryError> {
    if value == 0 { Err(GeometryError::Zero { what }) } else { Ok(()) }
}

/// Rust allows no object of more than `isize::MAX` bytes; elements have at most 8.
pub(crate) fn addressable(what: &'static str, sizes: &[usize]) -> Result<(), GeometryError> {
    sizes
        .iter()
        .try_fold(8usize, |product, &size| product.checked_mul(size))
        .filter(|&bytes| isize::try_from(bytes).is_ok())
        .map(|_| ())
        .ok_or(GeometryError::Overflow { what })
}
