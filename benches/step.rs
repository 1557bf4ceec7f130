//! A training step and a prediction of the study's networks, at the study's batch of 256 random images.
//!
//! `cargo bench --bench step -- cnn1` runs those of one network.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn_core::loss::Loss;
use nn_core::optim::Adam;
use nn_core::rng::{Purpose, Stream};
use nn_core::train::{Targets, Trainer};
use nn_core::{Context, Tensor, tensor};

const BATCH: usize = 256;

/// Random pixels: zeros would flatter the memory system and the arithmetic.
fn images(shape: &[usize]) -> Tensor<f32> {
    let mut stream = Stream::new(0, Purpose::Synthesise, 0, 0);
    let count = shape.iter().product();
    tensor(shape, (0..count).map(|_| stream.uniform(-0.5, 0.5) as f32).collect())
}

fn steps(criterion: &mut Criterion) {
    let targets = Targets::Classes((0..BATCH).map(|i| i % nn_zoo::CLASSES).collect());
    for (name, _) in nn_zoo::MODELS {
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10).throughput(Throughput::Elements(BATCH as u64));
        let mut network =
            nn_zoo::by_name(name).expect("a known name").build::<f32>(0).expect("a valid network");
        let x = images(&network.input_shape().batch(BATCH));
        let mut ctx = Context::new(0);
        group.bench_function("predict", |bencher| {
            bencher.iter(|| {
                let y = network.infer(&x, &mut ctx);
                ctx.recycle(y);
            });
        });
        let loss = Loss::categorical_crossentropy();
        let mut trainer = Trainer::new(&mut network, loss, Adam::default()).expect("the loss fits");
        group.bench_function("train", |bencher| bencher.iter(|| trainer.step(&x, &targets, None)));
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
