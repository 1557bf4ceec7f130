//! Pooling as in cnn1's first stage: 2x2 windows on 44x44 pixels of 32 channels, 32 images, in both directions.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn_core::kernels::conv::Padding;
use nn_core::kernels::pool::{PoolGeometry, avg_pool, avg_pool_grad_input, max_pool, max_pool_grad_input};
use nn_lab::random;

const BATCH: usize = 32;

fn pooling(criterion: &mut Criterion) {
    let g = PoolGeometry::new((44, 44), 32, (2, 2), (2, 2), Padding::Valid).expect("a valid pooling");
    let mut x = random::numbers(0, BATCH * g.input_len());
    let mut y = random::numbers(1, BATCH * g.output_len());
    let mut argmax = vec![0; y.len()];
    let mut group = criterion.benchmark_group("pool");
    group.throughput(Throughput::Bytes((size_of::<f32>() * (x.len() + y.len())) as u64));
    group.bench_function("max/forward", |bencher| bencher.iter(|| max_pool(&g, &x, &mut y, &mut argmax)));
    group.bench_function("average/forward", |bencher| bencher.iter(|| avg_pool(&g, &x, &mut y)));
    group.bench_function("max/backward", |bencher| {
        bencher.iter(|| max_pool_grad_input(&g, &y, &argmax, &mut x));
    });
    group.bench_function("average/backward", |bencher| bencher.iter(|| avg_pool_grad_input(&g, &y, &mut x)));
    group.finish();
}

criterion_group!(benches, pooling);
criterion_main!(benches);
