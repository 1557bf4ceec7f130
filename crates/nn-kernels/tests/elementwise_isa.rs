//! Every instruction set of this processor gives the same bits at every length, and touches nothing behind the end.
//!
//! What needs no fused multiply-add is the same on the portable set as well.

mod comparison;
mod random_arrays;

use comparison::assert_same_bits;
use nn_kernels::conv::Padding;
use nn_kernels::elementwise::{
    activation_backward_with_bias, add_normalize_sums, add_squared_deviations, grad_bias, normalize,
    normalize_grad_input, scale_rows, softmax, softmax_backward,
};
use nn_kernels::optimizer::{AdamStep, adam, sgd, sgd_momentum};
use nn_kernels::pool::{
    PoolGeometry, avg_pool, avg_pool_grad_input, global_avg_pool, global_avg_pool_grad_input, max_pool,
    max_pool_grad_input,
};
use nn_kernels::{Epilogue, Isa, Pointwise};
use random_arrays::reals;

/// Less than a vector of any set up to several of the widest, and all remainders.
const LENGTHS: std::ops::RangeInclusive<usize> = 0..=70;

/// Those that need the exponential function, and so fused multiply-adds, come last.
const ACTIVATIONS: [Pointwise; 7] = [
    Pointwise::Linear,
    Pointwise::Relu,
    Pointwise::Relu6,
    Pointwise::LeakyRelu { slope: 0.3 },
    Pointwise::Elu { alpha: 0.7 },
    Pointwise::Sigmoid,
    Pointwise::Tanh,
];

fn is_exponential(f: Pointwise) -> bool {
    matches!(f, Pointwise::Elu { .. } | Pointwise::Sigmoid | Pointwise::Tanh)
}

/// Runs `compute` on each instruction set and compares: all of them, or only those with fused multiply-add.
fn assert_alike(what: &str, fused_only: bool, compute: impl Fn() -> Vec<f32>) {
    let mut first = None;
    for isa in Isa::available().into_iter().filter(|&isa| !fused_only || isa != Isa::Portable) {
        let values = isa.scope(&compute);
        let expected = first.get_or_insert_with(|| values.clone());
        assert_same_bits(format!("{what} on {isa}"), &values, expected);
    }
}

/// `compute` on the first `len` of more elements; the others must keep their values.
fn inside<const N: usize>(len: usize, seed: u64, mut compute: impl FnMut([&mut [f32]; N])) -> Vec<f32> {
    const BEHIND: usize = 20;
    let mut arrays: [Vec<f32>; N] = std::array::from_fn(|i| {
        reals::<f32>(seed + i as u64, len + BEHIND).iter().map(|z| 9.0 * z).collect()
    });
    let before = arrays.clone();
    compute(arrays.each_mut().map(|array| &mut array[..len]));
    for (array, before) in arrays.iter().zip(&before) {
        assert_same_bits("behind the end", &array[len..], &before[len..]);
    }
    arrays.iter().flat_map(|array| &array[..len]).copied().collect()
}

#[test]
fn activations() {
    for f in ACTIVATIONS {
        for len in LENGTHS {
            let what = format!("{f:?} of {len}");
            assert_alike(&what, is_exponential(f), || inside(len, 1, |[z]| f.apply(z)));
            assert_alike(&what, false, || inside(len, 1, |[y, dy]| f.backward(y, dy)));
        }
    }
}

#[test]
fn each_element_is_computed_as_if_alone() {
    for isa in Isa::available() {
        isa.scope(|| {
            for f in ACTIVATIONS {
                for len in LENGTHS {
                    let (y, alone) = (inside(len, 1, |[z]| f.apply(z)), |[z]: [&mut [f32]; 1]| {
                        z.chunks_mut(1).for_each(|z| f.apply(z));
                    });
                    assert_same_bits(format!("{f:?} of {len} on {isa}"), &y, &inside(len, 1, alone));
                }
            }
        });
    }
}

#[test]
fn rows_of_channels() {
    const ROWS: usize = 3;
    for channels in LENGTHS.filter(|&channels| channels > 0) {
        let bias = reals::<f32>(5, channels);
        for f in ACTIVATIONS {
            let what = format!("epilogue of {channels} channels with {f:?}");
            let epilogue = Epilogue { bias: Some(&bias), activation: f };
            assert_alike(&what, is_exponential(f), || {
                inside(ROWS * channels, 1, |[z]| epilogue.apply(z, channels))
            });
        }
        assert_alike(&format!("softmax of {channels}"), true, || {
            inside(ROWS * channels, 1, |[z]| softmax(z, channels))
        });
        assert_alike(&format!("softmax_backward of {channels}"), false, || {
            inside(ROWS * channels, 1, |[y, dy]| softmax_backward(y, dy, channels))
        });
        assert_alike(&format!("grad_bias of {channels}"), false, || {
            let dz = reals::<f32>(6, 100 * channels);
            inside(channels, 1, |[sum]| grad_bias(&dz, sum))
        });
    }
}

/// Each product is rounded before it is added, so the portable set gives these bits, too.
#[test]
fn normalisation() {
    const ROWS: usize = 5;
    for channels in LENGTHS.filter(|&channels| channels > 0) {
        let [x, dy] = [1, 2].map(|seed| reals::<f32>(seed, ROWS * channels));
        let [mean, scale, shift, slope] = [3, 4, 5, 6].map(|seed| reals::<f32>(seed, channels));
        let what = |kernel: &str| format!("{kernel} of {channels} channels");
        assert_alike(&what("normalize"), false, || {
            inside(x.len(), 7, |[y]| normalize(&x, &mean, &scale, &shift, y))
        });
        assert_alike(&what("add_squared_deviations"), false, || {
            inside(channels, 7, |[sum]| add_squared_deviations(&x, &mean, sum))
        });
        assert_alike(&what("add_normalize_sums"), false, || {
            inside(2 * channels, 7, |[sums]| add_normalize_sums(&x, &dy, &mean, sums))
        });
        assert_alike(&what("normalize_grad_input"), false, || {
            inside(x.len(), 7, |[dx]| normalize_grad_input(&x, [&mean, &scale, &shift, &slope], dx))
        });
        assert_alike(&what("scale_rows"), false, || inside(x.len(), 7, |[dy]| scale_rows(&scale, dy)));
    }
}

#[test]
fn one_pass_backward_is_backward_and_bias_gradient() {
    // Up to several terms of the sum over rows, for short rows and for long ones.
    let shapes = [(0, 5), (1, 1), (70, 16), (1023, 7), (1025, 33), (3000, 32), (200, 600)];
    for isa in Isa::available() {
        for (rows, channels) in shapes {
            let y = reals::<f32>(1, rows * channels);
            let dy = reals::<f32>(2, rows * channels);
            for f in ACTIVATIONS {
                let what = format!("{f:?} of {rows}x{channels} on {isa}");
                let (mut dz, mut sum) = (dy.clone(), reals::<f32>(3, channels));
                isa.scope(|| {
                    f.backward(&y, &mut dz);
                    grad_bias(&dz, &mut sum);
                });
                let (mut dz_once, mut sum_once) = (dy.clone(), reals::<f32>(3, channels));
                isa.scope(|| activation_backward_with_bias(f, &y, &mut dz_once, Some(&mut sum_once)));
                assert_same_bits(format!("dz, {what}"), &dz_once, &dz);
                assert_same_bits(format!("sum, {what}"), &sum_once, &sum);

                let mut dz_alone = dy.clone();
                isa.scope(|| activation_backward_with_bias(f, &y, &mut dz_alone, None));
                assert_same_bits(format!("dz alone, {what}"), &dz_alone, &dz);
            }
        }
    }
}

#[test]
fn poolings() {
    for channels in LENGTHS.filter(|&channels| channels > 0) {
        // Windows side by side that leave a column over, and windows that overlap and hang over the edge.
        for (window, stride, padding) in [((2, 2), (2, 2), Padding::Valid), ((3, 3), (2, 2), Padding::Same)] {
            let g = PoolGeometry::new((4, 5), channels, window, stride, padding).expect("valid");
            let x = reals::<f32>(1, 2 * g.input_len());
            let dy = reals::<f32>(2, 2 * g.output_len());
            assert_alike(&format!("max_pool of {channels} channels"), false, || {
                let mut places = vec![u16::MAX; dy.len() + 20];
                let (argmax, behind) = places.split_at_mut(dy.len());
                let y = inside(dy.len(), 3, |[y]| max_pool(&g, &x, y, argmax));
                assert!(behind.iter().all(|&place| place == u16::MAX), "places behind the end");
                let dx = inside(x.len(), 3, |[dx]| max_pool_grad_input(&g, &dy, argmax, dx));
                [y, dx, argmax.iter().map(|&place| f32::from(place)).collect()].concat()
            });
            assert_alike(&format!("avg_pool of {channels} channels"), false, || {
                let y = inside(dy.len(), 3, |[y]| avg_pool(&g, &x, y));
                let dx = inside(x.len(), 3, |[dx]| avg_pool_grad_input(&g, &dy, dx));
                [y, dx].concat()
            });
            assert_alike(&format!("global_avg_pool of {channels} channels"), false, || {
                let y = inside(2 * channels, 3, |[y]| global_avg_pool(20, channels, &x, y));
                let dx = inside(x.len(), 3, |[dx]| global_avg_pool_grad_input(20, channels, &y, dx));
                [y, dx].concat()
            });
        }
    }
}

#[test]
fn optimizers() {
    let step = AdamStep { alpha: 0.1, one_minus_beta1: 0.1, one_minus_beta2: 0.001, epsilon: 1e-7 };
    for len in LENGTHS {
        let g = reals::<f32>(9, len);
        assert_alike(&format!("sgd of {len}"), false, || inside(len, 1, |[w]| sgd(w, &g, 0.1)));
        for nesterov in [false, true] {
            assert_alike(&format!("sgd_momentum of {len}"), false, || {
                inside(len, 1, |[w, v]| sgd_momentum(w, v, &g, 0.1, 0.9, nesterov))
            });
        }
        assert_alike(&format!("adam of {len}"), false, || {
            inside(len, 1, |[w, m, v]| {
                v.iter_mut().for_each(|v| *v = v.abs());
                adam(w, m, v, &g, step);
            })
        });
    }
}
