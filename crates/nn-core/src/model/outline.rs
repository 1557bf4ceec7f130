//! What a network will be, before it takes any memory.

use nn_kernels::Real;

use super::Network;
use crate::error::BuildError;
use crate::layer::{Layer, LayerInfo};
use crate::shape::Shape;

/// What a network will be: every layer with its shapes, its parameters and its cost, without the values of parameters.
///
/// [`Sequential::outline`](super::Sequential::outline) makes it of any description whose sizes can be counted, also where
/// the network itself would not fit into memory.
#[derive(Debug, Clone)]
pub struct Outline {
    /// The network's name.
    pub name: String,
    /// Shape of one input sample.
    pub input_shape: Shape,
    /// The layers, first to last.
    pub layers: Vec<LayerOutline>,
}

/// What a layer will be.
#[derive(Debug, Clone)]
pub struct LayerOutline {
    /// Name, class, shapes and cost.
    pub info: LayerInfo,
    /// Its own parameters, not those of its parts.
    pub params: Vec<ParamOutline>,
    /// The layers that it is made of.
    pub parts: Vec<LayerOutline>,
}

/// What a parameter will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamOutline {
    /// Its name in the layer, such as `kernel`.
    pub name: &'static str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether training changes it by its gradient.
    pub trainable: bool,
}

impl ParamOutline {
    /// Its elements; as many as can be counted if there are more.
    pub fn elements(&self) -> u64 {
        self.shape.iter().fold(1, |product: u64, &axis| product.saturating_mul(axis as u64))
    }
}

impl LayerOutline {
    /// A layer without parts.
    pub(crate) fn new(info: LayerInfo, params: Vec<ParamOutline>) -> Self {
        Self { info, params, parts: Vec::new() }
    }

    fn of<R: Real>(layer: &dyn Layer<R>) -> Self {
        let parts: Vec<_> = layer.parts().into_iter().map(Self::of).collect();
        let own = if parts.is_empty() { layer.params() } else { Vec::new() };
        let params = own.into_iter().map(|param| ParamOutline {
            name: param.name,
            shape: param.value.shape().to_vec(),
            trainable: param.trainable,
        });
        Self { info: layer.info().clone(), params: params.collect(), parts }
    }

    /// The layer behind all of its parts, and theirs: the order of a summary.
    pub fn with_parts(&self) -> Vec<&Self> {
        self.parts.iter().flat_map(Self::with_parts).chain([self]).collect()
    }

    /// Elements of its own parameters.
    pub fn count_params(&self) -> u64 {
        sum(self.params.iter().map(ParamOutline::elements))
    }
}

/// A sum, or the largest number if it is larger.
pub(super) fn sum(terms: impl Iterator<Item = u64>) -> u64 {
    terms.fold(0, u64::saturating_add)
}

impl Outline {
    pub(crate) fn of<R: Real>(network: &Network<R>) -> Self {
        Self {
            name: network.name().into(),
            input_shape: network.input_shape().clone(),
            layers: network.layers().iter().map(|layer| LayerOutline::of(layer.as_ref())).collect(),
        }
    }

    /// Every layer, the parts of residual blocks included, in the order of the summary.
    pub fn layers_and_parts(&self) -> impl Iterator<Item = &LayerOutline> {
        self.layers.iter().flat_map(LayerOutline::with_parts)
    }

    /// Elements of all parameters; as many as can be counted if there are more.
    pub fn count_params(&self) -> u64 {
        sum(self.layers_and_parts().map(LayerOutline::count_params))
    }

    /// Elements of the outputs of all layers for one sample; as many as can be counted if there are more.
    pub fn count_activations(&self) -> u64 {
        sum(self.layers_and_parts().map(|layer| layer.info.output_shape.elements() as u64))
    }

    /// Whether `copies` of the parameters and the outputs of all layers for `samples` samples fit into `memory`.
    ///
    /// # Errors
    /// If they do not; the message names the layer that takes most.
    pub(crate) fn fits<R: Real>(&self, copies: u64, samples: u64, memory: Memory) -> Result<(), BuildError> {
        let size =
            |elements: u64, times: u64| elements.saturating_mul(times).saturating_mul(size_of::<R>() as u64);
        let of_layer = |layer: &LayerOutline| {
            [size(layer.count_params(), copies), size(layer.info.output_shape.elements() as u64, samples)]
        };
        let total = sum(self.layers_and_parts().flat_map(of_layer));
        let most = |layer: &LayerOutline| of_layer(layer).into_iter().max();
        // Of several the first: the others follow from it.
        let largest = self
            .layers_and_parts()
            .reduce(|largest, layer| if most(layer) > most(largest) { layer } else { largest });
        let Some(layer) = largest.filter(|_| total > memory.0) else { return Ok(()) };
        let [params, output] = of_layer(layer);
        let (part, of_part) = if params >= output { ("parameters", params) } else { ("output", output) };
        Err(BuildError::Memory {
            name: layer.info.name.clone(),
            class_name: layer.info.class_name,
            part,
            bytes: of_part,
            total,
            limit: memory.0,
        })
    }
}

/// The most bytes that a network may take: its parameters and the outputs of its layers; in training also gradients and
/// the optimiser's accumulators.
///
/// By default it is the memory of the machine, or of the control group in which the process runs if that is less; 64 GiB
/// where the system does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(pub u64);

impl Default for Memory {
    fn default() -> Self {
        Self(of_machine().unwrap_or(64 << 30))
    }
}

fn of_machine() -> Option<u64> {
    let text = |path: &str| crate::files::read_text(path.as_ref(), 1 << 16).ok();
    let group = || text("/sys/fs/cgroup/memory.max")?.trim().parse::<u64>().ok();
    let all = text("/proc/meminfo")?;
    let kib = all.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim().strip_suffix("kB")?;
    let all = kib.trim().parse::<u64>().ok()?.saturating_mul(1024);
    Some(group().map_or(all, |group| group.min(all)))
}
