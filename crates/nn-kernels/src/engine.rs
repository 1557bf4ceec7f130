//! Where generic calls become compiled code.
//!
//! The kernels' public functions are generic over [`Real`], but each has only the two instances below. They are
//! compiled once, in this crate, with its optimisation, instead of in every crate that calls them.

use ndarray::{ArrayView2, ArrayViewMut2};

use crate::gemm::{self, Update};
use crate::isa::Dispatch;

/// The kernels of one element type.
pub trait Engine: Dispatch {
    #[doc(hidden)]
    fn gemm_block(a: ArrayView2<Self>, b: ArrayView2<Self>, c: ArrayViewMut2<Self>, update: Update);
}

macro_rules! impl_engine {
    ($real:ty) => {
        impl Engine for $real {
            fn gemm_block(a: ArrayView2<Self>, b: ArrayView2<Self>, c: ArrayViewMut2<Self>, update: Update) {
                gemm::gemm_block_of(a, b, c, update)
            }
        }
    };
}

impl_engine!(f32);
impl_engine!(f64);
