//! MobileNetV2 (Sandler et al., 2018), as in `keras.applications`.

use nn_core::layers::{
    BatchNormalization, Conv2D, DepthwiseConv2D, LayerConfig, Padding, ReLU, Residual, ZeroPadding2D,
};
use nn_core::model::Sequential;

use crate::pretrained::{InputTooSmall, Pooling, input_of};

/// Blocks: their filters at width 1, and their strides.
const BLOCKS: [(usize, usize); 17] = [
    (16, 1),
    (24, 2),
    (24, 1),
    (32, 2),
    (32, 1),
    (32, 1),
    (64, 2),
    (64, 1),
    (64, 1),
    (64, 1),
    (96, 1),
    (96, 1),
    (96, 1),
    (160, 2),
    (160, 1),
    (160, 1),
    (320, 1),
];

/// Channels inside a block, as a multiple of those of its input; the first block does not expand.
const EXPANSION: usize = 6;

/// MobileNetV2 of width `alpha` without its classifier: `(h, w, c)` to `(h/32, w/32, 1280)`. 2,257,984 parameters for
/// three channels at width 1, 410,208 at 0.35, named as in Keras.
///
/// Channels are rounded to multiples of 8. The last convolution has 1280 channels, and more only if `alpha` is above 1.
///
/// # Errors
/// If a side of the input is shorter than 32.
pub fn mobilenet_v2(alpha: f64, input: [usize; 3], pooling: Pooling) -> Result<Sequential, InputTooSmall> {
    let [mut h, mut w, _] = input;
    let mut channels = divisible(32.0 * alpha);
    let name = format!("mobilenetv2_{alpha:.2}_{h}");
    let mut network = input_of(&name, input)?
        .add(Conv2D::new(channels, 3).strides(2).padding(Padding::Same).use_bias(false).name("Conv1"))
        .add(norm("bn_Conv1"))
        .add(relu("Conv1_relu"));
    (h, w) = (h.div_ceil(2), w.div_ceil(2));
    for (i, (filters, stride)) in BLOCKS.into_iter().enumerate() {
        // Keras cuts off the fraction before it rounds to a multiple of 8.
        let out = divisible((filters as f64 * alpha).trunc());
        let block = block(i, channels, out, (stride == 2).then_some((h, w)));
        if stride == 1 && channels == out {
            network = network.add(Residual::new(block).name(&format!("block_{i}_add")));
        } else {
            network = block.into_iter().fold(network, Sequential::add);
        }
        (h, w, channels) = (h.div_ceil(stride), w.div_ceil(stride), out);
    }
    let last = if alpha > 1.0 { divisible(1280.0 * alpha) } else { 1280 };
    let network = network.add(pointwise(last, "Conv_1")).add(norm("Conv_1_bn")).add(relu("out_relu"));
    Ok(pooling.append(network, "global_average_pooling2d"))
}

/// Channels of the first layer's output and of the last block's.
pub(crate) fn ends(alpha: f64) -> [usize; 2] {
    let last = BLOCKS[BLOCKS.len() - 1].0;
    [divisible(32.0 * alpha), divisible((last as f64 * alpha).trunc())]
}

/// An inverted residual: 1x1 to more channels, 3x3 depthwise, 1x1 to `out` channels without an activation. `halved` has
/// the size of the image if the block halves it.
fn block(i: usize, channels: usize, out: usize, halved: Option<(usize, usize)>) -> Vec<LayerConfig> {
    let part =
        |part: &str| if i == 0 { format!("expanded_conv_{part}") } else { format!("block_{i}_{part}") };
    let mut block = Vec::new();
    if i > 0 {
        block.extend([
            pointwise(EXPANSION * channels, &part("expand")),
            norm(&part("expand_BN")),
            relu(&part("expand_relu")),
        ]);
    }
    let mut depthwise = DepthwiseConv2D::new(3).use_bias(false).padding(Padding::Same);
    if let Some((h, w)) = halved {
        // As the padding of a stride of 1, but less by one in front where the size is even.
        let sides = ((h % 2, 1), (w % 2, 1));
        block.push(ZeroPadding2D::new(sides).name(&part("pad")).into());
        depthwise = depthwise.strides(2).padding(Padding::Valid);
    }
    block.extend([
        depthwise.name(&part("depthwise")).into(),
        norm(&part("depthwise_BN")),
        relu(&part("depthwise_relu")),
        pointwise(out, &part("project")),
        norm(&part("project_BN")),
    ]);
    block
}

fn pointwise(filters: usize, name: &str) -> LayerConfig {
    Conv2D::new(filters, 1).padding(Padding::Same).use_bias(false).name(name).into()
}

fn norm(name: &str) -> LayerConfig {
    BatchNormalization::new().momentum(0.999).name(name).into()
}

fn relu(name: &str) -> LayerConfig {
    ReLU::new().max_value(6.0).name(name).into()
}

/// The multiple of 8 nearest to `channels`, at least 8, and not more than a tenth below it.
fn divisible(channels: f64) -> usize {
    let nearest = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * channels { nearest + 8 } else { nearest }
}
