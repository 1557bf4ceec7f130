//! The convolutions of two networks in all directions, by every algorithm that computes them, on 32 images.
//!
//! `cargo bench --bench conv -- cnn1:conv2d_1/fwd` runs those of one; `nn-lab bench conv` verifies besides, and
//! tells shares of the peak.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn_core::kernels::conv::{Algorithm, Direction};
use nn_lab::conv::{Case, Dir, Operands};
use nn_lab::problem::of_model;

const BATCH: usize = 32;

fn convolutions(criterion: &mut Criterion) {
    for name in ["cnn1", "search5"] {
        let model = nn_lab::models::find(name, None).expect("a known name");
        for problem in of_model(name, &model.network, BATCH).expect("a valid network") {
            for direction in Direction::ALL {
                let mut group = criterion.benchmark_group(format!("{}/{}", problem.label(), Dir(direction)));
                group.sample_size(10).throughput(Throughput::Elements(problem.flops()));
                let Operands { first, second, mut out } = Operands::random(&problem, direction, 0);
                for algorithm in Algorithm::ALL {
                    let case = Case { problem: problem.clone(), direction, algorithm };
                    // The reference is the definition, and slow; `auto` is one of the others.
                    if matches!(algorithm, Algorithm::Reference | Algorithm::Auto)
                        || case.resolved().is_none()
                    {
                        continue;
                    }
                    group.bench_function(algorithm.name(), |bencher| {
                        bencher.iter(|| case.run(&first, &second, &mut out));
                    });
                }
                group.finish();
            }
        }
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
