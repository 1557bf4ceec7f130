//! The stages of a convolution, each against what defines it.
//!
//! `im2col` copies patches, `col2im` is its adjoint, and the two gradients are the adjoints of the output:
//! `<A x, c> = <x, A^T c>`. On integers both inner products are exact, so the two sides are equal.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::{assert_same_bits, inner_product};
use conv_cases::{ConvCase, any_case, exact_algorithms_for, hand_list};
use nn_kernels::conv::{self, Algorithm, ConvGeometry, Direction, col2im, im2col};
use nn_kernels::{Epilogue, Real};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use random_arrays::{integers, poison};

/// The patches of all output pixels, one by one from the formula; taps outside the image are zero.
fn literal_patches<R: Real>(g: &ConvGeometry, group: usize, images: usize, x: &[R]) -> Vec<R> {
    let group_c = g.in_c / g.groups;
    let pixel = |image: usize, ih: i64, iw: i64, c: usize| {
        let inside = (0..g.in_h as i64).contains(&ih) && (0..g.in_w as i64).contains(&iw);
        if inside {
            x[((image * g.in_h + ih as usize) * g.in_w + iw as usize) * g.in_c + c]
        } else {
            R::zero()
        }
    };
    let mut patches = Vec::new();
    for image in 0..images {
        for (oh, ow) in grid(g.out_h, g.out_w) {
            for (kh, kw) in grid(g.kh, g.kw) {
                let ih = (oh * g.stride_h + kh * g.dilation_h) as i64 - g.pad_top as i64;
                let iw = (ow * g.stride_w + kw * g.dilation_w) as i64 - g.pad_left as i64;
                let channels = group * group_c..(group + 1) * group_c;
                patches.extend(channels.map(|c| pixel(image, ih, iw, c)));
            }
        }
    }
    patches
}

fn grid(rows: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |row| (0..columns).map(move |column| (row, column)))
}

fn check_patches<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let line_len = g.out_w * g.patch_len();
    let lines = case.images * g.out_h;
    for group in 0..g.groups {
        let expected = literal_patches(&g, group, case.images, &x);
        let mut col = poison(lines * line_len);
        im2col(&g, group, &x, 0..lines, &mut col);
        assert_same_bits(format!("group {group} of {case:?}"), &col, &expected);

        // A stretch that starts and ends inside the batch, across the border of two images.
        let some = lines / 3..lines - lines / 4;
        let mut col = poison(some.len() * line_len);
        im2col(&g, group, &x, some.clone(), &mut col);
        let expected = &expected[some.start * line_len..some.end * line_len];
        assert_same_bits(format!("lines {some:?}, group {group} of {case:?}"), &col, expected);
    }
}

fn check_col2im_is_the_adjoint<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let lines = case.images * g.out_h;
    for group in 0..g.groups {
        let c = integers::<R>(2, lines * g.out_w * g.patch_len());
        let (mut patches, mut sums) = (poison(c.len()), vec![R::zero(); x.len()]);
        im2col(&g, group, &x, 0..lines, &mut patches);
        col2im(&g, group, &c, 0..lines, &mut sums);
        assert_eq!(inner_product(&patches, &c), inner_product(&x, &sums), "group {group} of {case:?}");

        // It adds: a second time doubles.
        let once = sums.clone();
        col2im(&g, group, &c, 0..lines, &mut sums);
        let twice: Vec<R> = once.iter().map(|&sum| sum + sum).collect();
        assert_same_bits(format!("col2im twice, group {group} of {case:?}"), &sums, &twice);
    }
}

fn check_gradients_are_adjoints<R: Real>(case: &ConvCase) {
    let g = case.geometry();
    let x = integers::<R>(1, case.images * g.input_len());
    let w = integers::<R>(2, g.weight_len());
    let dy = integers::<R>(3, case.images * g.output_len());
    for algorithm in Algorithm::ALL {
        let exact = |direction| exact_algorithms_for(&g, direction).any(|exact| exact == algorithm);
        if !Direction::ALL.into_iter().all(exact) {
            continue;
        }
        let (mut y, mut dx, mut dw) = (poison(dy.len()), poison(x.len()), vec![R::zero(); w.len()]);
        conv::output(&g, algorithm, &x, &w, Epilogue::NONE, &mut y);
        conv::grad_input(&g, algorithm, &dy, &w, &mut dx);
        conv::grad_weight(&g, algorithm, &x, &dy, &mut dw);
        let along_y = inner_product(&y, &dy);
        assert_eq!(inner_product(&x, &dx), along_y, "<x, dx> by {algorithm} of {case:?}");
        assert_eq!(inner_product(&w, &dw), along_y, "<w, dw> by {algorithm} of {case:?}");
    }
}

#[test]
fn im2col_rows_are_the_patches() {
    for case in hand_list() {
        check_patches::<f32>(&case);
        check_patches::<f64>(&case);
    }
}

#[test]
fn col2im_is_the_adjoint_of_im2col() {
    hand_list().iter().for_each(check_col2im_is_the_adjoint::<f32>);
}

#[test]
fn gradients_are_adjoints_of_the_output() {
    hand_list().iter().for_each(check_gradients_are_adjoints::<f32>);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2),
        ..ProptestConfig::default()
    })]

    #[test]
    fn stages_of_any_geometry(case in any_case()) {
        check_patches::<f32>(&case);
        check_col2im_is_the_adjoint::<f32>(&case);
        check_gradients_are_adjoints::<f64>(&case);
    }
}
