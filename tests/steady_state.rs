//! Once training is under way, a step allocates no tensor: the buffers of one step serve the next.

use std::alloc::System;

use nn_core::layers::{
    ActivationFn, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, Dropout, Flatten,
    GlobalAveragePooling2D, LayerConfig, MaxPooling2D, Padding, ReLU, Residual, ZeroPadding2D,
};
use nn_core::loss::Loss;
use nn_core::model::{Network, Sequential};
use nn_core::optim::Adam;
use nn_core::rng::{Purpose, Stream};
use nn_core::tensor;
use nn_core::train::{Targets, Trainer};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BATCH: usize = 64;

/// Bytes that a step may allocate in all: lists of layers, shapes and tasks, about half of this. One slice of one
/// activation takes more, and so do the gradients of most parameters, of all groups together.
const LIMIT: usize = 64 * 1024;

/// The same for networks whose layers behind the first normalisation run on the whole batch, where depthwise convolutions
/// list the taps of each pixel of a line anew for each of many chunks. One activation of a batch takes four times as much.
const LIMIT_OF_RESIDUAL: usize = 192 * 1024;

/// Steps in which every thread should have had every kind of work once, and with it its scratch memory.
const WARM_UP: usize = 20;
const STEPS: usize = 20;
/// A thread may meet a kind of work late, if others were always faster.
const LATE: usize = 2;

fn networks() -> [Network<f32>; 4] {
    let conv = |filters| Conv2D::new(filters, 3).activation(ActivationFn::Relu);
    let classifier = || Dense::new(7).activation(ActivationFn::Softmax);
    let cnn = Sequential::new("cnn", &[24, 24, 1])
        .add(conv(16))
        .add(conv(16))
        .add(MaxPooling2D::new(2))
        .add(conv(32))
        .add(MaxPooling2D::new(2))
        .add(Dropout::new(0.2))
        .add(Flatten::new())
        .add(Dense::new(300).activation(ActivationFn::Relu))
        .add(classifier());
    let fnn = Sequential::new("fnn", &[600])
        .add(Dense::new(400).activation(ActivationFn::ELU))
        .add(Dropout::new(0.5))
        .add(Dense::new(300).activation(ActivationFn::Relu))
        .add(classifier());
    let norm = || LayerConfig::from(BatchNormalization::new());
    let depthwise = DepthwiseConv2D::new(3).padding(Padding::Same);
    let halving = [conv(32).strides(2).padding(Padding::Same).into(), norm(), ReLU::new().into()];
    let projection = [Conv2D::new(32, 1).strides(2).into(), norm()];
    let residual = Sequential::new("residual", &[22, 22, 3])
        .add(ZeroPadding2D::new(1))
        .add(conv(16))
        .add(norm())
        .add(Residual::new([depthwise.into(), norm()]))
        .add(Residual::new(halving).shortcut(projection).name("halving"))
        .add(GlobalAveragePooling2D::new())
        .add(classifier());
    let [cnn, fnn, residual, mut frozen] =
        [cnn, fnn, residual.clone(), residual].map(|config| config.build(1).unwrap());
    frozen.freeze_until("halving").expect("it has a layer of that name");
    [cnn, fnn, residual, frozen]
}

/// Bytes that each training step after the first ones allocates.
fn allocated(network: &mut Network<f32>) -> Vec<usize> {
    let shape = network.input_shape().batch(BATCH);
    let mut pixels = vec![0.0; shape.iter().product()];
    Stream::new(1, Purpose::Synthesise, 0, 0).fill_normal(&mut pixels, 1.0);
    let x = tensor(&shape, pixels);
    let targets = Targets::Classes((0..BATCH).map(|i| i % 7).collect());
    let mut trainer = Trainer::new(network, Loss::categorical_crossentropy(), Adam::default()).unwrap();
    for _ in 0..WARM_UP {
        trainer.step(&x, &targets, None);
    }
    let step = |_| {
        let region = Region::new(ALLOCATOR);
        trainer.step(&x, &targets, None);
        region.change().bytes_allocated
    };
    (0..STEPS).map(step).collect()
}

#[test]
fn a_training_step_allocates_no_tensors() {
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for mut network in networks() {
            let bytes = pool.install(|| allocated(&mut network));
            let limit = if network.name() == "residual" { LIMIT_OF_RESIDUAL } else { LIMIT };
            let large = bytes.iter().filter(|&&bytes| bytes > limit).count();
            assert!(large <= LATE, "{}, {threads} threads: {bytes:?} bytes", network.name());
        }
    }
}
