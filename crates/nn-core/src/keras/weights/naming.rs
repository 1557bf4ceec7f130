use super::LayerWeights;

/// Whose names a weight file of a published network uses.
///
/// Two different files are called `resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5`; their batch normalisations
/// differ in epsilon, so taking one for the other gives wrong numbers without any error. Names of layers tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// ResNet50 with `res2a_branch2a`, `bn2a_branch2a`, as published with Keras 1 and 2: epsilon 1e-3. Arrays named
    /// `running_std` hold variances.
    ResNet50Branches,
    /// ResNet50 with `conv2_block1_1_conv`, `conv2_block1_1_bn`, of `keras.applications`: epsilon 1.001e-5.
    ResNet50Blocks,
    /// MobileNetV2 with `expanded_conv_depthwise`, `block_1_expand`, of `keras.applications`: epsilon 1e-3.
    MobileNetV2,
}

impl Naming {
    /// The naming of these layers, or None if it is of no known network.
    pub fn of(layers: &[LayerWeights]) -> Option<Self> {
        // A layer early and one late in the network, for a prefix is not the network.
        const KNOWN: [(Naming, [&str; 2]); 3] = [
            (Naming::ResNet50Branches, ["res2a_branch2a", "res5c_branch2c"]),
            (Naming::ResNet50Blocks, ["conv2_block1_1_conv", "conv5_block3_3_conv"]),
            (Naming::MobileNetV2, ["expanded_conv_depthwise", "block_16_project"]),
        ];
        let has = |name: &str| layers.iter().any(|layer| layer.layer == name);
        // Larger ResNets have the same blocks, and more of them.
        let larger =
            has("conv3_block5_1_conv") || has("conv4_block7_1_conv") || has("conv2_block1_preact_bn");
        let known = KNOWN.into_iter().find(|(_, names)| names.iter().all(|name| has(name)));
        known.map(|(naming, _)| naming).filter(|&naming| naming != Self::ResNet50Blocks || !larger)
    }

    /// The epsilon of the network's batch normalisations.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::ResNet50Branches | Self::MobileNetV2 => 1e-3,
            Self::ResNet50Blocks => 1.001e-5,
        }
    }
}
