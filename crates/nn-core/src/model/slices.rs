//! The front of a network, run on slices of the batch that fit into a core's cache.
//!
//! A batch of activations is larger than any cache: layer after layer on the whole batch, each layer reads
//! from memory what the one before it wrote there. The *front*, the leading layers that are
//! [sliceable](crate::layer::Layer::sliceable), takes a few samples through all its layers instead, forward
//! and later backward, and several threads do so at the same time. The layers behind it get the whole batch.
//!
//! ```text
//! batch    | slice 0 | slice 1 | slice 2 | slice 3 | ...      a few samples each
//! groups   |      group 0      |      group 1      | ...      one thread each, slice after slice
//! ```
//!
//! Slices and groups follow from sizes alone, and the groups' gradients are added in order: the same bits for
//! any number of threads.

use std::ops::Range;

use ndarray::{ArrayD, Axis, Slice};
use nn_kernels::Real;
use nn_kernels::parallel::{add_in_order, for_each_chunk, sequential};

use super::chain::{self, LayerGradients, Layers};
use crate::context::{Context, Prepared};
use crate::layer::{Cache, Layer, Pass, with_parts};
use crate::tensor::{Elements, Tensor};

/// Bytes that the input and the output of a layer should not exceed in one slice: they should still be in the
/// core's own cache when the next layer reads them.
const SLICE_BYTES: usize = 2 * 1024 * 1024;

/// Bounds of the number of samples in a slice: a product with few rows is slow, and many slices share the
/// work better.
const SLICE_SAMPLES: (usize, usize) = (2, 16);

/// Groups into which the slices of a batch are divided: the most threads that can work at the same time.
const GROUPS: usize = 16;

/// Bytes that the gradients of all groups may take together.
const GRADIENT_BYTES: usize = 64 * 1024 * 1024;

/// How the front of a network is run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slicing {
    /// Layers in the front.
    layers: usize,
    /// Samples in a slice.
    samples: usize,
    /// The most groups.
    groups: usize,
}

impl Slicing {
    /// The slicing of a network of these layers; its front has no layers if there is nothing to gain.
    pub fn of<R: Real>(layers: &Layers<R>) -> Self {
        let (mut front, mut param_bytes, mut pair_bytes, mut multiplies) = (0, 0, 1, false);
        for layer in layers.iter().take_while(|layer| layer.sliceable()) {
            let info = layer.info();
            let of_params: usize =
                layer.params().iter().map(|param| param.value.len() * size_of::<R>()).sum();
            if param_bytes + of_params > GRADIENT_BYTES / 2 {
                break;
            }
            front += 1;
            param_bytes += of_params;
            let pair = info.input_shape.elements().saturating_add(info.output_shape.elements());
            pair_bytes = pair_bytes.max(pair.saturating_mul(size_of::<R>()));
            multiplies |= info.macs > 0;
        }
        let (fewest, most) = SLICE_SAMPLES;
        Self {
            layers: if multiplies { front } else { 0 },
            samples: (SLICE_BYTES / pair_bytes).clamp(fewest, most),
            groups: (GRADIENT_BYTES / param_bytes.max(1)).min(GROUPS),
        }
    }

    /// The same network with a front of every layer that is sliceable, and slices of `samples`.
    pub fn every<R: Real>(layers: &Layers<R>, samples: usize) -> Self {
        let front = layers.iter().take_while(|layer| layer.sliceable()).count();
        Self { layers: front, samples, groups: GROUPS }
    }

    /// Number of layers that a batch goes through in slices: none if it is no more than one slice.
    pub fn front(&self, batch: usize) -> usize {
        if batch > self.samples { self.layers } else { 0 }
    }

    /// The output of the front for a batch, as used for prediction.
    pub fn infer<R: Real>(&self, front: &Layers<R>, x: &Tensor<R>, ctx: &mut Context<R>) -> Tensor<R> {
        self.run(front, x, ctx, |part, _: &mut (), ctx| chain::infer(front, part, ctx)).0
    }

    /// The output of the front in training, and the caches of each slice, of the layers from `lowest` on.
    pub fn forward<R: Real>(
        &self,
        front: &Layers<R>,
        x: &Tensor<R>,
        lowest: usize,
        ctx: &mut Context<R>,
    ) -> (Tensor<R>, Vec<Vec<Cache<R>>>) {
        self.run(front, x, ctx, |part, caches: &mut Vec<Cache<R>>, ctx| {
            let pass = chain::forward(front, part, lowest, ctx);
            *caches = pass.caches;
            pass.output
        })
    }

    /// Adds the gradients of the front's parameters to `gradients`; `dy` is the gradient of the front's
    /// output.
    pub fn backward<R: Real>(
        &self,
        front: &Layers<R>,
        dy: &Tensor<R>,
        mut caches: Vec<Vec<Cache<R>>>,
        gradients: &mut LayerGradients<R>,
        ctx: &mut Context<R>,
    ) {
        let wanted = &*gradients;
        // The lowest layer that learns has no use for the gradient of its input.
        let lowest = (chain::first_trained(wanted) + 1).min(front.len());
        let prepared = prepare(each(&front[lowest..]), Pass::Backward, ctx);
        let sums = self.in_groups(&mut caches, &prepared, ctx, |first, caches, ctx| {
            let mut sums = zeros_like(wanted, ctx);
            for (i, caches) in caches.iter_mut().enumerate() {
                let samples = self.slice(first + i, dy.shape()[0]);
                ctx.set_first_sample(samples.start);
                let part = rows(dy, samples);
                let mut own = ctx.buffer(part.shape());
                own.elements_mut().copy_from_slice(part.elements());
                chain::backward(front, own, std::mem::take(caches), &mut sums, false, ctx, |_, _| ());
            }
            sums
        });
        for (i, layer) in gradients.iter_mut().enumerate() {
            for (j, total) in layer.iter_mut().enumerate() {
                let Some(total) = total.as_mut().and_then(|total| total.as_slice_mut()) else { continue };
                add_in_order(total, sums.iter().filter_map(|sums| sums[i][j].as_ref()?.as_slice()));
            }
        }
        release(prepared, ctx);
        let groups = ctx.groups(sums.len());
        for (group, sums) in groups.iter_mut().zip(sums) {
            sums.into_iter().flatten().flatten().for_each(|sum| group.recycle(sum.into_shared()));
        }
    }

    /// Runs `pass` on each slice of `x`, and puts the outputs together. `pass` may leave something of each
    /// slice.
    fn run<R: Real, T: Send + Default>(
        &self,
        front: &Layers<R>,
        x: &Tensor<R>,
        ctx: &mut Context<R>,
        pass: impl Fn(&Tensor<R>, &mut T, &mut Context<R>) -> Tensor<R> + Sync,
    ) -> (Tensor<R>, Vec<T>) {
        let batch = x.shape()[0];
        let shape = &front[front.len() - 1].info().output_shape;
        let mut output = ctx.buffer(&shape.batch(batch));
        let parts = output.elements_mut().chunks_mut(self.samples * shape.elements());
        let mut slices: Vec<_> = parts.map(|part| (part, T::default())).collect();
        let prepared = prepare(each(front), Pass::Forward, ctx);
        self.in_groups(&mut slices, &prepared, ctx, |first, slices, ctx| {
            for (i, (output, left)) in slices.iter_mut().enumerate() {
                let samples = self.slice(first + i, batch);
                ctx.set_first_sample(samples.start);
                let y = pass(&rows(x, samples), left, ctx);
                output.copy_from_slice(y.elements());
                ctx.recycle(y);
            }
        });
        release(prepared, ctx);
        let left = slices.into_iter().map(|(_, left)| left).collect();
        (output, left)
    }

    /// Divides `slices` into groups and calls `work` with the number of each group's first slice, its slices
    /// and its context; the groups at the same time, each on one thread. Returns the results in order.
    fn in_groups<R: Real, S: Send, T: Send>(
        &self,
        slices: &mut [S],
        prepared: &Prepared<R>,
        ctx: &mut Context<R>,
        work: impl Fn(usize, &mut [S], &mut Context<R>) -> T + Sync,
    ) -> Vec<T> {
        let (count, total) = (self.groups.min(slices.len()), slices.len());
        let mut groups = Vec::with_capacity(count);
        let mut rest = slices;
        for (i, ctx) in ctx.groups(count).iter_mut().enumerate() {
            let (first, end) = (total * i / count, total * (i + 1) / count);
            let (own, others) = rest.split_at_mut(end - first);
            rest = others;
            ctx.set_prepared(prepared);
            groups.push((first, own, ctx, None));
        }
        for_each_chunk(&mut groups, 1, |_, group| {
            let [(first, slices, ctx, result)] = group else { unreachable!("a chunk is one group") };
            *result = Some(sequential(|| work(*first, slices, ctx)));
        });
        groups.into_iter().filter_map(|(.., result)| result).collect()
    }

    /// The samples of the `i`-th slice.
    fn slice(&self, i: usize, batch: usize) -> Range<usize> {
        i * self.samples..batch.min((i + 1) * self.samples)
    }
}

fn each<R: Real>(layers: &Layers<R>) -> impl Iterator<Item = &dyn Layer<R>> {
    layers.iter().map(|layer| layer.as_ref() as &dyn Layer<R>)
}

/// What each of the layers and their parts prepares for a pass.
pub(crate) fn prepare<'a, R: Real>(
    layers: impl IntoIterator<Item = &'a dyn Layer<R>>,
    pass: Pass,
    ctx: &mut Context<R>,
) -> Prepared<R> {
    let mut prepared = Prepared::new();
    for layer in layers.into_iter().flat_map(with_parts) {
        if let Some(tensor) = layer.prepare(pass, ctx) {
            prepared.insert(layer.info().name.clone(), tensor);
        }
    }
    prepared
}

/// Hands back what was prepared, which no context may show any more.
fn release<R: Real>(prepared: Prepared<R>, ctx: &mut Context<R>) {
    ctx.forget_prepared();
    prepared.into_values().for_each(|tensor| ctx.recycle(tensor));
}

/// Some samples of a batch; shares its buffer.
fn rows<R: Real>(batch: &Tensor<R>, samples: Range<usize>) -> Tensor<R> {
    let mut part = batch.clone();
    part.slice_axis_inplace(Axis(0), Slice::from(samples));
    part
}

/// Zeroed gradients for the parameters that have one in `gradients`.
fn zeros_like<R: Real>(gradients: &LayerGradients<R>, ctx: &mut Context<R>) -> Vec<Vec<Option<ArrayD<R>>>> {
    let mut zeros = |grad: &ArrayD<R>| ctx.zeros(grad.shape()).into_owned();
    gradients.iter().map(|layer| layer.iter().map(|g| g.as_ref().map(&mut zeros)).collect()).collect()
}
