//! One axis of a convolution: padding from what was given, and taps that hit the input.

use super::ProblemError;

/// What is given of one axis; `None` for what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub size: usize,
    pub window: usize,
    pub stride: usize,
    pub dilation: usize,
    pub out: Option<usize>,
    pub pad: Option<usize>,
}

impl Axis {
    /// Zeros before and after the input; `key` is the output's key, for the message.
    pub(super) fn padding(&self, key: &'static str) -> Result<(usize, usize), ProblemError> {
        let Some(out) = self.out else {
            let pad = self.pad.unwrap_or(0);
            return Ok((pad, pad));
        };
        if out == 0 {
            return Err(ProblemError::Zero(key));
        }
        let wide = |number: usize| number as i128;
        let (size, stride) = (wide(self.size), wide(self.stride));
        let span = wide(self.window - 1) * wide(self.dilation) + 1;
        // Zeros in all; negative if the last windows leave a rest of the input unread.
        let total = wide(out - 1) * stride + span - size;
        let before = self.pad.map_or(total.max(0) / 2, wide);
        // Before and after the input there may be as many zeros as a window can reach, or as were given.
        let (least, most) = self.pad.map_or((0, span - 1), |pad| (wide(pad), wide(pad)));
        let largest = (size + most + most.max(span - 1) - span) / stride + 1;
        let smallest = (size + least - span).max(0) / stride + 1;
        if !(smallest..=largest).contains(&wide(out)) {
            return Err(ProblemError::Contradiction { key, given: out, smallest, largest });
        }
        Ok((before as usize, (total - before).max(0) as usize))
    }
}

/// The number of pairs of an output position and a tap that lies on the input and not on padding.
pub(super) fn taps(
    size: usize,
    out: usize,
    window: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
) -> u64 {
    // Tap `k` of output `o` reads position o·stride + k·dilation - pad, which must be in 0..size.
    let outputs_below = |position: usize, k: usize| {
        (position + pad).saturating_sub(k * dilation).div_ceil(stride).min(out) as u64
    };
    (0..window).map(|k| outputs_below(size, k) - outputs_below(0, k)).sum()
}
