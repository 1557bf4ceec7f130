use nn_kernels::Real;

use super::Dataset;
use super::fit::check_data;
use super::step::{count_correct, loss_and_gradient};
use crate::context::Context;
use crate::error::TrainError;
use crate::loss::Loss;
use crate::model::Network;

/// Samples at a time where no gradient is needed.
pub const EVALUATION_BATCH: usize = 256;

/// What [`evaluate`] measures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean loss over the samples plus the network's penalties, as Keras reports it.
    pub loss: f64,
    /// Share of samples whose class was predicted.
    pub accuracy: f64,
}

/// Loss and accuracy of a network on a data set, computed in batches; changes nothing.
///
/// # Errors
/// If the data do not fit the network, there are none, or an output is not finite.
pub fn evaluate<R: Real>(
    network: &Network<R>,
    loss: &Loss,
    data: &dyn Dataset<R>,
    batch_size: usize,
) -> Result<Evaluation, TrainError> {
    evaluate_with(network, loss, data, batch_size, &mut Context::new(0))
}

/// [`evaluate`] with buffers to reuse.
pub(super) fn evaluate_with<R: Real>(
    network: &Network<R>,
    loss: &Loss,
    data: &dyn Dataset<R>,
    batch_size: usize,
    ctx: &mut Context<R>,
) -> Result<Evaluation, TrainError> {
    check_data(network, data, "evaluation")?;
    if batch_size == 0 {
        return Err(TrainError::option("batch_size", batch_size, "at least 1"));
    }
    let (mut sum, mut correct) = (0.0, 0);
    let order: Vec<usize> = (0..data.len()).collect();
    for indices in order.chunks(batch_size) {
        let mut x = ctx.buffer(&data.sample_shape().batch(indices.len()));
        let targets = data.batch(0, indices, x.as_slice_mut().expect("buffers are contiguous"));
        let y = network.infer_logits(&x, ctx);
        network.check_outputs(&x, &y)?;
        let (batch_loss, dy) = loss_and_gradient(network, loss, &y, &targets, None, ctx);
        sum += batch_loss * indices.len() as f64;
        correct += count_correct(&y, &targets, network.channels());
        for tensor in [x, y, dy] {
            ctx.recycle(tensor);
        }
    }
    let samples = data.len() as f64;
    Ok(Evaluation { loss: sum / samples + network.penalty(), accuracy: correct as f64 / samples })
}
