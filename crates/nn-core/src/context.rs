use std::collections::{BTreeMap, HashMap};

use ndarray::{ArrayD, Axis, IxDyn, Slice};
use nn_kernels::Real;

use crate::layer::Cache;
use crate::rng::{Purpose, Stream};
use crate::tensor::{Tensor, tensor};

/// Bytes in a line of the cache, of most processors.
const LINE_BYTES: usize = 64;

/// What a pass with a backward pass behind it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Training: dropout drops, batch normalisation uses the statistics of the batch.
    Training,
    /// Looking at the function that predicts: layers compute as in prediction.
    Inference,
}

/// What a pass through a network carries along: where in training it is, which is all that randomness may
/// depend on, and buffers to write into.
///
/// Buffers are handed back after use and lent again, so that in a training loop the memory of one step serves
/// the next. A buffer that is not handed back is merely freed.
#[derive(Debug)]
pub struct Context<R: Real> {
    mode: Mode,
    seed: u64,
    epoch: u64,
    step: u64,
    first_sample: usize,
    buffers: Spare<R>,
    index_buffers: Spare<u16>,
    groups: Vec<Context<R>>,
    prepared: Prepared<R>,
    soiled: bool,
}

/// What layers have [prepared](crate::layer::Layer::prepare) for a pass, by their names.
pub(crate) type Prepared<R> = HashMap<String, Tensor<R>>;

impl<R: Real> Context<R> {
    /// A context at the beginning of training.
    pub fn new(seed: u64) -> Self {
        Self {
            mode: Mode::Training,
            seed,
            epoch: 0,
            step: 0,
            first_sample: 0,
            buffers: Spare::default(),
            index_buffers: Spare::default(),
            groups: Vec::new(),
            prepared: Prepared::new(),
            soiled: false,
        }
    }

    /// A context whose buffers hold NaN until they are written, as they may in training.
    pub(crate) fn soiled(seed: u64) -> Self {
        Self { soiled: true, ..Self::new(seed) }
    }

    /// A context for passes that compute as prediction does, for gradients of what a network predicts.
    pub fn inference() -> Self {
        Self { mode: Mode::Inference, ..Self::new(0) }
    }

    /// How [`Layer::forward`](crate::layer::Layer::forward) is to compute.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Moves to a step of an epoch, both counted from 0.
    pub fn set_step(&mut self, epoch: u64, step: u64) {
        (self.epoch, self.step) = (epoch, step);
    }

    /// Place in the batch of the first sample that a layer is given: above 0 where it works on a slice of the
    /// batch, see [`Layer::sliceable`](crate::layer::Layer::sliceable).
    pub fn first_sample(&self) -> usize {
        self.first_sample
    }

    pub(crate) fn set_first_sample(&mut self, first_sample: usize) {
        self.first_sample = first_sample;
    }

    /// What the named layer has [prepared](crate::layer::Layer::prepare) for this pass.
    pub fn prepared(&self, layer: &str) -> Option<Tensor<R>> {
        self.prepared.get(layer).cloned()
    }

    pub(crate) fn set_prepared(&mut self, prepared: &Prepared<R>) {
        self.prepared.clone_from(prepared);
    }

    pub(crate) fn forget_prepared(&mut self) {
        self.groups.iter_mut().for_each(|group| group.prepared.clear());
    }

    /// Contexts at the same step, each with buffers of its own that it keeps from call to call.
    pub(crate) fn groups(&mut self, count: usize) -> &mut [Context<R>] {
        let Self { mode, seed, epoch, step, soiled, .. } = *self;
        if self.groups.len() < count {
            self.groups.resize_with(count, || Self::new(seed));
        }
        let groups = &mut self.groups[..count];
        for group in groups.iter_mut() {
            (group.mode, group.seed, group.epoch, group.step) = (mode, seed, epoch, step);
            group.soiled = soiled;
        }
        groups
    }

    /// The random numbers of the named layer at this step.
    pub fn stream(&self, purpose: Purpose, layer: &str) -> Stream {
        Stream::new(self.seed, purpose, self.epoch, self.step).of(layer)
    }

    /// A tensor with unspecified contents, to be overwritten.
    ///
    /// It begins at a line of the cache, so that no vector of a kernel crosses two lines where none has to.
    pub fn buffer(&mut self, shape: &[usize]) -> Tensor<R> {
        let len: usize = shape.iter().product();
        let gap = LINE_BYTES / size_of::<R>();
        let mut buffer = self.buffers.take(len + gap, R::zero());
        if self.soiled {
            buffer.fill(R::nan());
        }
        let first = buffer.as_ptr().align_offset(LINE_BYTES).min(gap);
        let mut elements = tensor(&[len + gap], buffer);
        elements.slice_axis_inplace(Axis(0), Slice::from(first..first + len));
        elements.into_shape_with_order(shape).expect("as many elements as the shape has")
    }

    /// A tensor of zeros.
    pub fn zeros(&mut self, shape: &[usize]) -> Tensor<R> {
        let mut zeros = self.buffer(shape);
        zeros.fill(R::zero());
        zeros
    }

    /// An array of 16-bit indices with unspecified contents.
    pub fn index_buffer(&mut self, shape: &[usize]) -> ArrayD<u16> {
        let mut indices = self.index_buffers.take(shape.iter().product(), 0);
        if self.soiled {
            indices.fill(u16::MAX);
        }
        ArrayD::from_shape_vec(IxDyn(shape), indices).expect("as many elements as the shape has")
    }

    /// Hands back a tensor's buffer, unless a clone of the tensor still needs it.
    pub fn recycle(&mut self, tensor: Tensor<R>) {
        self.buffers.put_back(tensor);
    }

    /// Hands back all buffers of a cache.
    pub fn recycle_cache(&mut self, cache: Cache<R>) {
        let Self { buffers, index_buffers, .. } = self;
        cache.dissolve(&mut |tensor| buffers.put_back(tensor), &mut |indices| {
            index_buffers.put(indices.into_raw_vec_and_offset().0);
        });
    }
}

/// Buffers waiting to be used again, by capacity.
#[derive(Debug)]
struct Spare<T>(BTreeMap<usize, Vec<Vec<T>>>);

impl<T> Default for Spare<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R: Real> Spare<R> {
    /// Takes a tensor's buffer, unless a clone of the tensor still needs it.
    fn put_back(&mut self, tensor: Tensor<R>) {
        if let Ok(owned) = tensor.try_into_owned_nocopy() {
            self.put(owned.into_raw_vec_and_offset().0);
        }
    }
}

impl<T: Clone> Spare<T> {
    /// The smallest spare buffer that holds `len` elements and is not more than twice as large, or a new one.
    fn take(&mut self, len: usize, blank: T) -> Vec<T> {
        let fitting = self.0.range_mut(len..=2 * len).find(|(_, buffers)| !buffers.is_empty());
        let mut buffer = fitting.and_then(|(_, buffers)| buffers.pop()).unwrap_or_default();
        buffer.truncate(len);
        buffer.resize(len, blank);
        buffer
    }

    fn put(&mut self, buffer: Vec<T>) {
        self.0.entry(buffer.capacity()).or_default().push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_serves_again_unless_it_is_shared() {
        let mut ctx = Context::<f32>::new(0);
        let first = ctx.buffer(&[4, 5]);
        let address = first.as_ptr();
        ctx.recycle(first);
        let second = ctx.buffer(&[2, 9]);
        assert_eq!(second.as_ptr(), address);
        let clone = second.clone();
        ctx.recycle(second);
        assert_ne!(ctx.buffer(&[2, 9]).as_ptr(), clone.as_ptr());
    }
}
