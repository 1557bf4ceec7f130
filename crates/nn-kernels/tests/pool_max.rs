//! Max pooling: the reference's bits, and the rules for ties, NaN and padding.

mod comparison;
mod pool_cases;
mod random_arrays;

use comparison::assert_same_bits;
use nn_kernels::conv::Padding;
use nn_kernels::pool::{PoolGeometry, max_pool, max_pool_grad_input, max_pool_values};
use nn_kernels::{Isa, Real, reference};
use pool_cases::{PoolCase, any_case, hand_list};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random_arrays::{integers, integers_up_to, poison};

/// `y` and `argmax`, both poisoned before.
fn pooled<R: Real>(g: &PoolGeometry, x: &[R]) -> (Vec<R>, Vec<u16>) {
    let outputs = x.len() / g.input_len() * g.output_len();
    let (mut y, mut argmax) = (poison(outputs), vec![u16::MAX; outputs]);
    max_pool(g, x, &mut y, &mut argmax);
    (y, argmax)
}

/// The place of each window's winner, found by a walk over the window that knows nothing of the kernel.
fn literal_argmax<R: Real>(g: &PoolGeometry, x: &[R]) -> Vec<u16> {
    let images = x.len() / g.input_len();
    let mut places = Vec::new();
    for output in 0..images * g.output_len() {
        let (pixel, c) = (output / g.channels, output % g.channels);
        let (image, oh, ow) = (pixel / (g.out_h * g.out_w), pixel / g.out_w % g.out_h, pixel % g.out_w);
        let taps = (0..g.window_h * g.window_w).filter_map(|tap| {
            let ih = (oh * g.stride_h + tap / g.window_w).checked_sub(g.pad_top)?;
            let iw = (ow * g.stride_w + tap % g.window_w).checked_sub(g.pad_left)?;
            let inside = ih < g.in_h && iw < g.in_w;
            inside.then(|| (tap, x[((image * g.in_h + ih) * g.in_w + iw) * g.channels + c]))
        });
        let taps: Vec<(usize, R)> = taps.collect();
        let first_nan = taps.iter().find(|(_, value)| value.is_nan());
        let largest = taps.iter().map(|&(_, value)| value).fold(R::neg_infinity(), R::max);
        let first_largest = taps.iter().find(|&&(_, value)| value == largest);
        places.push(first_nan.or(first_largest).expect("every window holds a pixel").0 as u16);
    }
    places
}

/// Compares with the reference on every instruction set of this processor.
fn check<R: Real>(case: &PoolCase, x: &[R]) {
    for isa in Isa::available() {
        isa.scope(|| check_here(case, x));
    }
}

fn check_here<R: Real>(case: &PoolCase, x: &[R]) {
    let g = case.geometry();
    let case = format!("{case:?} on {}", Isa::current());
    let (y, argmax) = pooled(&g, x);
    let (mut expected, mut values) = (poison(y.len()), poison(y.len()));
    reference::max_pool2d(&g, x, &mut expected);
    assert_same_bits(format!("y of {case}"), &y, &expected);
    max_pool_values(&g, x, &mut values);
    assert_same_bits(format!("y alone of {case}"), &values, &expected);
    assert_eq!(argmax, literal_argmax(&g, x), "argmax of {case}");

    let dy = integers::<R>(2, y.len());
    let (mut dx, mut expected) = (poison(x.len()), poison(x.len()));
    max_pool_grad_input(&g, &dy, &argmax, &mut dx);
    reference::max_pool2d_grad_input(&g, x, &dy, &mut expected);
    assert_same_bits(format!("dx of {case}"), &dx, &expected);
}

/// Few different values, so that most windows have ties.
fn with_ties<R: Real>(case: &PoolCase) -> Vec<R> {
    integers_up_to(1, 1, case.images * case.geometry().input_len())
}

/// Ties, both zeros, both infinities and NaN.
fn with_special_values<R: Real>(case: &PoolCase) -> Vec<R> {
    let special = [
        R::nan(),
        -R::zero(),
        R::zero(),
        R::infinity(),
        R::neg_infinity(),
        R::one(),
        R::max_value(),
        -R::one(),
    ];
    let choice = integers_up_to::<f64>(12, 3, case.images * case.geometry().input_len());
    choice.iter().map(|&i| if i < 8.0 { special[i.abs() as usize % 8] } else { R::of(i) }).collect()
}

#[test]
fn hand_list_is_exact() {
    for case in hand_list() {
        check::<f32>(&case, &with_ties(&case));
        check::<f64>(&case, &with_ties(&case));
        check::<f32>(&case, &with_special_values(&case));
        check::<f64>(&case, &with_special_values(&case));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(3),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_geometry_is_exact(case in any_case()) {
        check::<f32>(&case, &with_ties(&case));
        check::<f64>(&case, &with_special_values(&case));
    }
}

/// One window of 2x2 on the given four pixels: the value and its place.
fn one_window(x: [f32; 4]) -> (f32, u16) {
    let g = PoolGeometry::new((2, 2), 1, (2, 2), (2, 2), Padding::Valid).expect("valid");
    let (y, argmax) = pooled(&g, &x);
    (y[0], argmax[0])
}

#[test]
fn first_of_equals_wins() {
    assert_eq!(one_window([1.0, 2.0, 2.0, 2.0]), (2.0, 1));
    assert_eq!(one_window([-3.0; 4]), (-3.0, 0));
    // The zeros are equal: the first keeps its sign.
    let (y, place) = one_window([-1.0, -0.0, 0.0, -1.0]);
    assert!(y.is_sign_negative() && place == 1);
}

#[test]
fn first_nan_wins_over_everything() {
    let second_nan = f32::from_bits(f32::NAN.to_bits() | 1);
    let (y, place) = one_window([f32::INFINITY, f32::NAN, second_nan, f32::INFINITY]);
    assert_eq!((y.to_bits(), place), (f32::NAN.to_bits(), 1));
    let (y, place) = one_window([1.0, 2.0, 3.0, f32::NAN]);
    assert!(y.is_nan() && place == 3);
}

#[test]
fn padding_never_wins() {
    let case = PoolCase {
        images: 2,
        input: (3, 3),
        channels: 2,
        window: (3, 3),
        stride: (1, 1),
        padding: Padding::Explicit { top: 2, bottom: 2, left: 2, right: 2 },
    };
    let g = case.geometry();
    for lowest in [-5.0, f32::MIN, f32::NEG_INFINITY] {
        let x = vec![lowest; 2 * g.input_len()];
        let (y, _) = pooled(&g, &x);
        assert!(y.iter().all(|&y| y == lowest), "a window of {lowest} gave {y:?}");
        // The gradient reaches pixels only; all of it arrives.
        check(&case, &x);
    }
}

/// A window of the largest size allowed: the last place is 65,535.
#[test]
fn argmax_of_the_largest_window() {
    let g = PoolGeometry::new((256, 256), 1, (256, 256), (1, 1), Padding::Valid).expect("valid");
    let mut x = vec![0f32; g.input_len()];
    x[65_535] = 1.0;
    let (y, argmax) = pooled(&g, &x);
    assert_eq!((y[0], argmax[0]), (1.0, u16::MAX));
    let mut dx = poison(x.len());
    max_pool_grad_input(&g, &[7f32], &argmax, &mut dx);
    x[65_535] = 7.0;
    assert_same_bits("dx", &dx, &x);
}

#[test]
fn gradients_of_overlapping_windows_add_up() {
    // Windows [1 9] and [9 2] share their winner.
    let g = PoolGeometry::new((1, 3), 1, (1, 2), (1, 1), Padding::Valid).expect("valid");
    let x = [1f64, 9.0, 2.0];
    let (y, argmax) = pooled(&g, &x);
    assert_eq!((y, &argmax[..]), (vec![9.0, 9.0], &[1, 0][..]));
    let mut dx = [f64::NAN; 3];
    max_pool_grad_input(&g, &[10.0, 5.0], &argmax, &mut dx);
    assert_eq!(dx, [0.0, 15.0, 0.0]);
}
