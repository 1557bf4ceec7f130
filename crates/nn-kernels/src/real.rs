//! The element types of the engine.

use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::iter::Sum;

use ndarray::{LinalgScalar, ScalarOperand};
use num_traits::{Float, NumAssign};

use crate::engine::Engine;

/// An element type: `f32` trains, `f64` checks.
///
/// The trait is sealed. Both types run through the same layer code, so a gradient check in `f64` proves the
/// code that trains in `f32`.
pub trait Real:
    Engine
    + Float
    + NumAssign
    + LinalgScalar
    + ScalarOperand
    + Sum
    + Default
    + Debug
    + Display
    + Send
    + Sync
    + 'static
{
    /// The type's name, `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// Less than every number.
    const NEG_INFINITY: Self;
    /// Greater than every number.
    const INFINITY: Self;

    /// Rounds an `f64` to this type.
    fn of(value: f64) -> Self;

    /// This value as an `f64`; exact.
    fn as_f64(self) -> f64;

    /// Lends `body` a buffer of `len` elements with unspecified contents.
    ///
    /// The buffer belongs to the calling thread and is kept for the next call, so a kernel that needs scratch
    /// memory allocates only the first time. Calls may nest: an inner call gets another buffer.
    fn with_scratch<T>(len: usize, body: impl FnOnce(&mut [Self]) -> T) -> T;
}

/// Scratch memory begins at a multiple of so many bytes, a line of the cache: a vector that crosses two lines takes
/// two loads.
const ALIGNMENT: usize = 64;

macro_rules! impl_real {
    ($type:ident) => {
        impl Real for $type {
            const NAME: &'static str = stringify!($type);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NEG_INFINITY: Self = $type::NEG_INFINITY;
            const INFINITY: Self = $type::INFINITY;

            fn of(value: f64) -> Self {
                value as $type
            }

            fn as_f64(self) -> f64 {
                f64::from(self)
            }

            fn with_scratch<T>(len: usize, body: impl FnOnce(&mut [Self]) -> T) -> T {
                thread_local! {
                    static SPARE: RefCell<Vec<Vec<$type>>> = const { RefCell::new(Vec::new()) };
                }
                // Taken out for the duration of the call: a nested call, also one that a work-stealing
                // thread pool runs inside `body`, finds the next spare buffer or makes one.
                let mut buffer = SPARE.with(|spare| spare.borrow_mut().pop()).unwrap_or_default();
                if buffer.len() < len + ALIGNMENT / size_of::<$type>() {
                    buffer.resize(len + ALIGNMENT / size_of::<$type>(), 0.0);
                }
                let first = buffer.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT / size_of::<$type>());
                let result = body(&mut buffer[first..first + len]);
                SPARE.with(|spare| spare.borrow_mut().push(buffer));
                result
            }
        }
    };
}

impl_real!(f32);
impl_real!(f64);
