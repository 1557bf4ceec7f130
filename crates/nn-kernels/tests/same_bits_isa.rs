//! The same bits on every instruction set with fused multiply-add, whatever the width of its vectors.
//!
//! Holds for what sums in a fixed order with columns or channels in the lanes: the matrix product and every algorithm of
//! convolution. The portable set rounds each multiplication, so it differs, and that is tested as well: the inputs
//! would show a difference.

mod comparison;
mod conv_cases;
mod random_arrays;

use comparison::assert_same_bits;
use conv_cases::{ConvCase, algorithms_for, hand_list};
use ndarray::{ArrayView2, ArrayViewMut2};
use nn_kernels::conv::{self, Algorithm, ConvGeometry, Direction};
use nn_kernels::gemm::{Update, gemm, gemm_block};
use nn_kernels::{Epilogue, Isa, Pointwise};
use random_arrays::{poison, reals};

/// Runs `compute` on each fused instruction set; `true` if the portable set gives other bits.
fn assert_width_does_not_matter(what: &str, compute: impl Fn() -> Vec<f32>) -> bool {
    let fused: Vec<_> = Isa::available().into_iter().filter(|&isa| isa != Isa::Portable).collect();
    let Some((&first, others)) = fused.split_first() else {
        eprintln!("skipped: {what} (this processor has the portable set only)");
        return true;
    };
    let expected = first.scope(&compute);
    for isa in others {
        assert_same_bits(format!("{what}: {isa} and {first}"), &isa.scope(&compute), &expected);
    }
    Isa::Portable.scope(&compute) != expected
}

/// One direction of a convolution of random numbers.
fn convolve(g: &ConvGeometry, images: usize, algorithm: Algorithm, direction: Direction) -> Vec<f32> {
    let x = reals::<f32>(1, images * g.input_len());
    let w = reals::<f32>(2, g.weight_len());
    let dy = reals::<f32>(3, images * g.output_len());
    match direction {
        Direction::Output => {
            let bias = reals(4, g.out_c);
            let epilogue = Epilogue { bias: Some(&bias), activation: Pointwise::Relu };
            let mut y = poison(dy.len());
            conv::output(g, algorithm, &x, &w, epilogue, &mut y);
            y
        }
        Direction::GradInput => {
            let mut dx = poison(x.len());
            conv::grad_input(g, algorithm, &dy, &w, &mut dx);
            dx
        }
        Direction::GradWeight => {
            let mut dw = w.clone();
            conv::grad_weight(g, algorithm, &x, &dy, &mut dw);
            dw
        }
    }
}

#[test]
fn convolution() {
    for direction in Direction::ALL {
        for algorithm in Algorithm::ALL {
            let mut portable_differs = algorithm == Algorithm::Reference;
            for case in hand_list() {
                let ConvCase { images, .. } = case;
                let g = case.geometry();
                if algorithms_for(&g, direction).any(|supported| supported == algorithm) {
                    let what = format!("{direction:?} by {algorithm} of {case:?}");
                    let compute = || convolve(&g, images, algorithm, direction);
                    portable_differs |= assert_width_does_not_matter(&what, compute);
                }
            }
            let forward_only = algorithm == Algorithm::Direct && direction != Direction::Output;
            assert!(portable_differs || forward_only, "{direction:?} by {algorithm} never rounded");
        }
    }
}

#[test]
fn matrix_product() {
    let mut portable_differs = false;
    for (m, k, n) in
        [(1, 700, 70), (70, 700, 1), (33, 257, 47), (300, 600, 64), (300, 600, 200), (5, 5000, 33)]
    {
        let (a, b, before) = (reals::<f32>(1, m * k), reals::<f32>(2, k * n), reals::<f32>(3, m * n));
        for (update, all_threads, transposed) in
            [(Update::Assign, true, false), (Update::Add, false, false), (Update::Add, true, true)]
        {
            let what = format!("{m}x{k}x{n} {update:?}, transposed: {transposed}");
            portable_differs |= assert_width_does_not_matter(&what, || {
                let mut c = if update == Update::Add { before.clone() } else { poison(m * n) };
                let function = if all_threads { gemm } else { gemm_block };
                let shape = |rows, columns| if transposed { (columns, rows) } else { (rows, columns) };
                let a = ArrayView2::from_shape(shape(m, k), &a).expect("m·k");
                let b = ArrayView2::from_shape(shape(k, n), &b).expect("k·n");
                let mut out = ArrayViewMut2::from_shape(shape(m, n), &mut c).expect("m·n");
                if transposed {
                    function(a.reversed_axes(), b.reversed_axes(), out.reversed_axes(), update);
                } else {
                    function(a, b, out.view_mut(), update);
                }
                c
            });
        }
    }
    assert!(portable_differs, "no product rounded");
}
