//! Shapes and numbers of parameters, from the configuration alone: what a network will need is known before any of it
//! is allocated.

use std::path::Path;

use super::{Chain, LayerKind, Step};
use crate::keras::KerasError;
use crate::layers::Padding;

impl LayerKind {
    /// The shape that such a layer makes of a sample; None if it has none, or none that can be counted.
    fn output_shape(&self, input: &[usize]) -> Option<Vec<usize>> {
        let (&channels, sides) = input.split_last()?;
        let slid = |window: [usize; 2], strides: [usize; 2], dilation: [usize; 2], padding, channels| {
            let &[height, width] = sides else { return None };
            let side = |size: usize, axis: usize| match padding {
                Padding::Same => Some(size.div_ceil(strides[axis])),
                Padding::Valid => {
                    let span = window[axis].checked_sub(1)?.checked_mul(dilation[axis])?.checked_add(1)?;
                    Some(size.checked_sub(span)? / strides[axis] + 1)
                }
            };
            Some(vec![side(height, 0)?, side(width, 1)?, channels])
        };
        match *self {
            Self::Dense { units, .. } => Some([sides, &[units]].concat()),
            Self::Conv2D { filters, kernel_size, strides, padding, dilation_rate, .. }
            | Self::SeparableConv2D { filters, kernel_size, strides, padding, dilation_rate, .. } => {
                slid(kernel_size, strides, dilation_rate, padding, filters)
            }
            Self::DepthwiseConv2D {
                kernel_size, strides, padding, dilation_rate, depth_multiplier, ..
            } => {
                let channels = channels.checked_mul(depth_multiplier)?;
                slid(kernel_size, strides, dilation_rate, padding, channels)
            }
            Self::MaxPooling2D { pool_size, strides, padding }
            | Self::AveragePooling2D { pool_size, strides, padding } => {
                slid(pool_size, strides, [1, 1], padding, channels)
            }
            Self::GlobalAveragePooling2D { keepdims: true } => Some(vec![1, 1, channels]),
            Self::GlobalAveragePooling2D { keepdims: false } => Some(vec![channels]),
            Self::Flatten => {
                Some(vec![input.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))?])
            }
            Self::ZeroPadding2D { padding: [[top, bottom], [left, right]] } => {
                let &[height, width] = sides else { return None };
                let height = height.checked_add(top)?.checked_add(bottom)?;
                Some(vec![height, width.checked_add(left)?.checked_add(right)?, channels])
            }
            _ => Some(input.to_vec()),
        }
    }

    /// The elements of all arrays of such a layer that gets samples with so many channels; saturating.
    fn params(&self, channels: usize) -> usize {
        // What stands for the axis of an array that the arguments alone do not tell.
        let axis_of = |array: &str| match (self, array) {
            (Self::Conv2D { groups, .. }, _) => channels / groups,
            (Self::DepthwiseConv2D { depth_multiplier, .. }, "bias")
            | (Self::SeparableConv2D { depth_multiplier, .. }, "pointwise_kernel") => {
                channels.saturating_mul(*depth_multiplier)
            }
            _ => channels,
        };
        let elements = |(name, shape): (&str, Vec<Option<usize>>)| {
            let axes = shape.into_iter().map(|axis| axis.unwrap_or_else(|| axis_of(name)));
            axes.fold(1, usize::saturating_mul)
        };
        self.arrays().into_iter().map(elements).fold(0, usize::saturating_add)
    }
}

/// The elements of all arrays of a chain's layers for samples of shape `shape`, which becomes the output's; saturating.
/// Stops at a layer that cannot get such an input: there the chain cannot be built.
pub(in crate::keras) fn count_params(chain: &Chain, shape: &mut Option<Vec<usize>>) -> usize {
    let mut count = 0usize;
    for step in chain {
        let Some(input) = shape.take() else { break };
        let params = match step {
            Step::Layer(layer) => {
                *shape = layer.kind.output_shape(&input);
                layer.kind.params(input.last().copied().unwrap_or(0))
            }
            Step::Residual { main, shortcut, .. } => {
                let mut other = Some(input.clone());
                *shape = Some(input);
                count_params(main, shape).saturating_add(count_params(shortcut, &mut other))
            }
        };
        count = count.saturating_add(params);
    }
    count
}

/// Refuses a layer of a chain that works along another axis than the last one. `rank` is the number of axes of a sample
/// and becomes that of the output. `path` is for messages.
pub(in crate::keras) fn check_axes(chain: &Chain, rank: &mut usize, path: &Path) -> Result<(), KerasError> {
    for step in chain {
        match step {
            Step::Layer(layer) => {
                // The batch comes before a sample's axes, so the number of the last one is the rank.
                if layer.axis != -1 && usize::try_from(layer.axis) != Ok(*rank) {
                    let problem = format!(
                        "axis = {}: expected the last axis, -1 or {rank}; {} along another one is not supported",
                        layer.axis, layer.class
                    );
                    return Err(KerasError::layer(path, &layer.name, problem));
                }
                match layer.kind {
                    LayerKind::Flatten | LayerKind::GlobalAveragePooling2D { keepdims: false } => *rank = 1,
                    _ => {}
                }
            }
            Step::Residual { main, shortcut, .. } => {
                let mut other = *rank;
                check_axes(main, rank, path)?;
                check_axes(shortcut, &mut other, path)?;
            }
        }
    }
    Ok(())
}
