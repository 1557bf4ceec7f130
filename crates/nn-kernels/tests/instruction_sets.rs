//! Every instruction set of this processor gives the same bits at every length, and touches nothing behind the end.
//!
//! What needs no fused multiply-add is the same on the portable set as well.

mod comparison;
mod random_arrays;

use comparison::assert_same_bits;
use nn_kernels::elementwise::{activation_backward_with_bias, grad_bias, softmax, softmax_backward};
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
fn inside<const N: usize>(len: usize, seed: u64, compute: impl Fn([&mut [f32]; N])) -> Vec<f32> {
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
