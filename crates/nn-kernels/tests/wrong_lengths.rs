//! A slice of the wrong length panics with the operand's name before anything is computed.

use ndarray::Array2;
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Padding};
use nn_kernels::elementwise::{
    activation_backward_with_bias, add_normalize_sums, add_squared_deviations, grad_bias, normalize,
    normalize_grad_input, scale_rows, softmax, softmax_backward,
};
use nn_kernels::gemm::{Update, gemm, gemm_block};
use nn_kernels::optimizer::{AdamStep, adam, sgd, sgd_momentum};
use nn_kernels::pool::{
    PoolGeometry, avg_pool, avg_pool_grad_input, global_avg_pool, global_avg_pool_grad_input, max_pool,
    max_pool_grad_input, max_pool_values,
};
use nn_kernels::{Epilogue, Pointwise};

/// Declares one test per line: its name, the words of the panic, the call.
macro_rules! panics {
    ($($name:ident: $message:literal, $call:expr;)*) => {
        $(
            #[test]
            #[should_panic(expected = $message)]
            fn $name() {
                $call;
            }
        )*
    };
}

/// Input 3x3x2 (18), kernel 2x2 to 3 channels (weight 24), output 2x2x3 (12).
fn conv_geometry() -> ConvGeometry {
    ConvGeometry::new(&ConvSpec::new((3, 3), 2, 3, (2, 2))).expect("valid")
}

fn output(x: usize, w: usize, y: usize) {
    conv_output(x, w, None, y);
}

fn conv_output(x: usize, w: usize, bias: Option<&[f32]>, y: usize) {
    let epilogue = Epilogue { bias, activation: Pointwise::Linear };
    let (x, w, mut y) = (vec![0.0; x], vec![0.0; w], vec![0.0; y]);
    conv::output(&conv_geometry(), Algorithm::Auto, &x, &w, epilogue, &mut y);
}

fn grad_input(dy: usize, w: usize, dx: usize) {
    let (dy, w, mut dx) = (vec![0f32; dy], vec![0.0; w], vec![0.0; dx]);
    conv::grad_input(&conv_geometry(), Algorithm::Auto, &dy, &w, &mut dx);
}

fn grad_weight(x: usize, dy: usize, dw: usize) {
    let (x, dy, mut dw) = (vec![0f32; x], vec![0.0; dy], vec![0.0; dw]);
    conv::grad_weight(&conv_geometry(), Algorithm::Auto, &x, &dy, &mut dw);
}

fn gradients(x: usize, dy: usize, w: usize, dw: usize, dx: usize) {
    let (x, dy, w, mut dw, mut dx) =
        (vec![0f32; x], vec![0.0; dy], vec![0.0; w], vec![0.0; dw], vec![0.0; dx]);
    conv::gradients(&conv_geometry(), Algorithm::Auto, &x, &dy, &w, &mut dw, &mut dx);
}

panics! {
    output_with_part_of_an_image: "input: expected 18 elements, got 19", output(19, 24, 12);
    output_with_short_weight: "weight: expected 24 elements, got 23", output(18, 23, 12);
    output_with_short_output: "output: expected 24 elements, got 12", output(36, 24, 12);
    output_with_long_output: "output: expected 12 elements, got 13", output(18, 24, 13);
    output_of_nothing_with_output: "output: expected 0 elements, got 12", output(0, 24, 12);
    output_with_short_bias: "bias: expected 3 elements, got 2", conv_output(18, 24, Some(&[0.0; 2]), 12);
    output_with_long_bias: "bias: expected 3 elements, got 4", conv_output(18, 24, Some(&[0.0; 4]), 12);
    grad_input_with_part_of_an_image: "input: expected 18 elements, got 35", grad_input(24, 24, 35);
    grad_input_with_long_weight: "weight: expected 24 elements, got 25", grad_input(12, 25, 18);
    grad_input_with_short_gradient: "output: expected 12 elements, got 11", grad_input(11, 24, 18);
    grad_weight_with_part_of_an_image: "input: expected 0 elements, got 17", grad_weight(17, 0, 24);
    grad_weight_with_short_gradient: "output: expected 12 elements, got 0", grad_weight(18, 0, 24);
    grad_weight_with_short_weight: "weight: expected 24 elements, got 0", grad_weight(18, 12, 0);
    gradients_with_short_gradient: "output: expected 12 elements, got 11", gradients(18, 11, 24, 24, 18);
    gradients_with_long_weight: "weight: expected 24 elements, got 25", gradients(18, 12, 25, 24, 18);
    gradients_with_short_weight: "weight: expected 24 elements, got 23", gradients(18, 12, 24, 23, 18);
    gradients_with_less_input: "input gradient: expected 36 elements, got 18", gradients(36, 24, 24, 24, 18);
}

/// The outputs of 64 images together have 2^64 elements: a length that wraps to zero.
#[test]
#[should_panic(expected = "output: expected")]
fn output_length_that_wraps() {
    let wide = 1 << 28;
    let padding = Padding::Explicit { top: wide, bottom: wide - 1, left: wide, right: wide - 1 };
    let spec = ConvSpec { padding, ..ConvSpec::new((1, 1), 1, 1, (1, 1)) };
    let g = ConvGeometry::new(&spec).expect("2^58 elements can be addressed");
    conv::output(&g, Algorithm::Auto, &[0f32; 64], &[1.0], Epilogue::NONE, &mut []);
}

/// Lines 0 and 1 of one image give 4 patches of 8.
fn im2col(col: usize) {
    conv::im2col(&conv_geometry(), 0, &[0f32; 18], 0..2, &mut vec![0.0; col]);
}

fn col2im(col: usize) {
    conv::col2im(&conv_geometry(), 0, &vec![0f32; col], 0..2, &mut [0.0; 18]);
}

panics! {
    im2col_with_short_matrix: "col: expected 32 elements, got 31", im2col(31);
    im2col_with_long_matrix: "col: expected 32 elements, got 40", im2col(40);
    col2im_with_short_matrix: "col: expected 32 elements, got 31", col2im(31);
    col2im_with_long_matrix: "col: expected 32 elements, got 40", col2im(40);
}

/// Input 4x4x2 (32), output 2x2x2 (8).
fn pool_geometry() -> PoolGeometry {
    PoolGeometry::new((4, 4), 2, (2, 2), (2, 2), Padding::Valid).expect("valid")
}

fn max(x: usize, y: usize, argmax: usize) {
    max_pool(&pool_geometry(), &vec![0f32; x], &mut vec![0.0; y], &mut vec![0; argmax]);
}

fn values(x: usize, y: usize) {
    max_pool_values(&pool_geometry(), &vec![0f32; x], &mut vec![0.0; y]);
}

fn max_grad(dy: usize, argmax: usize, dx: usize) {
    max_pool_grad_input(&pool_geometry(), &vec![0f32; dy], &vec![0; argmax], &mut vec![0.0; dx]);
}

fn avg(x: usize, y: usize) {
    avg_pool(&pool_geometry(), &vec![0f32; x], &mut vec![0.0; y]);
}

fn avg_grad(dy: usize, dx: usize) {
    avg_pool_grad_input(&pool_geometry(), &vec![0f32; dy], &mut vec![0.0; dx]);
}

/// 5 pixels of 2 channels.
fn global(x: usize, y: usize) {
    global_avg_pool(5, 2, &vec![0f32; x], &mut vec![0.0; y]);
}

fn global_grad(dy: usize, dx: usize) {
    global_avg_pool_grad_input(5, 2, &vec![0f32; dy], &mut vec![0.0; dx]);
}

panics! {
    max_pool_with_part_of_an_image: "x: expected 32 elements, got 33", max(33, 8, 8);
    max_pool_with_short_output: "y: expected 8 elements, got 7", max(32, 7, 8);
    max_pool_with_short_argmax: "argmax: expected 16 elements, got 8", max(64, 16, 8);
    max_pool_values_with_part_of_an_image: "x: expected 32 elements, got 63", values(63, 16);
    max_pool_values_with_long_output: "y: expected 8 elements, got 16", values(32, 16);
    max_pool_gradient_with_part_of_an_image: "dx: expected 32 elements, got 63", max_grad(8, 8, 63);
    max_pool_gradient_with_long_gradient: "dy: expected 8 elements, got 16", max_grad(16, 8, 32);
    max_pool_gradient_with_short_argmax: "argmax: expected 8 elements, got 0", max_grad(8, 0, 32);
    avg_pool_with_part_of_an_image: "x: expected 0 elements, got 31", avg(31, 0);
    avg_pool_with_long_output: "y: expected 8 elements, got 9", avg(32, 9);
    avg_pool_gradient_with_part_of_an_image: "dx: expected 32 elements, got 40", avg_grad(8, 40);
    avg_pool_gradient_with_short_gradient: "dy: expected 16 elements, got 8", avg_grad(8, 64);
    global_avg_pool_with_short_input: "x: expected 20 elements, got 19", global(19, 4);
    global_avg_pool_with_part_of_a_row: "y: expected 2 elements, got 3", global(15, 3);
    global_avg_pool_gradient_with_long_output: "dx: expected 20 elements, got 21", global_grad(4, 21);
    global_avg_pool_gradient_with_part_of_a_row: "dy: expected 2 elements, got 3", global_grad(3, 15);
}

fn epilogue(z: usize, bias: usize) {
    let bias = vec![0.0; bias];
    Epilogue { bias: Some(&bias), activation: Pointwise::Relu }.apply(&mut vec![0f32; z], 3);
}

fn bias_gradient(dz: usize, channels: usize) {
    grad_bias(&vec![0f32; dz], &mut vec![0.0; channels]);
}

fn one_pass(y: usize, dy: usize, channels: usize) {
    let (y, mut dy, mut sum) = (vec![0f32; y], vec![0.0; dy], vec![0.0; channels]);
    activation_backward_with_bias(Pointwise::Relu, &y, &mut dy, Some(&mut sum));
}

panics! {
    one_pass_backward_with_short_output: "y: expected 6 elements, got 5", one_pass(5, 6, 3);
    one_pass_backward_with_part_of_a_row: "dy: expected 6 elements, got 7", one_pass(7, 7, 3);
    backward_with_short_output: "y: expected 3 elements, got 2",
        Pointwise::Relu.backward(&[0f32; 2], &mut [0.0; 3]);
    linear_backward_with_long_output: "y: expected 3 elements, got 4",
        Pointwise::Linear.backward(&[0f32; 4], &mut [0.0; 3]);
    epilogue_with_short_bias: "bias: expected 3 elements, got 2", epilogue(6, 2);
    epilogue_with_part_of_a_row: "z: expected 6 elements, got 7", epilogue(7, 3);
    grad_bias_with_part_of_a_row: "dz: expected 6 elements, got 7", bias_gradient(7, 3);
    softmax_with_part_of_a_row: "z: expected 6 elements, got 7", softmax(&mut [0f32; 7], 3);
    softmax_backward_with_short_output: "y: expected 6 elements, got 3",
        softmax_backward(&[0f32; 3], &mut [0.0; 6], 3);
    softmax_backward_with_part_of_a_row: "dy: expected 6 elements, got 7",
        softmax_backward(&[0f32; 7], &mut [0.0; 7], 3);
}

fn normalized(x: usize, [mean, scale, shift]: [usize; 3], y: usize) {
    let [mean, scale, shift] = [mean, scale, shift].map(|len| vec![0.0; len]);
    normalize(&vec![0f32; x], &mean, &scale, &shift, &mut vec![0.0; y]);
}

fn squared_deviations(x: usize, mean: usize, sum: usize) {
    add_squared_deviations(&vec![0f32; x], &vec![0.0; mean], &mut vec![0.0; sum]);
}

fn normalize_sums(x: usize, dy: usize, sums: usize) {
    add_normalize_sums(&vec![0f32; x], &vec![0.0; dy], &[0.0; 3], &mut vec![0.0; sums]);
}

fn normalize_grad(x: usize, channels: [usize; 4], dy: usize) {
    let [mean, scale, mean_dy, slope] = channels.map(|len| vec![0.0; len]);
    normalize_grad_input(&vec![0f32; x], [&mean, &scale, &mean_dy, &slope], &mut vec![0.0; dy]);
}

panics! {
    normalize_with_short_output: "y: expected 6 elements, got 5", normalized(6, [3; 3], 5);
    normalize_with_part_of_a_row: "x: expected 6 elements, got 7", normalized(7, [3; 3], 7);
    normalize_with_short_scale: "channels: expected 3 elements, got 2", normalized(6, [3, 2, 3], 6);
    normalize_with_long_shift: "channels: expected 3 elements, got 4", normalized(6, [3, 3, 4], 6);
    squared_deviations_with_part_of_a_row: "x: expected 6 elements, got 8", squared_deviations(8, 3, 3);
    squared_deviations_with_short_sum: "channels: expected 3 elements, got 2", squared_deviations(6, 3, 2);
    normalize_sums_with_short_gradient: "dy: expected 6 elements, got 5", normalize_sums(6, 5, 6);
    normalize_sums_with_part_of_a_row: "x: expected 3 elements, got 5", normalize_sums(5, 5, 6);
    normalize_sums_with_one_sum: "sums: expected 6 elements, got 3", normalize_sums(6, 6, 3);
    normalize_grad_with_long_gradient: "dy: expected 6 elements, got 9", normalize_grad(6, [3; 4], 9);
    normalize_grad_with_part_of_a_row: "x: expected 6 elements, got 7", normalize_grad(7, [3; 4], 7);
    normalize_grad_with_short_scale: "channels: expected 3 elements, got 1",
        normalize_grad(6, [3, 1, 3, 3], 6);
    normalize_grad_with_long_mean: "channels: expected 3 elements, got 6", normalize_grad(6, [3, 3, 6, 3], 6);
    normalize_grad_with_short_slope: "channels: expected 3 elements, got 0",
        normalize_grad(6, [3, 3, 3, 0], 6);
    scale_rows_with_part_of_a_row: "dy: expected 3 elements, got 4", scale_rows(&[1f32; 3], &mut [0.0; 4]);
}

fn momentum(velocity: usize, g: usize) {
    sgd_momentum(&mut [0f32; 5], &mut vec![0.0; velocity], &vec![0.0; g], 0.1, 0.9, false);
}

fn adam_step(m: usize, v: usize, g: usize) {
    let step = AdamStep { alpha: 0.1, one_minus_beta1: 0.1, one_minus_beta2: 0.1, epsilon: 0.1 };
    adam(&mut [0f32; 5], &mut vec![0.0; m], &mut vec![0.0; v], &vec![0.0; g], step);
}

panics! {
    sgd_with_short_gradient: "gradient: expected 5 elements, got 4", sgd(&mut [0f32; 5], &[0.0; 4], 0.1);
    momentum_with_long_gradient: "gradient: expected 5 elements, got 6", momentum(5, 6);
    momentum_with_short_velocity: "velocity: expected 5 elements, got 4", momentum(4, 5);
    momentum_with_long_velocity: "velocity: expected 5 elements, got 6", momentum(6, 5);
    adam_with_short_gradient: "gradient: expected 5 elements, got 4", adam_step(5, 5, 4);
    adam_with_short_first_moment: "m: expected 5 elements, got 4", adam_step(4, 5, 5);
    adam_with_long_second_moment: "v: expected 5 elements, got 6", adam_step(5, 6, 5);
}

type Shape = (usize, usize);

fn product(a: Shape, b: Shape, c: Shape) {
    gemm(
        Array2::<f32>::zeros(a).view(),
        Array2::zeros(b).view(),
        Array2::zeros(c).view_mut(),
        Update::Assign,
    );
}

fn block_product(a: Shape, b: Shape, c: Shape) {
    let (a, b, mut c) = (Array2::<f32>::zeros(a), Array2::zeros(b), Array2::zeros(c));
    gemm_block(a.view(), b.view(), c.view_mut(), Update::Add);
}

// The words are in part those of `ndarray`: no more is asked than that each mismatch panics.
panics! {
    gemm_with_unequal_depth: "", product((2, 3), (4, 5), (2, 5));
    gemm_with_rows_too_few: "", product((1, 3), (3, 5), (2, 5));
    gemm_with_rows_too_many: "", product((3, 3), (3, 5), (2, 5));
    gemm_with_columns_too_few: "", product((2, 3), (3, 4), (2, 5));
    gemm_with_columns_too_many: "", product((2, 3), (3, 6), (2, 5));
    gemm_with_rows_for_nothing: "", product((3, 3), (3, 5), (0, 5));
    gemm_with_columns_for_nothing: "", product((2, 3), (3, 5), (2, 0));
    gemm_block_with_unequal_depth: "", block_product((2, 3), (4, 5), (2, 5));
    gemm_block_with_rows_too_many: "", block_product((3, 3), (3, 5), (2, 5));
    gemm_block_with_columns_too_many: "", block_product((2, 3), (3, 6), (2, 5));
}
