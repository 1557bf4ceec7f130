//! The convolutions of a network.

use nn_core::error::BuildError;
use nn_core::layer::LayerInfo;
use nn_core::layers::{LayerConfig, Pair};
use nn_core::model::Sequential;
use serde::Deserialize;

use super::{Problem, ProblemError};

/// The part of a `Conv2D`'s configuration, as it is written to files, that shapes do not tell.
#[derive(Deserialize)]
struct Conv2DConfig {
    kernel_size: Pair,
    strides: Pair,
    dilation_rate: Pair,
    groups: usize,
}

/// The convolution of a layer that was built as `info` says; `None` if it is no convolution.
///
/// # Errors
/// If the batch cannot be addressed.
pub fn of_layer(
    config: &LayerConfig,
    info: &LayerInfo,
    batch: usize,
) -> Option<Result<Problem, ProblemError>> {
    if !matches!(config, LayerConfig::Conv2D(_)) {
        return None;
    }
    let mut json = serde_json::to_value(config).expect("a configuration is plain data");
    let conv: Conv2DConfig = serde_json::from_value(json["config"].take()).expect("a Conv2D's configuration");
    let ([ih, iw, ic], [oh, ow, oc]) = (image(&info.input_shape), image(&info.output_shape));
    let Conv2DConfig { kernel_size: k, strides: s, dilation_rate: d, groups } = conv;
    let (dh, dw) = (d.0 - 1, d.1 - 1);
    // Without ph and pw the padding is Keras's: what the output needs, an odd one at the end.
    let text = format!(
        "g{groups}mb{batch}_ic{ic}ih{ih}iw{iw}_oc{oc}oh{oh}ow{ow}_kh{}kw{}_sh{}sw{}_dh{dh}dw{dw}",
        k.0, k.1, s.0, s.1
    );
    Some(text.parse())
}

fn image(shape: &[usize]) -> [usize; 3] {
    shape.try_into().expect("a convolution works on images")
}

/// The convolutions of a network, first to last, each named `network:layer`.
///
/// # Errors
/// If the network cannot be built.
pub fn of_model(label: &str, network: &Sequential, batch: usize) -> Result<Vec<Problem>, BuildError> {
    let built = network.build::<f32>(0)?;
    let layers = network.layers().iter().zip(built.layers());
    let problems = layers.filter_map(|(config, layer)| {
        let mut problem = of_layer(config, layer.info(), batch)?.expect("a layer that was built");
        problem.name = Some(format!("{label}:{}", layer.info().name));
        Some(problem)
    });
    Ok(problems.collect())
}

/// FLOPs of one forward pass of a layer over `batch` samples; of a convolution those of [`Problem::flops`].
pub fn layer_flops(config: &LayerConfig, info: &LayerInfo, batch: usize) -> u64 {
    match of_layer(config, info, batch) {
        Some(problem) => problem.map_or(0, |problem| problem.flops()),
        None => 2 * info.macs * batch as u64,
    }
}
