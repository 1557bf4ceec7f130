//! Where a training step's time goes: by layer and direction, in the model and isolated.
//!
//! *In the model*: a whole step is made from the public parts of a network, layer after layer on the whole
//! batch, with a look at the clock between them. *Isolated*: each layer alone in a loop, on random input.

use std::time::{Duration, Instant};

use ndarray::ArrayD;
use nn_core::layer::{Gradients, Layer};
use nn_core::optim::{Adam, Optimizer};
use nn_core::{Context, Tensor, tensor};
use serde::{Deserialize, Serialize};

use crate::random;
use crate::step::{StepBench, loss};
use crate::timing::{Budget, Samples, repeat, time};

/// One pass of one layer. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The layer's name.
    pub layer: String,
    /// Which pass.
    pub pass: Pass,
    /// FLOPs of convolution or dense products; 0 for other layers.
    pub flops: u64,
    /// Its time in a step; `None` for a part of a backward pass, which a step does not run alone.
    pub in_model_ms: Option<f64>,
    /// Its median time alone.
    pub isolated_ms: f64,
}

/// A pass of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// The training forward pass.
    Forward,
    /// The backward pass as a step runs it.
    Backward,
    /// The backward pass, gradients of the parameters alone.
    BackwardWeight,
    /// The backward pass, gradient of the input alone.
    BackwardInput,
}

impl Pass {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "fwd",
            Self::Backward => "bwd",
            Self::BackwardWeight => "- bwd_w",
            Self::BackwardInput => "- bwd_d",
        }
    }
}

/// A step taken apart. Times are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The layers' passes.
    pub rows: Vec<Row>,
    /// What a step does besides.
    pub other: Vec<(String, f64)>,
    /// The step that was taken apart: the times in the model and the others add up to it.
    pub total_ms: f64,
    /// Median of the trainer's own steps minus that.
    pub rest_ms: f64,
}

impl Split {
    /// Takes steps apart, tells of the one of median length, and times each layer alone. `steps` are those of
    /// the trainer.
    ///
    /// # Errors
    /// If the optimiser cannot be made.
    pub fn measure(bench: &mut StepBench, steps: &Samples, budget: &Budget) -> anyhow::Result<Self> {
        let mut traces = Vec::new();
        let mut stepper = Stepper {
            optimizer: Optimizer::new(Adam::default())?,
            gradients: bench.network.zero_gradients(),
            ctx: Context::new(0),
        };
        // The warm-up's traces come first and are not looked at.
        let timed = repeat(budget, || {
            traces.push(stepper.step(bench));
            traces[traces.len() - 1].total
        });
        let mut traces = traces.split_off(traces.len() - timed.0.len());
        drop(stepper);
        traces.sort_by_key(|trace| trace.total);
        let trace = traces.swap_remove((traces.len() - 1) / 2);

        let ms = |duration: Duration| 1e3 * duration.as_secs_f64();
        let alone = Budget { time: budget.time / 10, min_reps: 3, ..*budget };
        let mut rows = Vec::new();
        for (i, layer) in bench.network.layers().iter().enumerate() {
            let mut isolated = Isolated::new(layer.as_ref(), bench.batch());
            let row = |pass, flops, in_model: Option<Duration>, isolated: Samples| Row {
                layer: layer.info().name.clone(),
                pass,
                flops,
                in_model_ms: in_model.map(ms),
                isolated_ms: isolated.median(),
            };
            let (forward, backward) = (bench.forward_flops(i), bench.backward_flops(i));
            rows.push(row(Pass::Forward, forward, Some(trace.forward[i]), isolated.forward(&alone)));
            let wants = bench.needs_input_gradient(i);
            let has_params = !layer.params().is_empty();
            if !wants && !has_params {
                continue;
            }
            let in_model = Some(trace.backward[i]);
            rows.push(row(Pass::Backward, backward, in_model, isolated.backward(&alone, wants, true)));
            if wants && has_params {
                let weight = isolated.backward(&alone, false, true);
                rows.push(row(Pass::BackwardWeight, forward, None, weight));
                let input = isolated.backward(&alone, true, false);
                rows.push(row(Pass::BackwardInput, forward, None, input));
            }
        }
        let total_ms = ms(trace.total);
        Ok(Self {
            rows,
            other: trace.other.map(|(what, time)| (what.into(), ms(time))).into(),
            total_ms,
            rest_ms: steps.median() - total_ms,
        })
    }

    /// The sum of all times in the model.
    pub fn sum_ms(&self) -> f64 {
        let layers: f64 = self.rows.iter().filter_map(|row| row.in_model_ms).sum();
        layers + self.other.iter().map(|(_, ms)| ms).sum::<f64>()
    }
}

/// What training keeps from step to step.
struct Stepper {
    optimizer: Optimizer<f32>,
    gradients: Vec<Vec<Option<ArrayD<f32>>>>,
    ctx: Context<f32>,
}

/// The times of one step.
struct Trace {
    forward: Vec<Duration>,
    backward: Vec<Duration>,
    other: [(&'static str, Duration); 4],
    total: Duration,
}

impl Stepper {
    /// The step of `nn_core::train::Trainer`, part by part.
    fn step(&mut self, bench: &mut StepBench) -> Trace {
        let Self { optimizer, gradients, ctx } = self;
        let StepBench { network, x, targets, .. } = bench;
        let start = Instant::now();
        let mut last = start;
        let mut lap = || {
            let now = Instant::now();
            now - std::mem::replace(&mut last, now)
        };
        gradients.iter_mut().flatten().flatten().for_each(|gradient| gradient.fill(0.0));
        let clear = lap();
        let (mut forward, mut caches) = (Vec::new(), Vec::new());
        let mut output = x.clone();
        for layer in network.layers() {
            let (next, cache) = layer.forward(&output, ctx);
            ctx.recycle(std::mem::replace(&mut output, next));
            caches.push(cache);
            forward.push(lap());
        }
        let mut dy = ctx.buffer(output.shape());
        loss().value_and_gradient(&output, targets, None, &mut dy);
        ctx.recycle(output);
        let loss = lap();
        let mut starts = vec![None; caches.len()];
        network.backward(dy, caches, gradients, false, ctx, |i, _| starts[i] = Some(lap()));
        let mut backward = vec![Duration::ZERO; starts.len()];
        // The tap sees the last layer first; what a layer took is known when the one before it begins.
        let mut running = None;
        for (i, between) in starts.into_iter().enumerate().rev() {
            let Some(between) = between else { break };
            if let Some(previous) = running.replace(i) {
                backward[previous] = between;
            }
        }
        if let Some(previous) = running {
            backward[previous] = lap();
        }
        network.penalty();
        network.add_penalty_gradients(gradients);
        let penalty = lap();
        optimizer.step(network.params_mut().zip(gradients.iter().flatten().map(Option::as_ref)));
        let update = lap();
        let other = [("clear gradients", clear), ("loss", loss), ("penalties", penalty), ("update", update)];
        Trace { forward, backward, other, total: last - start }
    }
}

/// A layer alone, with random input.
struct Isolated<'a> {
    layer: &'a dyn Layer<f32>,
    x: Tensor<f32>,
    dy: Tensor<f32>,
    gradients: Vec<Option<ArrayD<f32>>>,
    ctx: Context<f32>,
}

impl<'a> Isolated<'a> {
    fn new(layer: &'a dyn Layer<f32>, batch: usize) -> Self {
        let info = layer.info();
        let (x, dy) = (info.input_shape.batch(batch), info.output_shape.batch(batch));
        let random = |seed, shape: &[usize]| tensor(shape, random::numbers(seed, shape.iter().product()));
        let zeros = |param: &nn_core::layer::Param<f32>| Some(ArrayD::zeros(param.value.raw_dim()));
        Self {
            layer,
            x: random(2, &x),
            dy: random(3, &dy),
            gradients: layer.params().into_iter().map(zeros).collect(),
            ctx: Context::new(0),
        }
    }

    fn forward(&mut self, budget: &Budget) -> Samples {
        repeat(budget, || {
            let mut result = None;
            let elapsed = time(|| result = Some(self.layer.forward(&self.x, &mut self.ctx)));
            let (y, cache) = result.expect("the pass was made");
            self.ctx.recycle(y);
            self.ctx.recycle_cache(cache);
            elapsed
        })
    }

    /// The backward pass, with the gradient of the input, of the parameters, or both.
    fn backward(&mut self, budget: &Budget, input: bool, params: bool) -> Samples {
        let (_, cache) = self.layer.forward(&self.x, &mut self.ctx);
        let mut none = vec![None; self.gradients.len()];
        repeat(budget, || {
            // The pass may overwrite the gradient that it gets.
            let mut dy = self.ctx.buffer(self.dy.shape());
            dy.assign(&self.dy);
            let params = if params { &mut self.gradients } else { &mut none };
            let mut gradients = Gradients { input, params };
            let mut dx = None;
            let elapsed = time(|| dx = Some(self.layer.backward(dy, &cache, &mut gradients, &mut self.ctx)));
            dx.flatten().into_iter().for_each(|dx| self.ctx.recycle(dx));
            elapsed
        })
    }
}
