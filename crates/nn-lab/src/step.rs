//! A training step and a prediction of a whole network, on random images.

use anyhow::Context as _;
use nn_core::layer::Layer;
use nn_core::layers::LayerConfig;
use nn_core::loss::Loss;
use nn_core::model::Network;
use nn_core::optim::Adam;
use nn_core::train::{Targets, Trainer};
use nn_core::{Context, Tensor, tensor};
use nn_kernels::isa::Isa;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};

use crate::layers::Split;
use crate::machine::peak_rss_mb;
use crate::memory;
use crate::models::Model;
use crate::peak::PeakPair;
use crate::problem::layer_flops;
use crate::random;
use crate::timing::{Budget, Samples, repeat, time};

/// What was measured of a network. Times are in milliseconds, for the whole batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The network's name.
    pub model: String,
    /// Its number of parameters.
    pub params: usize,
    /// Images.
    pub batch: usize,
    /// Threads.
    pub threads: usize,
    /// Instruction set.
    pub isa: String,
    /// Median of a step: forward, loss, backward, Adam.
    pub step_ms: f64,
    /// Shortest step.
    pub step_ms_min: f64,
    /// Median of a prediction.
    pub infer_ms: f64,
    /// Rate of the median step: convolutions and dense layers in all directions that it needs.
    pub gflops: f64,
    /// Measured ceiling of the same instruction set and threads.
    pub peak_gflops: f64,
    /// Largest resident memory of the process, in MiB, before any layer was looked at alone.
    pub peak_rss_mb: Option<f64>,
    /// The peak before and after.
    pub peak: PeakPair,
    /// Every step.
    pub step_samples_ms: Vec<f64>,
    /// Every prediction.
    pub infer_samples_ms: Vec<f64>,
    /// Where the time goes, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Split>,
}

/// A network with a batch of random images and classes.
#[derive(Debug)]
pub struct StepBench {
    pub(crate) network: Network<f32>,
    pub(crate) configs: Vec<LayerConfig>,
    pub(crate) x: Tensor<f32>,
    pub(crate) targets: Targets<f32>,
}

impl StepBench {
    /// Builds the network and draws the images.
    ///
    /// # Errors
    /// If the network cannot be built, or the batch is too large for this machine.
    pub fn new(model: &Model, batch: usize) -> anyhow::Result<Self> {
        let network = model.network.build::<f32>(0)?;
        memory::check(bytes(&network, batch)).with_context(|| format!("{}, batch {batch}", model.name))?;
        let shape = network.input_shape().batch(batch);
        let x = tensor(&shape, random::numbers(1, shape.iter().product()));
        let targets = Targets::Classes((0..batch).map(|i| i % nn_zoo::CLASSES).collect());
        Ok(Self { network, configs: model.network.layers().to_vec(), x, targets })
    }

    /// Images.
    pub fn batch(&self) -> usize {
        self.x.shape()[0]
    }

    /// Samples of training steps, by the engine's own trainer.
    ///
    /// # Errors
    /// If the loss does not fit the network.
    pub fn steps(&mut self, budget: &Budget) -> anyhow::Result<Samples> {
        let Self { network, x, targets, .. } = self;
        let mut trainer = Trainer::new(network, loss(), Adam::default())?;
        Ok(repeat(budget, || time(|| trainer.step(x, targets, None))))
    }

    /// Samples of predictions.
    pub fn inferences(&self, budget: &Budget) -> Samples {
        let mut ctx = Context::new(0);
        repeat(budget, || {
            let mut y = None;
            let elapsed = time(|| y = Some(self.network.infer(&self.x, &mut ctx)));
            y.into_iter().for_each(|y| ctx.recycle(y));
            elapsed
        })
    }

    /// FLOPs of a step: for each convolution and dense layer one product forward and two backward, but one for
    /// the first layer with parameters, whose input needs no gradient.
    pub fn flops(&self) -> u64 {
        (0..self.configs.len()).map(|i| self.forward_flops(i) + self.backward_flops(i)).sum()
    }

    /// FLOPs of layer `i`'s forward pass.
    pub fn forward_flops(&self, i: usize) -> u64 {
        layer_flops(&self.configs[i], self.layer(i).info(), self.batch())
    }

    /// FLOPs of layer `i`'s backward pass in a step.
    pub fn backward_flops(&self, i: usize) -> u64 {
        let products =
            u64::from(!self.layer(i).params().is_empty()) + u64::from(self.needs_input_gradient(i));
        self.forward_flops(i) * products
    }

    /// Whether a step needs the gradient of layer `i`'s input: only if there is something to train before it.
    pub(crate) fn needs_input_gradient(&self, i: usize) -> bool {
        self.network.layers()[..i].iter().any(|layer| layer.params().iter().any(|p| p.trainable))
    }

    fn layer(&self, i: usize) -> &dyn Layer<f32> {
        self.network.layers()[i].as_ref()
    }
}

/// Bytes that a step takes at least: parameters with gradients and two moments, the images, and what each layer makes of
/// them.
fn bytes(network: &Network<f32>, batch: usize) -> u64 {
    let outputs = network.layers().iter().map(|layer| layer.info().output_shape.elements());
    let elements = network.input_shape().elements() + outputs.sum::<usize>();
    size_of::<f32>() as u64 * (4 * network.count_params() as u64 + batch as u64 * elements as u64)
}

/// The loss of all steps.
pub(crate) fn loss() -> Loss {
    Loss::categorical_crossentropy()
}

/// Measures a network on the threads of `pool`; `split` also asks where the time goes.
///
/// # Errors
/// If the network cannot be built or trained.
pub fn measure(
    model: &Model,
    batch: usize,
    pool: &ThreadPool,
    isa: Isa,
    budget: &Budget,
    split: bool,
) -> anyhow::Result<StepReport> {
    let mut bench = StepBench::new(model, batch)?;
    let (peak, measured) = PeakPair::around(pool, isa, || {
        pool.install(|| {
            isa.scope(|| {
                let steps = bench.steps(budget)?;
                let inferences = bench.inferences(budget);
                let memory = peak_rss_mb();
                let layers = split.then(|| Split::measure(&mut bench, &steps, budget)).transpose()?;
                anyhow::Ok((steps, inferences, memory, layers))
            })
        })
    });
    let (steps, inferences, memory, layers) = measured?;
    Ok(StepReport {
        model: model.name.clone(),
        params: bench.network.count_params(),
        batch,
        threads: pool.current_num_threads(),
        isa: isa.to_string(),
        step_ms: steps.median(),
        step_ms_min: steps.min(),
        infer_ms: inferences.median(),
        gflops: bench.flops() as f64 / steps.median() / 1e6,
        peak_gflops: peak.gflops(),
        peak_rss_mb: memory,
        peak,
        step_samples_ms: steps.0,
        infer_samples_ms: inferences.0,
        layers,
    })
}
