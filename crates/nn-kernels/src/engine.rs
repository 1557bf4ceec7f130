//! Where generic calls become compiled code.
//!
//! The kernels' public functions are generic over [`Real`](crate::Real), but each has only the two instances below.
//! They are compiled once, in this crate, with its optimisation, instead of in every crate that calls them.

use std::ops::Range;

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::conv::{self, Algorithm, ConvGeometry, Direction, depthwise};
use crate::elementwise::{self, Epilogue, Pointwise};
use crate::exp::Constants;
use crate::gemm::{self, Update};
use crate::isa::Dispatch;
use crate::optimizer::{self, AdamStep};
use crate::pool::{self, PoolGeometry};

/// Declares [`Engine`]: each method, and the generic function that it is an instance of.
macro_rules! engine {
    ($(fn $kernel:ident($($argument:ident: $type:ty),* $(,)?) = $generic:path;)*) => {
        /// The kernels of one element type.
        pub trait Engine: Dispatch + 'static {
            #[doc(hidden)]
            const EXP: Constants<Self>;
            $(
                #[doc(hidden)]
                fn $kernel($($argument: $type),*);
            )*
        }

        impl Engine for f32 {
            const EXP: Constants<f32> = Constants::F32;
            $(
                fn $kernel($($argument: $type),*) {
                    $generic($($argument),*)
                }
            )*
        }

        impl Engine for f64 {
            const EXP: Constants<f64> = Constants::F64;
            $(
                fn $kernel($($argument: $type),*) {
                    $generic($($argument),*)
                }
            )*
        }
    };
}

engine! {
    fn gemm_block(
        a: ArrayView2<Self>,
        b: ArrayView2<Self>,
        c: ArrayViewMut2<Self>,
        update: Update,
    ) = gemm::gemm_block_of;

    fn conv_prepare(
        g: &ConvGeometry,
        algorithm: Algorithm,
        direction: Direction,
        w: &[Self],
        prepared: &mut [Self],
    ) = conv::prepare_of;
    fn conv_output(
        g: &ConvGeometry,
        algorithm: Algorithm,
        x: &[Self],
        w: &[Self],
        epilogue: Epilogue<Self>,
        y: &mut [Self],
    ) = conv::output_of;
    fn conv_grad_input(
        g: &ConvGeometry,
        algorithm: Algorithm,
        dy: &[Self],
        w: &[Self],
        dx: &mut [Self],
    ) = conv::grad_input_of;
    fn conv_grad_weight(
        g: &ConvGeometry,
        algorithm: Algorithm,
        x: &[Self],
        dy: &[Self],
        dw: &mut [Self],
    ) = conv::grad_weight_of;
    fn conv_gradients(
        g: &ConvGeometry,
        algorithm: Algorithm,
        x: &[Self],
        dy: &[Self],
        w: &[Self],
        dw: &mut [Self],
        dx: &mut [Self],
    ) = conv::gradients_of;
    fn depthwise_output(
        g: &ConvGeometry,
        first_line: usize,
        x: &[Self],
        w: &[Self],
        y: &mut [Self],
    ) = depthwise::output_of;
    fn depthwise_grad_input(
        g: &ConvGeometry,
        first_line: usize,
        dy: &[Self],
        w: &[Self],
        dx: &mut [Self],
    ) = depthwise::grad_input_of;
    fn depthwise_grad_weight(
        g: &ConvGeometry,
        lines: Range<usize>,
        x: &[Self],
        dy: &[Self],
        dw: &mut [Self],
    ) = depthwise::grad_weight_of;

    fn epilogue(epilogue: Epilogue<Self>, z: &mut [Self]) = elementwise::epilogue_of;
    fn backward(function: Pointwise, y: &[Self], dy: &mut [Self]) = elementwise::backward_of;
    fn backward_with_bias(
        function: Pointwise,
        y: &[Self],
        dy: &mut [Self],
        sum: &mut [Self],
    ) = elementwise::backward_with_bias_of;
    fn add_rows(rows: &[Self], sum: &mut [Self]) = elementwise::add_rows_of;
    fn normalize(
        x: &[Self],
        mean: &[Self],
        scale: &[Self],
        shift: &[Self],
        y: &mut [Self],
    ) = elementwise::normalize_of;
    fn add_squared_deviations(x: &[Self], mean: &[Self], sum: &mut [Self])
        = elementwise::add_squared_deviations_of;
    fn add_normalize_sums(x: &[Self], dy: &[Self], mean: &[Self], sums: &mut [Self])
        = elementwise::add_normalize_sums_of;
    fn normalize_grad_input(x: &[Self], channels: [&[Self]; 4], dy: &mut [Self])
        = elementwise::normalize_grad_input_of;
    fn scale_rows(scale: &[Self], dy: &mut [Self]) = elementwise::scale_rows_of;
    fn softmax(z: &mut [Self], channels: usize) = elementwise::softmax_of;
    fn softmax_backward(y: &[Self], dy: &mut [Self], channels: usize) = elementwise::softmax_backward_of;

    fn max_pool(
        g: &PoolGeometry,
        x: &[Self],
        y: &mut [Self],
        argmax: Option<&mut [u16]>,
    ) = pool::max_pool_of;
    fn max_pool_grad_input(
        g: &PoolGeometry,
        dy: &[Self],
        argmax: &[u16],
        dx: &mut [Self],
    ) = pool::max_pool_grad_input_of;
    fn avg_pool(g: &PoolGeometry, x: &[Self], y: &mut [Self]) = pool::avg_pool_of;
    fn avg_pool_grad_input(g: &PoolGeometry, dy: &[Self], dx: &mut [Self]) = pool::avg_pool_grad_input_of;

    fn sgd(w: &mut [Self], g: &[Self], lr: Self) = optimizer::sgd_of;
    fn sgd_momentum(
        w: &mut [Self],
        velocity: &mut [Self],
        g: &[Self],
        lr: Self,
        momentum: Self,
        nesterov: bool,
    ) = optimizer::sgd_momentum_of;
    fn adam(
        w: &mut [Self],
        m: &mut [Self],
        v: &mut [Self],
        g: &[Self],
        step: AdamStep<Self>,
    ) = optimizer::adam_of;
}
