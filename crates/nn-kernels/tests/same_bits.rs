//! The same bits for every number of threads, on every instruction set.
//!
//! Inputs are random numbers, whose sums change with any change of order, and large enough to be cut into
//! several chunks (64 KiB of an array, 512 KiB of a column matrix or of Winograd's planes, 1024 tiles of a weight
//! gradient, 1024 rows of a bias gradient, one image).

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::algorithms_for;
use ndarray::{ArrayView2, ArrayViewMut2};
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::elementwise::{
    activation_backward_with_bias, add_normalize_sums, add_squared_deviations, grad_bias, normalize,
    normalize_grad_input, scale_rows, softmax, softmax_backward,
};
use nn_kernels::gemm::{Update, gemm};
use nn_kernels::optimizer::{AdamStep, adam, sgd, sgd_momentum};
use nn_kernels::parallel::{for_each_chunk_pair, for_each_chunk_triple, sum_parts};
use nn_kernels::pool::{
    PoolGeometry, avg_pool, avg_pool_grad_input, global_avg_pool, global_avg_pool_grad_input, max_pool,
    max_pool_grad_input, max_pool_values,
};
use nn_kernels::{Epilogue, Isa, Pointwise};
use random_arrays::{poison, reals};
use rayon::ThreadPoolBuilder;

/// Elements of the element-wise tests: six chunks and a bit.
const LEN: usize = 100_003;

/// Runs `compute` with 1, 2, 3 and 7 threads, and with 7 once more.
fn assert_threads_do_not_matter(what: &str, compute: impl Fn() -> Vec<f32> + Sync) {
    for isa in Isa::available() {
        let with_threads = |threads| {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| isa.scope(&compute))
        };
        let alone = with_threads(1);
        assert!(alone.iter().all(|value| value.is_finite()), "{what}: not all written");
        for threads in [2, 3, 7, 7] {
            let what = format!("{what} with {threads} threads on {isa}");
            assert_same_bits(what, &with_threads(threads), &alone);
        }
    }
}

/// Several blocks of column matrix or planes in each direction, and an uneven last one.
fn conv_geometries() -> [ConvGeometry; 6] {
    let same = |spec| ConvSpec { padding: Padding::Same, ..spec };
    [
        same(ConvSpec::new((31, 29), 12, 20, (3, 3))),
        ConvSpec { groups: 2, stride: (1, 2), ..ConvSpec::new((41, 90), 8, 12, (5, 3)) },
        ConvSpec::new((50, 52), 6, 9, (5, 5)),
        same(ConvSpec::new((13, 14), 40, 50, (3, 3))),
        ConvSpec::new((40, 41), 24, 33, (1, 1)),
        ConvSpec { groups: 24, stride: (1, 2), ..ConvSpec::new((41, 90), 24, 24, (5, 3)) },
    ]
    .map(|spec| ConvGeometry::new(&spec).expect("valid"))
}

fn for_each_conv(direction: Direction, check: impl Fn(&ConvGeometry, Algorithm, &[f32], &[f32], &[f32])) {
    const IMAGES: usize = 5;
    for g in conv_geometries() {
        let x = reals(1, IMAGES * g.input_len());
        let w = reals(2, g.weight_len());
        let dy = reals(3, IMAGES * g.output_len());
        // The reference is one walk on the calling thread.
        for algorithm in algorithms_for(&g, direction).filter(|&a| a != Algorithm::Reference) {
            check(&g, algorithm, &x, &w, &dy);
        }
    }
}

#[test]
fn conv_output() {
    for_each_conv(Direction::Output, |g, algorithm, x, w, dy| {
        let bias = reals(4, g.out_c);
        let epilogue = Epilogue { bias: Some(&bias), activation: Pointwise::Elu { alpha: 1.0 } };
        assert_threads_do_not_matter(&format!("output by {algorithm} of {g:?}"), || {
            let mut y = poison(dy.len());
            conv::output(g, algorithm, x, w, epilogue, &mut y);
            y
        });
    });
}

#[test]
fn conv_grad_input() {
    for_each_conv(Direction::GradInput, |g, algorithm, x, w, dy| {
        assert_threads_do_not_matter(&format!("grad_input by {algorithm} of {g:?}"), || {
            let mut dx = poison(x.len());
            conv::grad_input(g, algorithm, dy, w, &mut dx);
            dx
        });
    });
}

#[test]
fn conv_grad_weight() {
    for_each_conv(Direction::GradWeight, |g, algorithm, x, w, dy| {
        assert_threads_do_not_matter(&format!("grad_weight by {algorithm} of {g:?}"), || {
            let mut dw = w.to_vec();
            conv::grad_weight(g, algorithm, x, dy, &mut dw);
            dw
        });
    });
}

#[test]
fn conv_gradients() {
    for_each_conv(Direction::GradInput, |g, algorithm, x, w, dy| {
        assert_threads_do_not_matter(&format!("gradients by {algorithm} of {g:?}"), || {
            let mut both = [w, x].concat();
            let (dw, dx) = both.split_at_mut(w.len());
            conv::gradients(g, algorithm, x, dy, w, dw, dx);
            both
        });
    });
}

#[test]
fn matrix_product() {
    // Large, and with so few columns that `A` is read in place.
    for (m, k, n) in [(700, 300, 600), (900, 500, 33)] {
        let (a, b, before) = (reals::<f32>(1, m * k), reals::<f32>(2, k * n), reals::<f32>(3, m * n));
        for update in [Update::Assign, Update::Add] {
            assert_threads_do_not_matter(&format!("gemm {m}x{k}x{n} {update:?}"), || {
                let mut c = if update == Update::Add { before.clone() } else { poison(m * n) };
                let a = ArrayView2::from_shape((m, k), &a).expect("m·k");
                let b = ArrayView2::from_shape((k, n), &b).expect("k·n");
                gemm(a, b, ArrayViewMut2::from_shape((m, n), &mut c).expect("m·n"), update);
                c
            });
        }
    }
}

#[test]
fn pooling() {
    const IMAGES: usize = 9;
    let padding = Padding::Explicit { top: 1, bottom: 1, left: 1, right: 1 };
    let g = PoolGeometry::new((13, 11), 5, (3, 3), (2, 2), padding).expect("valid");
    let x = reals::<f32>(1, IMAGES * g.input_len());
    let dy = reals::<f32>(2, IMAGES * g.output_len());
    assert_threads_do_not_matter("max_pool and its gradient", || {
        let (mut y, mut argmax) = (poison(dy.len()), vec![u16::MAX; dy.len()]);
        max_pool(&g, &x, &mut y, &mut argmax);
        let (mut values, mut dx) = (poison(dy.len()), poison(x.len()));
        max_pool_values(&g, &x, &mut values);
        max_pool_grad_input(&g, &dy, &argmax, &mut dx);
        [y, values, dx, argmax.into_iter().map(f32::from).collect()].concat()
    });
    assert_threads_do_not_matter("avg_pool and its gradient", || {
        let (mut y, mut dx) = (poison(dy.len()), poison(x.len()));
        avg_pool(&g, &x, &mut y);
        avg_pool_grad_input(&g, &dy, &mut dx);
        [y, dx].concat()
    });
    let pixels = g.in_h * g.in_w;
    assert_threads_do_not_matter("global_avg_pool and its gradient", || {
        let (mut y, mut dx) = (poison(IMAGES * g.channels), poison(x.len()));
        global_avg_pool(pixels, g.channels, &x, &mut y);
        global_avg_pool_grad_input(pixels, g.channels, &y, &mut dx);
        [y, dx].concat()
    });
}

#[test]
fn activations() {
    for f in [
        Pointwise::Linear,
        Pointwise::Relu,
        Pointwise::Relu6,
        Pointwise::LeakyRelu { slope: 0.2 },
        Pointwise::Elu { alpha: 0.7 },
        Pointwise::Sigmoid,
        Pointwise::Tanh,
    ] {
        assert_threads_do_not_matter(&format!("{f:?}"), || {
            let (mut y, mut dy) = (reals(1, LEN), reals(2, LEN));
            f.apply(&mut y);
            f.backward(&y, &mut dy);
            [y, dy].concat()
        });
    }
}

#[test]
fn rows_of_channels() {
    let channels = 7;
    let len = LEN / channels * channels;
    assert_threads_do_not_matter("softmax and its gradient", || {
        let (mut y, mut dy) = (reals(1, len), reals(2, len));
        softmax(&mut y, channels);
        softmax_backward(&y, &mut dy, channels);
        [y, dy].concat()
    });
    let bias = reals::<f32>(3, channels);
    assert_threads_do_not_matter("epilogue", || {
        let mut z = reals(1, len);
        Epilogue { bias: Some(&bias), activation: Pointwise::Tanh }.apply(&mut z, channels);
        z
    });
    let dz = reals::<f32>(1, len);
    let y = reals::<f32>(2, len);
    assert_threads_do_not_matter("activation_backward_with_bias", || {
        let (mut dz, mut sum) = (dz.clone(), bias.clone());
        activation_backward_with_bias(Pointwise::Elu { alpha: 1.0 }, &y, &mut dz, Some(&mut sum));
        [dz, sum].concat()
    });
    assert_threads_do_not_matter("grad_bias", || {
        let mut sum = bias.clone();
        grad_bias(&dz, &mut sum);
        sum
    });
}

#[test]
fn normalisation() {
    // Several terms and chunks of short rows and of long ones.
    for (rows, channels) in [(LEN / 7, 7), (200, 601)] {
        let [x, dy] = [1, 2].map(|seed| reals::<f32>(seed, rows * channels));
        let [mean, scale, shift, slope] = [3, 4, 5, 6].map(|seed| reals::<f32>(seed, channels));
        assert_threads_do_not_matter(&format!("normalisation of {rows}x{channels}"), || {
            let (mut y, mut dx, mut scaled) = (poison(x.len()), dy.clone(), dy.clone());
            normalize(&x, &mean, &scale, &shift, &mut y);
            normalize_grad_input(&x, [&mean, &scale, &shift, &slope], &mut dx);
            scale_rows(&scale, &mut scaled);
            let (mut squares, mut sums) = (shift.clone(), [shift.as_slice(), &slope].concat());
            add_squared_deviations(&x, &mean, &mut squares);
            add_normalize_sums(&x, &dy, &mean, &mut sums);
            [y, dx, scaled, squares, sums].concat()
        });
    }
}

#[test]
fn optimizers() {
    let g = reals::<f32>(1, LEN);
    let start = || reals::<f32>(2, LEN);
    assert_threads_do_not_matter("sgd", || {
        let mut w = start();
        sgd(&mut w, &g, 0.1);
        w
    });
    for nesterov in [false, true] {
        assert_threads_do_not_matter("sgd_momentum", || {
            let (mut w, mut velocity) = (start(), reals(3, LEN));
            sgd_momentum(&mut w, &mut velocity, &g, 0.1, 0.9, nesterov);
            [w, velocity].concat()
        });
    }
    let step = AdamStep { alpha: 0.1, one_minus_beta1: 0.1, one_minus_beta2: 0.001, epsilon: 1e-7 };
    assert_threads_do_not_matter("adam", || {
        let (mut w, mut m) = (start(), reals::<f32>(3, LEN));
        let mut v: Vec<f32> = m.iter().map(|m| m * m).collect();
        adam(&mut w, &mut m, &mut v, &g, step);
        [w, m, v].concat()
    });
}

#[test]
fn patterns_of_work() {
    let (len, parts) = (40_001, 11);
    let terms = reals::<f32>(1, len * parts);
    assert_threads_do_not_matter("sum_parts", || {
        let mut sum = reals(2, len);
        sum_parts(&mut sum, parts, |part, buffer| buffer.copy_from_slice(&terms[part * len..][..len]));
        sum
    });
    assert_threads_do_not_matter("for_each_chunk_pair and _triple", || {
        let (mut a, mut b, mut c) = (reals::<f32>(1, LEN), reals::<f32>(2, LEN), reals::<f32>(3, LEN));
        for_each_chunk_pair((&mut a, 1000), (&mut b, 1000), |i, a, b| {
            for (a, b) in a.iter_mut().zip(b) {
                *a += i as f32 * *b;
            }
        });
        for_each_chunk_triple(&mut a, &mut b, &mut c, |i, a, b, c| {
            for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
                *c += *a * *b / (1 + i) as f32;
            }
        });
        [a, b, c].concat()
    });
}
