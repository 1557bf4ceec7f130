//! Where generic calls become compiled code.
//!
//! The kernels' public functions are generic over [`Real`], but each has only the two instances below. They are
//! compiled once, in this crate, with its optimisation, instead of in every crate that calls them.

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::Epilogue;
use crate::conv::{self, Algorithm, ConvGeometry};
use crate::gemm::{self, Update};
use crate::isa::Dispatch;

/// The kernels of one element type.
pub trait Engine: Dispatch {
    #[doc(hidden)]
    fn gemm_block(a: ArrayView2<Self>, b: ArrayView2<Self>, c: ArrayViewMut2<Self>, update: Update);
    #[doc(hidden)]
    fn conv_output(
        g: &ConvGeometry,
        algorithm: Algorithm,
        x: &[Self],
        w: &[Self],
        epilogue: Epilogue<Self>,
        y: &mut [Self],
    );
    #[doc(hidden)]
    fn conv_grad_input(g: &ConvGeometry, algorithm: Algorithm, dy: &[Self], w: &[Self], dx: &mut [Self]);
    #[doc(hidden)]
    fn conv_grad_weight(g: &ConvGeometry, algorithm: Algorithm, x: &[Self], dy: &[Self], dw: &mut [Self]);
}

macro_rules! impl_engine {
    ($real:ty) => {
        impl Engine for $real {
            fn gemm_block(a: ArrayView2<Self>, b: ArrayView2<Self>, c: ArrayViewMut2<Self>, update: Update) {
                gemm::gemm_block_of(a, b, c, update)
            }

            fn conv_output(
                g: &ConvGeometry,
                algorithm: Algorithm,
                x: &[Self],
                w: &[Self],
                epilogue: Epilogue<Self>,
                y: &mut [Self],
            ) {
                conv::output_by(g, algorithm, x, w, epilogue, y)
            }

            fn conv_grad_input(
                g: &ConvGeometry,
                algorithm: Algorithm,
                dy: &[Self],
                w: &[Self],
                dx: &mut [Self],
            ) {
                conv::grad_input_by(g, algorithm, dy, w, dx)
            }

            fn conv_grad_weight(
                g: &ConvGeometry,
                algorithm: Algorithm,
                x: &[Self],
                dy: &[Self],
                dw: &mut [Self],
            ) {
                conv::grad_weight_by(g, algorithm, x, dy, dw)
            }
        }
    };
}

impl_engine!(f32);
impl_engine!(f64);
