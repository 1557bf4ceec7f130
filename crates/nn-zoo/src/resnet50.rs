//! ResNet50 (He et al., 2016), as in `keras.applications`.

use nn_core::keras::weights::Naming;
use nn_core::layers::{
    Activation, ActivationFn, BatchNormalization, Conv2D, LayerConfig, MaxPooling2D, Padding, Residual,
    ZeroPadding2D,
};
use nn_core::model::Sequential;

use crate::pretrained::{InputTooSmall, Pooling, input_of};

/// Stages: their names, filters inside a block, number of blocks, and stride of the first one.
const STAGES: [(&str, usize, usize, usize); 4] =
    [("conv2", 64, 3, 1), ("conv3", 128, 4, 2), ("conv4", 256, 6, 2), ("conv5", 512, 3, 2)];

/// ResNet50 without its classifier: `(h, w, c)` to `(h/32, w/32, 2048)`. 23,587,712 parameters for three channels, named
/// as in Keras.
///
/// # Errors
/// If a side of the input is shorter than 32.
pub fn resnet50(input: [usize; 3], pooling: Pooling) -> Result<Sequential, InputTooSmall> {
    with_epsilon(Naming::ResNet50Blocks.epsilon(), input, pooling)
}

/// [`resnet50`] with another epsilon in its batch normalisations, as the weights of Keras 1 and 2 want.
pub(crate) fn with_epsilon(
    epsilon: f64,
    input: [usize; 3],
    pooling: Pooling,
) -> Result<Sequential, InputTooSmall> {
    let norm = |name: &str| LayerConfig::from(BatchNormalization::new().epsilon(epsilon).name(name));
    let mut network = input_of("resnet50", input)?
        .add(ZeroPadding2D::new(3).name("conv1_pad"))
        .add(Conv2D::new(64, 7).strides(2).name("conv1_conv"))
        .add(norm("conv1_bn"))
        .add(relu("conv1_relu"))
        .add(ZeroPadding2D::new(1).name("pool1_pad"))
        .add(MaxPooling2D::new(3).strides(2).name("pool1_pool"));
    for (stage, filters, blocks, stride) in STAGES {
        for i in 1..=blocks {
            let name = format!("{stage}_block{i}");
            let projection = (i == 1).then_some(stride);
            network = network.add(block(&name, filters, projection, &norm)).add(relu(&format!("{name}_out")));
        }
    }
    Ok(pooling.append(network, "avg_pool"))
}

/// A bottleneck: 1x1 to `filters` channels, 3x3, 1x1 to four times as many. A block that changes the shape has a
/// projection as its shortcut, and the stride of its first convolution.
fn block(
    name: &str,
    filters: usize,
    projection: Option<usize>,
    norm: &impl Fn(&str) -> LayerConfig,
) -> Residual {
    let part = |part: &str| format!("{name}_{part}");
    let stride = projection.unwrap_or(1);
    let main: [LayerConfig; 8] = [
        Conv2D::new(filters, 1).strides(stride).name(&part("1_conv")).into(),
        norm(&part("1_bn")),
        relu(&part("1_relu")),
        Conv2D::new(filters, 3).padding(Padding::Same).name(&part("2_conv")).into(),
        norm(&part("2_bn")),
        relu(&part("2_relu")),
        Conv2D::new(4 * filters, 1).name(&part("3_conv")).into(),
        norm(&part("3_bn")),
    ];
    let block = Residual::new(main).name(&part("add"));
    if projection.is_none() {
        return block;
    }
    block.shortcut([
        Conv2D::new(4 * filters, 1).strides(stride).name(&part("0_conv")).into(),
        norm(&part("0_bn")),
    ])
}

fn relu(name: &str) -> LayerConfig {
    Activation::new(ActivationFn::Relu).name(name).into()
}
