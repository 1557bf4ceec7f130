use ndarray::ArrayD;
use nn_kernels::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use nn_kernels::{Real, elementwise};

use super::Targets;
use crate::context::Context;
use crate::error::TrainError;
use crate::loss::Loss;
use crate::model::Network;
use crate::optim::{Optimizer, OptimizerConfig};
use crate::tensor::{Elements, Tensor};

/// A network in training: with a loss, an optimiser and memory for gradients.
#[derive(Debug)]
pub struct Trainer<'a, R: Real> {
    pub(super) network: &'a mut Network<R>,
    pub(super) loss: Loss,
    pub(super) optimizer: Optimizer<R>,
    gradients: Vec<Vec<Option<ArrayD<R>>>>,
    pub(super) ctx: Context<R>,
}

/// What one training step saw, before it changed anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Loss of the batch, penalties included.
    pub loss: f64,
    /// The part of the loss that is penalties.
    pub penalty: f64,
    /// Samples of the batch whose class was predicted.
    pub correct: usize,
    /// Samples of the batch.
    pub samples: usize,
}

impl<'a, R: Real> Trainer<'a, R> {
    /// Joins a network with what trains it (Keras's `compile`).
    ///
    /// # Errors
    /// If an argument is out of range, or the loss does not fit the network's end.
    pub fn new(
        network: &'a mut Network<R>,
        loss: Loss,
        optimizer: impl Into<OptimizerConfig>,
    ) -> Result<Self, TrainError> {
        loss.check().map_err(|e| TrainError::Data(e.to_string()))?;
        if loss.takes_logits() && loss.wants_raw_logits() == network.has_softmax() {
            let problem = if network.has_softmax() {
                "cross-entropy from logits, but the network ends in a softmax"
            } else {
                "cross-entropy needs a network that ends in a softmax (or from_logits)"
            };
            return Err(TrainError::Data(problem.into()));
        }
        let gradients = network.zero_gradients();
        Ok(Self { network, loss, optimizer: Optimizer::new(optimizer)?, gradients, ctx: Context::new(0) })
    }

    /// The network.
    pub fn network(&self) -> &Network<R> {
        self.network
    }

    /// The optimiser and its state.
    pub fn optimizer(&mut self) -> &mut Optimizer<R> {
        &mut self.optimizer
    }

    /// Where in training this is, and the spare buffers.
    pub fn context(&mut self) -> &mut Context<R> {
        &mut self.ctx
    }

    /// Gradients of the last step, layer by layer in the order of the layers' parameters.
    pub fn gradients(&self) -> &[Vec<Option<ArrayD<R>>>] {
        &self.gradients
    }

    /// One step: forward, loss, backward, update.
    ///
    /// If the loss is not finite, nothing is changed; the caller sees it in the result.
    pub fn step(&mut self, x: &Tensor<R>, targets: &Targets<R>, weights: Option<&[f64]>) -> StepResult {
        let result = self.compute_gradients(x, targets, weights);
        if result.loss.is_finite() {
            self.apply_gradients();
        }
        result
    }

    /// Forward, loss and backward for one batch: leaves the gradients, penalties included, in
    /// [`Trainer::gradients`]. If the loss is not finite there is no backward pass, and they are zero.
    pub fn compute_gradients(
        &mut self,
        x: &Tensor<R>,
        targets: &Targets<R>,
        weights: Option<&[f64]>,
    ) -> StepResult {
        let Self { network, loss, gradients, ctx, .. } = self;
        for grad in gradients.iter_mut().flatten().flatten() {
            let grad = grad.as_slice_mut().expect("gradients are contiguous");
            for_each_chunk(grad, ELEMENTS_PER_CHUNK, |_, grad| grad.fill(R::zero()));
        }
        pass_of_training(network, loss, x, targets, weights, gradients, ctx)
    }

    /// Changes the parameters by the gradients of the last [`Trainer::compute_gradients`].
    pub fn apply_gradients(&mut self) {
        let Self { network, optimizer, gradients, .. } = self;
        let gradients = gradients.iter().flatten().map(Option::as_ref);
        optimizer.step(network.params_mut().zip(gradients));
    }
}

/// A pass forward and backward as training makes it, in slices where layers allow it: adds to `gradients`, and takes up
/// running statistics. If the loss is not finite there is no pass backward, and nothing changes.
pub(crate) fn pass_of_training<R: Real>(
    network: &mut Network<R>,
    loss: &Loss,
    x: &Tensor<R>,
    targets: &Targets<R>,
    weights: Option<&[f64]>,
    gradients: &mut [Vec<Option<ArrayD<R>>>],
    ctx: &mut Context<R>,
) -> StepResult {
    let pass = network.forward_sliced(x, ctx);
    let (loss, dy) = loss_and_gradient(network, loss, &pass.output, targets, weights, ctx);
    let penalty = network.penalty();
    let result = StepResult {
        loss: loss + penalty,
        penalty,
        correct: count_correct(&pass.output, targets, network.channels()),
        samples: targets.len(),
    };
    if result.loss.is_finite() {
        network.absorb(&pass);
        network.backward_sliced(dy, pass, gradients, ctx);
        network.add_penalty_gradients(gradients);
    }
    result
}

/// Loss of the network's last layer's output, and its gradient with respect to that output.
pub(crate) fn loss_and_gradient<R: Real>(
    network: &Network<R>,
    loss: &Loss,
    output: &Tensor<R>,
    targets: &Targets<R>,
    weights: Option<&[f64]>,
    ctx: &mut Context<R>,
) -> (f64, Tensor<R>) {
    let mut dy = ctx.buffer(output.shape());
    if loss.takes_logits() || !network.has_softmax() {
        let value = loss.value_and_gradient(output, targets, weights, &mut dy);
        return (value, dy);
    }
    // The loss is a function of the probabilities: through the softmax by its own derivative.
    let mut p = ctx.buffer(output.shape());
    p.elements_mut().copy_from_slice(output.elements());
    elementwise::softmax(p.elements_mut(), network.channels());
    let value = loss.value_and_gradient(&p, targets, weights, &mut dy);
    elementwise::softmax_backward(p.elements(), dy.elements_mut(), network.channels());
    ctx.recycle(p);
    (value, dy)
}

/// Samples whose largest score is at the target's class. Softmax keeps the order, so logits will do.
pub(crate) fn count_correct<R: Real>(scores: &Tensor<R>, targets: &Targets<R>, classes: usize) -> usize {
    let rows = scores.elements().chunks_exact(classes).enumerate();
    rows.filter(|(i, row)| crate::metrics::argmax(row) == targets.class(*i)).count()
}
