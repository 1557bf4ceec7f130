//! Average and global average pooling: the reference's bits wherever no rounding happens.

mod comparison;
mod pool_cases;
mod random_arrays;

use comparison::{assert_same_bits, inner_product};
use nn_kernels::conv::Padding;
use nn_kernels::pool::{
    PoolGeometry, avg_pool, avg_pool_grad_input, global_avg_pool, global_avg_pool_grad_input,
};
use nn_kernels::{Isa, Real, reference};
use pool_cases::{PoolCase, any_case, hand_list};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random_arrays::{integers, poison};

/// A multiple of every number of taps that a window of up to 4x4 can have inside the image.
const ALL_COUNTS: f64 = 144.0;

/// Compares with the reference on every instruction set of this processor.
fn check<R: Real>(case: &PoolCase) {
    for isa in Isa::available() {
        isa.scope(|| check_here::<R>(case));
    }
}

fn check_here<R: Real>(case: &PoolCase) {
    let g = case.geometry();
    let images = case.images;
    let case = format!("{case:?} on {}", Isa::current());
    // One rounding, of an exact sum's quotient.
    let x = integers::<R>(1, images * g.input_len());
    let (mut y, mut expected) = (poison(images * g.output_len()), poison(images * g.output_len()));
    avg_pool(&g, &x, &mut y);
    reference::avg_pool2d(&g, &x, &mut expected);
    assert_same_bits(format!("y of {case}"), &y, &expected);

    // Every share of `dy` is an integer, and so is every sum of shares.
    let dy: Vec<R> = integers::<R>(2, y.len()).iter().map(|&dy| dy * R::of(ALL_COUNTS)).collect();
    let (mut dx, mut expected) = (poison(x.len()), poison(x.len()));
    avg_pool_grad_input(&g, &dy, &mut dx);
    reference::avg_pool2d_grad_input(&g, &dy, &mut expected);
    assert_same_bits(format!("dx of {case}"), &dx, &expected);

    // The gradient is the adjoint of the mean.
    let x: Vec<R> = x.iter().map(|&x| x * R::of(ALL_COUNTS)).collect();
    avg_pool(&g, &x, &mut y);
    assert_eq!(inner_product(&y, &dy), inner_product(&x, &dx), "<x, dx> of {case}");
}

/// Global pooling is average pooling with one window.
fn check_global<R: Real>(images: usize, input: (usize, usize), channels: usize) {
    let case = PoolCase { images, input, channels, window: input, stride: (1, 1), padding: Padding::Valid };
    let (g, pixels) = (case.geometry(), input.0 * input.1);
    let x = integers::<R>(1, images * g.input_len());
    let (mut y, mut expected) = (poison(images * channels), poison(images * channels));
    global_avg_pool(pixels, channels, &x, &mut y);
    reference::avg_pool2d(&g, &x, &mut expected);
    assert_same_bits(format!("global y of {case:?}"), &y, &expected);

    let dy = integers::<R>(2, y.len());
    let (mut dx, mut expected) = (poison(x.len()), poison(x.len()));
    global_avg_pool_grad_input(pixels, channels, &dy, &mut dx);
    reference::avg_pool2d_grad_input(&g, &dy, &mut expected);
    assert_same_bits(format!("global dx of {case:?}"), &dx, &expected);
}

#[test]
fn hand_list_is_exact() {
    for case in hand_list() {
        check::<f32>(&case);
        check::<f64>(&case);
    }
}

#[test]
fn global_is_exact() {
    for images in [0, 1, 3] {
        for input in [(1, 1), (2, 2), (7, 7), (1, 13)] {
            for channels in [1, 7, 16, 33] {
                check_global::<f32>(images, input, channels);
                check_global::<f64>(images, input, channels);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_geometry_is_exact(case in any_case()) {
        check::<f32>(&case);
        check::<f64>(&case);
    }
}

#[test]
fn padding_is_not_counted() {
    // Windows [_ 3 6], [3 6 9], [6 9 _] of 3 6 9.
    let padding = Padding::Explicit { top: 0, bottom: 0, left: 1, right: 1 };
    let g = PoolGeometry::new((1, 3), 1, (1, 3), (1, 1), padding).expect("valid");
    let mut y = [f64::NAN; 3];
    avg_pool(&g, &[3.0, 6.0, 9.0], &mut y);
    assert_eq!(y, [4.5, 6.0, 7.5]);
    let mut dx = [f64::NAN; 3];
    avg_pool_grad_input(&g, &[2.0, 3.0, 4.0], &mut dx);
    assert_eq!(dx, [1.0 + 1.0, 1.0 + 1.0 + 2.0, 1.0 + 2.0]);
}

#[test]
fn global_by_hand() {
    // Two pixels of two channels in each of two images.
    let x = [1f32, 10.0, 3.0, 20.0, 5.0, 30.0, 9.0, 50.0];
    let mut y = [f32::NAN; 4];
    global_avg_pool(2, 2, &x, &mut y);
    assert_eq!(y, [2.0, 15.0, 7.0, 40.0]);
    let mut dx = [f32::NAN; 8];
    global_avg_pool_grad_input(2, 2, &y, &mut dx);
    assert_eq!(dx, [1.0, 7.5, 1.0, 7.5, 3.5, 20.0, 3.5, 20.0]);
}

#[test]
fn nan_spreads_to_the_windows_that_hold_it() {
    let g = PoolGeometry::new((1, 4), 1, (1, 2), (1, 2), Padding::Valid).expect("valid");
    let mut y = [0f32; 2];
    avg_pool(&g, &[1.0, f32::NAN, 2.0, 4.0], &mut y);
    assert!(y[0].is_nan());
    assert_eq!(y[1], 3.0);
}

#[test]
fn mean_of_negative_zeros_is_zero() {
    let g = PoolGeometry::new((1, 2), 1, (1, 2), (1, 2), Padding::Valid).expect("valid");
    let (mut y, mut expected) = ([f32::NAN], [f32::NAN]);
    avg_pool(&g, &[-0.0, -0.0], &mut y);
    reference::avg_pool2d(&g, &[-0.0, -0.0], &mut expected);
    assert_same_bits("y", &y, &[0.0]);
    assert_same_bits("reference", &expected, &[0.0]);
}
