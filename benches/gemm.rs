//! Matrix products: squares, and the dense layers of two networks on a batch of 256.
//!
//! `nn-lab bench gemm` measures any sizes beside other libraries.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ndarray::{ArrayView2, ArrayViewMut2};
use nn_core::kernels::gemm::{Update, gemm};
use nn_lab::random;

/// `m, n, k`.
const SIZES: [[usize; 3]; 6] = [
    [64, 64, 64],
    [512, 512, 512],
    [1024, 1024, 1024],
    [256, 1568, 2304], // fnn1's first layer
    [256, 512, 5184],  // cnn1's dense layer
    [256, 7, 512],     // a classifier
];

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gemm");
    for [m, n, k] in SIZES {
        let (a, b) = (random::numbers(0, m * k), random::numbers(1, k * n));
        let mut c = vec![0.0; m * n];
        group.throughput(Throughput::Elements(2 * (m * n * k) as u64));
        group.bench_function(format!("{m},{n},{k}"), |bencher| {
            bencher.iter(|| {
                let a = ArrayView2::from_shape((m, k), &a).expect("m rows of k");
                let b = ArrayView2::from_shape((k, n), &b).expect("k rows of n");
                let c = ArrayViewMut2::from_shape((m, n), &mut c).expect("m rows of n");
                gemm(a, b, c, Update::Assign);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
