use std::ops::Range;

use crate::conv::ConvGeometry;

/// Height or width of a convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    input: usize,
    output: usize,
    taps: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
}

impl Axis {
    pub fn vertical(g: &ConvGeometry) -> Self {
        let (stride, dilation) = (g.stride_h, g.dilation_h);
        Self { input: g.in_h, output: g.out_h, taps: g.kh, stride, dilation, pad: g.pad_top }
    }

    pub fn horizontal(g: &ConvGeometry) -> Self {
        let (stride, dilation) = (g.stride_w, g.dilation_w);
        Self { input: g.in_w, output: g.out_w, taps: g.kw, stride, dilation, pad: g.pad_left }
    }

    /// The taps of an output position that lie inside the input (`forward`), or those that output positions have
    /// on an input position: pairs of the tap and the position on the other side.
    pub fn sources(self, forward: bool, position: usize) -> impl Iterator<Item = (usize, usize)> {
        let source = move |tap| {
            if forward { self.input_under(position, tap) } else { self.output_over(position, tap) }
        };
        (0..self.taps).filter_map(move |tap| Some((tap, source(tap)?)))
    }

    /// The input position under a tap of an output position, unless it is padding.
    pub fn input_under(&self, output: usize, tap: usize) -> Option<usize> {
        // Negative positions wrap to huge ones, which are outside as well.
        let position = (output * self.stride + tap * self.dilation).wrapping_sub(self.pad);
        (position < self.input).then_some(position)
    }

    /// The output position that has a tap on an input position, if there is one.
    fn output_over(&self, input: usize, tap: usize) -> Option<usize> {
        let distance = (input + self.pad).checked_sub(tap * self.dilation)?;
        let output = distance / self.stride;
        (distance % self.stride == 0 && output < self.output).then_some(output)
    }

    /// The output positions that have this tap inside the input.
    pub fn outputs_inside(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let first = self.pad.saturating_sub(offset).div_ceil(self.stride);
        let end = (self.input + self.pad).saturating_sub(offset).div_ceil(self.stride).min(self.output);
        first.min(end)..end
    }
}
