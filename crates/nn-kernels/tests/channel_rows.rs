//! What works on rows of channels: softmax, the epilogue's bias and the bias gradient.

mod comparison;
mod random_arrays;

use approx::{assert_abs_diff_eq, assert_relative_eq};
use comparison::assert_same_bits;
use nn_kernels::elementwise::{grad_bias, softmax, softmax_backward};
use nn_kernels::{Epilogue, Pointwise, Real};
use random_arrays::{integers, reals};

fn softmax_of<R: Real>(z: &[R], channels: usize) -> Vec<R> {
    let mut y = z.to_vec();
    softmax(&mut y, channels);
    y
}

#[test]
fn softmax_is_the_formula() {
    for channels in [1, 2, 7, 16, 33, 1000] {
        let z: Vec<f64> = reals::<f64>(1, 13 * channels).iter().map(|z| 20.0 * z).collect();
        let y = softmax_of(&z, channels);
        let z32: Vec<f32> = z.iter().map(|&z| z as f32).collect();
        let y32 = softmax_of(&z32, channels);
        for (row, z) in z.chunks_exact(channels).enumerate() {
            let sum: f64 = z.iter().map(|z| z.exp()).sum();
            for (c, z) in z.iter().enumerate() {
                let i = row * channels + c;
                assert_relative_eq!(y[i], z.exp() / sum, max_relative = 1e-13);
                // The logits themselves are rounded: by up to 20·u.
                assert_abs_diff_eq!(f64::from(y32[i]), z.exp() / sum, epsilon = 2e-6);
            }
        }
    }
}

#[test]
fn softmax_rows_sum_to_one() {
    for channels in [1, 2, 7, 1000, 20_000] {
        let rows = if channels > 1000 { 3 } else { 60_000 / channels };
        // What rounding may do to the sum that the row is divided by: 6e-7 for 7 channels.
        let epsilon = (8.0 + (channels as f64).sqrt()) * 2f64.powi(-24);
        for scale in [1.0, 100.0, 1e4] {
            let z: Vec<f32> = reals::<f32>(2, rows * channels).iter().map(|z| scale * z).collect();
            for row in softmax_of(&z, channels).chunks_exact(channels) {
                let sum: f64 = row.iter().map(|&y| f64::from(y)).sum();
                assert_abs_diff_eq!(sum, 1.0, epsilon = epsilon);
                assert!(row.iter().all(|y| (0.0..=1.0).contains(y)), "{row:?}");
            }
        }
    }
}

#[test]
fn softmax_of_large_logits_is_finite() {
    assert_eq!(softmax_of(&[1e4f32, -1e4, 1e4, -1e4], 4), [0.5, 0.0, 0.5, 0.0]);
    assert_eq!(softmax_of(&[3.4e38f32, -3.4e38], 2), [1.0, 0.0]);
    assert_eq!(softmax_of(&[-3.4e38f32, -3.4e38], 2), [0.5, 0.5]);
    assert_eq!(softmax_of(&[0f32, f32::NEG_INFINITY], 2), [1.0, 0.0]);
    assert_eq!(softmax_of(&[42f32], 1), [1.0]);
}

#[test]
fn softmax_does_not_change_when_all_logits_shift() {
    // Integers, so that the shifted logits are exact.
    let z = integers::<f32>(3, 70);
    for shift in [-5000.0, 64.0, 10_000.0] {
        let shifted: Vec<f32> = z.iter().map(|z| z + shift).collect();
        assert_same_bits(format!("shift {shift}"), &softmax_of(&shifted, 7), &softmax_of(&z, 7));
    }
}

#[test]
fn softmax_keeps_nan_in_its_row() {
    let y = softmax_of(&[1f32, 2.0, f32::NAN, 0.0, 1.0, 1.0], 2);
    assert!(y[2].is_nan() && y[3].is_nan());
    assert_same_bits("other rows", &y[..2], &softmax_of(&[1.0, 2.0], 2));
    assert_eq!(y[4..], [0.5, 0.5]);
}

#[test]
fn softmax_backward_is_the_gradient() {
    let h = 1e-5;
    for channels in [1, 2, 7, 40] {
        let rows = 5;
        let z: Vec<f64> = reals::<f64>(4, rows * channels).iter().map(|z| 3.0 * z).collect();
        let dy = reals::<f64>(5, rows * channels);
        let mut dz = dy.clone();
        softmax_backward(&softmax_of(&z, channels), &mut dz, channels);
        // Loss <dy, softmax(z)>, one logit moved at a time.
        let loss = |z: &[f64]| -> f64 { softmax_of(z, channels).iter().zip(&dy).map(|(y, dy)| y * dy).sum() };
        for i in 0..z.len() {
            let moved = |by: f64| {
                let mut z = z.clone();
                z[i] += by;
                loss(&z)
            };
            let slope = (moved(h) - moved(-h)) / (2.0 * h);
            assert_abs_diff_eq!(dz[i], slope, epsilon = 1e-9);
        }
        for row in dz.chunks_exact(channels) {
            assert_abs_diff_eq!(row.iter().sum::<f64>(), 0.0, epsilon = 1e-14);
        }
    }
}

#[test]
fn softmax_backward_handles_rows_of_several_chunks_alike() {
    let (rows, channels) = (5000, 7);
    let y = softmax_of(&reals::<f32>(6, rows * channels), channels);
    let dy = reals::<f32>(7, rows * channels);
    let mut together = dy.clone();
    softmax_backward(&y, &mut together, channels);
    let mut one_by_one = dy;
    for (y, dy) in y.chunks_exact(channels).zip(one_by_one.chunks_exact_mut(channels)) {
        softmax_backward(y, dy, channels);
    }
    assert_same_bits("dz", &together, &one_by_one);
}

#[test]
fn epilogue_is_bias_and_then_activation() {
    // 7 does not divide a chunk; 20,000 is more than a chunk.
    for (rows, channels) in [(1, 1), (9000, 7), (2000, 16), (3, 20_000), (0, 5)] {
        let z = reals::<f32>(1, rows * channels);
        let bias = reals::<f32>(2, channels);
        for activation in
            [Pointwise::Linear, Pointwise::Relu, Pointwise::Elu { alpha: 1.0 }, Pointwise::Sigmoid]
        {
            let mut expected: Vec<f32> = z.iter().enumerate().map(|(i, z)| z + bias[i % channels]).collect();
            activation.apply(&mut expected);
            let epilogue = Epilogue { bias: Some(&bias), activation };
            let (mut all_threads, mut one_thread) = (z.clone(), z.clone());
            epilogue.apply(&mut all_threads, channels);
            epilogue.apply_block(&mut one_thread, channels);
            assert_same_bits(format!("{rows}x{channels} {activation:?}"), &all_threads, &expected);
            assert_same_bits(format!("{rows}x{channels} {activation:?}, block"), &one_thread, &expected);

            let mut expected = z.clone();
            activation.apply(&mut expected);
            let mut without_bias = z.clone();
            Epilogue { bias: None, activation }.apply(&mut without_bias, channels);
            assert_same_bits(format!("{rows}x{channels} {activation:?}, no bias"), &without_bias, &expected);
        }
        let mut untouched = z.clone();
        Epilogue::NONE.apply(&mut untouched, channels);
        assert_same_bits("none", &untouched, &z);
    }
}

#[test]
fn grad_bias_adds_the_sum_of_all_rows() {
    // Below, at and above the rows that are summed in one go.
    for rows in [0, 1, 1023, 1024, 1025, 5000] {
        for channels in [1, 7, 32] {
            let dz = integers::<f32>(1, rows * channels);
            let mut sums = integers::<f32>(2, channels);
            let mut expected = sums.clone();
            for row in dz.chunks_exact(channels) {
                for (sum, dz) in expected.iter_mut().zip(row) {
                    *sum += dz;
                }
            }
            grad_bias(&dz, &mut sums);
            assert_same_bits(format!("{rows}x{channels}"), &sums, &expected);
        }
    }
}
