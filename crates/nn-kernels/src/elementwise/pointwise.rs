use crate::lanewise::{Each, Lanewise};
use crate::parallel::{ELEMENTS_PER_CHUNK, for_each_chunk};
use crate::simd::Simd;
use crate::{Epilogue, Real, check_len, exp, isa};

/// An activation function `y = f(z)` that acts on each element on its own.
///
/// Every derivative is written in terms of the *output* `y`, so a layer that fuses its activation only has to
/// keep `y` for the backward pass, and the next layer keeps that as its input anyway.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pointwise {
    /// `y = z`
    Linear,
    /// `y = max(z, 0)`; derivative 0 at the kink.
    Relu,
    /// `y = min(max(z, 0), 6)`; derivative 0 at both kinks.
    Relu6,
    /// `y = z` for `z > 0`, else `slope·z`, with `slope >= 0`.
    LeakyRelu {
        /// Slope for negative inputs.
        slope: f64,
    },
    /// `y = z` for `z > 0`, else `alpha·(e^z - 1)`, with `alpha > 0`; derivative 1 at 0.
    Elu {
        /// The value `-alpha` is approached for very negative inputs.
        alpha: f64,
    },
    /// `y = 1 / (1 + e^-z)`
    Sigmoid,
    /// `y = tanh z`
    Tanh,
}

/// Evaluates `$body` with a `$function` whose kind the compiler knows, so that a loop in `$body` is compiled once
/// for each kind and does not ask again at every step.
macro_rules! with_known {
    ($function:ident => $body:expr) => {
        match $function {
            Pointwise::Linear => with_known!(Pointwise::Linear, $function => $body),
            Pointwise::Relu => with_known!(Pointwise::Relu, $function => $body),
            Pointwise::Relu6 => with_known!(Pointwise::Relu6, $function => $body),
            Pointwise::LeakyRelu { slope } => with_known!(Pointwise::LeakyRelu { slope }, $function => $body),
            Pointwise::Elu { alpha } => with_known!(Pointwise::Elu { alpha }, $function => $body),
            Pointwise::Sigmoid => with_known!(Pointwise::Sigmoid, $function => $body),
            Pointwise::Tanh => with_known!(Pointwise::Tanh, $function => $body),
        }
    };
    ($known:expr, $function:ident => $body:expr) => {{
        let $function = $known;
        $body
    }};
}
pub(super) use with_known;

impl Pointwise {
    /// Replaces each `z` by `f(z)`; NaN stays NaN.
    pub fn apply<R: Real>(self, z: &mut [R]) {
        for_each_chunk(z, ELEMENTS_PER_CHUNK, |_, chunk| self.apply_block(chunk));
    }

    /// [`Pointwise::apply`] on the calling thread.
    pub fn apply_block<R: Real>(self, z: &mut [R]) {
        let channels = z.len().max(1);
        Epilogue { bias: None, activation: self }.apply_block(z, channels);
    }

    /// Replaces each `dy` by `dz = dy · f'(z)`, with `f'` computed from the output `y = f(z)`.
    ///
    /// # Panics
    /// If `y` and `dy` differ in length.
    pub fn backward<R: Real>(self, y: &[R], dy: &mut [R]) {
        check_len("y", y, dy.len());
        if self == Self::Linear {
            return;
        }
        for_each_chunk(dy, ELEMENTS_PER_CHUNK, |i, chunk| {
            let y = &y[i * ELEMENTS_PER_CHUNK..][..chunk.len()];
            R::backward(self, y, chunk);
        });
    }

    /// `f(z)`
    #[inline(always)]
    pub(crate) fn apply_vector<R: Real, S: Simd<R>>(self, simd: S, z: S::V) -> S::V {
        let zero = simd.splat(R::ZERO);
        match self {
            Self::Linear => z,
            // Limits first: NaN must pass through, see `Simd::max`.
            Self::Relu => simd.max(zero, z),
            Self::Relu6 => simd.min(simd.splat(R::of(6.0)), simd.max(zero, z)),
            Self::LeakyRelu { slope } => simd.if_greater(zero, z, simd.mul(simd.splat(R::of(slope)), z), z),
            Self::Elu { alpha } => {
                let below = simd.mul(simd.splat(R::of(alpha)), exp::exp_m1(simd, z));
                simd.if_greater(zero, z, below, z)
            }
            Self::Sigmoid => exp::sigmoid(simd, z),
            Self::Tanh => exp::tanh(simd, z),
        }
    }

    /// `dy · f'(z)`, from `y = f(z)`. Products are rounded before they are added: the same bits on every
    /// instruction set.
    #[inline(always)]
    pub(crate) fn backward_vector<R: Real, S: Simd<R>>(self, simd: S, y: S::V, dy: S::V) -> S::V {
        let (zero, one) = (simd.splat(R::ZERO), simd.splat(R::ONE));
        match self {
            Self::Linear => dy,
            Self::Relu => simd.if_greater(y, zero, dy, zero),
            Self::Relu6 => {
                let below_six = simd.if_greater(simd.splat(R::of(6.0)), y, dy, zero);
                simd.if_greater(y, zero, below_six, zero)
            }
            Self::LeakyRelu { slope } => simd.if_greater(y, zero, dy, simd.mul(simd.splat(R::of(slope)), dy)),
            Self::Elu { alpha } => {
                // For z < 0: alpha·e^z = y + alpha.
                let below = simd.mul(dy, simd.add(y, simd.splat(R::of(alpha))));
                simd.if_greater(zero, y, below, dy)
            }
            Self::Sigmoid => simd.mul(simd.mul(dy, y), simd.sub(one, y)),
            Self::Tanh => simd.mul(dy, simd.sub(one, simd.mul(y, y))),
        }
    }
}

/// `dy · f'(z)` in the place of `dy`, from `y`.
#[derive(Clone, Copy)]
struct Backward(Pointwise);

impl<R: Real> Lanewise<R, 1, 1> for Backward {
    #[inline(always)]
    fn step<S: Simd<R>>(self, simd: S, [dy]: [S::V; 1], [y]: [S::V; 1]) -> [S::V; 1] {
        [self.0.backward_vector(simd, y, dy)]
    }
}

pub(crate) fn backward_of<R: Real>(function: Pointwise, y: &[R], dy: &mut [R]) {
    with_known!(function => isa::dispatch(Each { f: Backward(function), state: [dy], input: [y] }))
}
