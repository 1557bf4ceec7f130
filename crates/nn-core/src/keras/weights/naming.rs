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

    /// The name that `keras.applications` gives to a layer: `res3b_branch2a` is `conv3_block2_1_conv`.
    pub fn layer(self, name: &str) -> String {
        let renamed = if self == Self::ResNet50Branches { block_name(name) } else { None };
        renamed.unwrap_or_else(|| name.into())
    }

    /// The epsilon of the network's batch normalisations.
    pub fn epsilon(self) -> f64 {
        match self {
            Self::ResNet50Branches | Self::MobileNetV2 => 1e-3,
            Self::ResNet50Blocks => 1.001e-5,
        }
    }
}

/// `res3b_branch2a`, `bn3b_branch2a`: stage 3, block b, convolution a of the main branch (2) or of the shortcut (1).
fn block_name(name: &str) -> Option<String> {
    match name {
        "conv1" => return Some("conv1_conv".into()),
        "bn_conv1" => return Some("conv1_bn".into()),
        _ => (),
    }
    let (kind, rest) = match (name.strip_prefix("res"), name.strip_prefix("bn")) {
        (Some(rest), _) => ("conv", rest),
        (_, Some(rest)) => ("bn", rest),
        _ => return None,
    };
    let (place, branch) = rest.split_once("_branch")?;
    let &[stage @ b'2'..=b'5', block @ b'a'..=b'f'] = place.as_bytes() else { return None };
    let part = match branch {
        "1" => 0,
        "2a" => 1,
        "2b" => 2,
        "2c" => 3,
        _ => return None,
    };
    Some(format!("conv{}_block{}_{part}_{kind}", char::from(stage), block - b'a' + 1))
}
