//! Convolutions small enough to work out on paper: what the reference itself is checked with.

mod comparison;

use comparison::assert_same_bits;
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction, Padding};
use nn_kernels::{Epilogue, Pointwise};

fn output(spec: ConvSpec, x: &[f64], w: &[f64], expected: &[f64]) {
    let g = ConvGeometry::new(&spec).expect("valid");
    for algorithm in Algorithm::ALL.into_iter().filter(|a| a.supports(&g, Direction::Output)) {
        let mut y = vec![f64::NAN; expected.len()];
        conv::output(&g, algorithm, x, w, Epilogue::NONE, &mut y);
        assert_same_bits(format!("{algorithm} of {spec:?}"), &y, expected);
    }
}

/// 1 2 3
/// 4 5 6
/// 7 8 9
const ONE_TO_NINE: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];

#[test]
fn kernel_is_not_flipped() {
    // y[0, 0] = 1·1 + 2·10 + 4·100 + 5·1000
    let spec = ConvSpec::new((3, 3), 1, 1, (2, 2));
    output(spec, &ONE_TO_NINE, &[1.0, 10.0, 100.0, 1000.0], &[5421.0, 6532.0, 8754.0, 9865.0]);
}

#[test]
fn same_padding_of_an_even_kernel_is_at_the_end() {
    let spec = ConvSpec { padding: Padding::Same, ..ConvSpec::new((3, 3), 1, 1, (2, 2)) };
    let y = [5421.0, 6532.0, 603.0, 8754.0, 9865.0, 906.0, 87.0, 98.0, 9.0];
    output(spec, &ONE_TO_NINE, &[1.0, 10.0, 100.0, 1000.0], &y);
}

#[test]
fn same_padding_with_stride_two_of_an_even_size_is_at_the_end() {
    // Keras: windows [1 2 3] and [3 4 0] of 1 2 3 4.
    let spec = ConvSpec { padding: Padding::Same, stride: (1, 2), ..ConvSpec::new((1, 4), 1, 1, (1, 3)) };
    output(spec, &[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0], &[321.0, 43.0]);
}

#[test]
fn explicit_padding_is_top_bottom_left_right() {
    let padding = Padding::Explicit { top: 1, bottom: 0, left: 0, right: 2 };
    let spec = ConvSpec { padding, ..ConvSpec::new((1, 1), 1, 1, (1, 1)) };
    output(spec, &[3.0], &[2.0], &[0.0, 0.0, 0.0, 6.0, 0.0, 0.0]);
}

#[test]
fn dilation_skips_pixels_and_stride_moves_the_window() {
    let dilated = ConvSpec { dilation: (2, 2), ..ConvSpec::new((3, 3), 1, 1, (2, 2)) };
    output(dilated, &ONE_TO_NINE, &[1.0, 10.0, 100.0, 1000.0], &[9731.0]);
    let stepped = ConvSpec { stride: (2, 2), ..ConvSpec::new((3, 3), 1, 1, (1, 1)) };
    output(stepped, &ONE_TO_NINE, &[1.0], &[1.0, 3.0, 7.0, 9.0]);
}

#[test]
fn weight_is_kernel_then_input_channel_then_output_channel() {
    // One pixel with channels (1, 2): y[o] = 1·w[0, o] + 2·w[1, o].
    let spec = ConvSpec::new((1, 1), 2, 3, (1, 1));
    output(spec, &[1.0, 2.0], &[1.0, 10.0, 100.0, 5.0, 50.0, 500.0], &[11.0, 110.0, 1100.0]);
}

#[test]
fn groups_see_their_own_channels() {
    // Outputs 0 and 1 see input 0, outputs 2 and 3 see input 1: depthwise with multiplier 2.
    let spec = ConvSpec { groups: 2, ..ConvSpec::new((1, 1), 2, 4, (1, 1)) };
    output(spec, &[3.0, 7.0], &[1.0, 10.0, 100.0, 1000.0], &[3.0, 30.0, 700.0, 7000.0]);
    // y[0] = 1·w[0, 0] + 2·w[1, 0], y[1] = 3·w[0, 1] + 4·w[1, 1]
    let spec = ConvSpec { groups: 2, ..ConvSpec::new((1, 1), 4, 2, (1, 1)) };
    output(spec, &[1.0, 2.0, 3.0, 4.0], &[1.0, 10.0, 100.0, 1000.0], &[201.0, 4030.0]);
}

#[test]
fn gradients() {
    // y[0] = x[0]·w[0] + x[1]·w[1], y[1] = x[1]·w[0] + x[2]·w[1]
    let g = ConvGeometry::new(&ConvSpec::new((1, 3), 1, 1, (1, 2))).expect("valid");
    let (x, w, dy) = ([2.0, 3.0, 5.0], [7.0, 11.0], [1.0, 10.0]);
    for algorithm in Algorithm::ALL {
        let (mut dx, mut dw) = ([f64::NAN; 3], [1000.0, 2000.0]);
        conv::grad_input(&g, algorithm, &dy, &w, &mut dx);
        conv::grad_weight(&g, algorithm, &x, &dy, &mut dw);
        // dx[1] = dy[0]·w[1] + dy[1]·w[0]; dw = 1000 + dy[0]·x[0] + dy[1]·x[1], ..
        assert_same_bits(format!("dx by {algorithm}"), &dx, &[7.0, 81.0, 110.0]);
        assert_same_bits(format!("dw by {algorithm}"), &dw, &[1032.0, 2053.0]);
    }
}

#[test]
fn epilogue_adds_the_bias_of_each_channel_and_then_activates() {
    let g = ConvGeometry::new(&ConvSpec::new((1, 2), 1, 2, (1, 1))).expect("valid");
    let epilogue = Epilogue { bias: Some(&[10.0, -5.0]), activation: Pointwise::Relu };
    for algorithm in Algorithm::ALL {
        let mut y = [f64::NAN; 4];
        // z + bias = (2 + 10, 4 - 5), (3 + 10, 6 - 5)
        conv::output(&g, algorithm, &[2.0, 3.0], &[1.0, 2.0], epilogue, &mut y);
        assert_same_bits(algorithm, &y, &[12.0, 0.0, 13.0, 1.0]);
    }
}
