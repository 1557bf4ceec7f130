//! Which instruction set the kernels use.

use std::cell::Cell;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::simd::Kernel;
use crate::simd::portable::Portable;

#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2::Avx2, avx512::Avx512};

#[cfg(target_arch = "aarch64")]
use crate::simd::neon::Neon;

/// An instruction set for which the kernels are compiled, the best last.
///
/// The best that the processor has is used, unless the environment variable `NN_ISA` names another one, in small
/// letters as [`Isa::name`] does; an empty `NN_ISA` names none. `f64`, which checks and does not train, runs on the
/// portable set always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// Plain Rust.
    Portable,
    /// The vector instructions of 64-bit ARM.
    Neon,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512F.
    Avx512,
}

/// An instruction set that cannot be used; the message lists those that this machine has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsaError {
    /// No instruction set has this name, of which the beginning is given.
    #[error("unknown instruction set {0:?}, expected {here}", here = here())]
    Unknown(String),
    /// This processor lacks it.
    #[error("the instruction set {0} was asked for, but this processor does not have it: use {here}", here = here())]
    Unavailable(Isa),
    /// The variable `NN_ISA` asks for what cannot be.
    #[error("NN_ISA: {0}")]
    Environment(Box<IsaError>),
}

impl IsaError {
    fn unknown(name: &str) -> Self {
        /// Longer names are cut.
        const SHOWN: usize = 40;
        Self::Unknown(name.chars().take(SHOWN).collect())
    }
}

/// The instruction sets of this machine in words.
fn here() -> String {
    Isa::available().into_iter().map(Isa::name).collect::<Vec<_>>().join(" or ")
}

impl Isa {
    /// Every instruction set, the best last.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// The name used on command lines and in `NN_ISA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Neon => "neon",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Those that this processor has, the best last; never empty.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available()).collect()
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::new().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[allow(unreachable_patterns)] // Those of other architectures.
            _ => false,
        }
    }

    /// The first of the instruction sets whose results in `f32` are the same as this one's, bit for bit: AVX-512 computes
    /// as AVX2 does, each other one in its own way.
    pub fn arithmetic(self) -> Self {
        if self == Self::Avx512 { Self::Avx2 } else { self }
    }

    /// The one that `NN_ISA` names, or the best available if it is not set or empty. Programs ask before they begin
    /// anything.
    ///
    /// # Errors
    /// If `NN_ISA` names none, or one that this processor lacks.
    pub fn from_env() -> Result<Self, IsaError> {
        match std::env::var_os("NN_ISA") {
            Some(name) if !name.is_empty() => Self::available_named(&name.to_string_lossy())
                .map_err(|error| IsaError::Environment(error.into())),
            _ => Ok(*Self::available().last().expect("the portable set is always there")),
        }
    }

    fn available_named(name: &str) -> Result<Self, IsaError> {
        let isa: Self = name.parse()?;
        if isa.is_available() { Ok(isa) } else { Err(IsaError::Unavailable(isa)) }
    }

    /// The instruction set in force on this thread.
    ///
    /// # Panics
    /// If `NN_ISA` asks for one that cannot be used; [`Isa::in_force`] says that without a panic.
    pub fn current() -> Self {
        Self::in_force().unwrap_or_else(|e| panic!("{e}"))
    }

    /// [`Isa::current`], to be asked where something is built that will compute.
    ///
    /// # Errors
    /// If `NN_ISA` asks for one that cannot be used, and no [scope](Isa::scope) for another one. The environment is
    /// read once per process.
    pub fn in_force() -> Result<Self, IsaError> {
        static PROCESS: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        SCOPED.get().map_or_else(|| PROCESS.get_or_init(Self::from_env).clone(), Ok)
    }

    /// Runs `body` with this instruction set in force, also on the threads to which kernels in `body`
    /// distribute their work.
    ///
    /// # Panics
    /// If this processor does not have it.
    pub fn scope<T>(self, body: impl FnOnce() -> T) -> T {
        assert!(self.is_available(), "{}", IsaError::Unavailable(self));
        struct Restore(Option<Isa>);
        impl Drop for Restore {
            fn drop(&mut self) {
                SCOPED.set(self.0);
            }
        }
        let _restore = Restore(SCOPED.replace(Some(self)));
        body()
    }
}

thread_local! {
    static SCOPED: Cell<Option<Isa>> = const { Cell::new(None) };
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Isa {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        Self::ALL.into_iter().find(|isa| isa.name() == name).ok_or_else(|| IsaError::unknown(name))
    }
}

/// Element types for which kernels can be compiled.
pub trait Dispatch: Sized {
    /// Runs `kernel` with the instruction set in force.
    fn dispatch<K: Kernel<Self>>(kernel: K) -> K::Output;
}

impl Dispatch for f32 {
    #[inline]
    fn dispatch<K: Kernel<f32>>(kernel: K) -> K::Output {
        match Isa::current() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                #[target_feature(enable = "avx512f")]
                fn run<K: Kernel<f32>>(kernel: K, simd: Avx512) -> K::Output {
                    kernel.run(simd)
                }
                let simd = Avx512::new().expect("checked when it was chosen");
                // SAFETY: the token proves the feature.
                unsafe { run(kernel, simd) }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                #[target_feature(enable = "avx2,fma")]
                fn run<K: Kernel<f32>>(kernel: K, simd: Avx2) -> K::Output {
                    kernel.run(simd)
                }
                let simd = Avx2::new().expect("checked when it was chosen");
                // SAFETY: the token proves the features.
                unsafe { run(kernel, simd) }
            }
            // Every 64-bit ARM processor has it, and code is compiled for it without being asked.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => kernel.run(Neon::new()),
            _ => kernel.run(Portable),
        }
    }
}

impl Dispatch for f64 {
    #[inline]
    fn dispatch<K: Kernel<f64>>(kernel: K) -> K::Output {
        kernel.run(Portable)
    }
}

/// Runs `kernel` with the instruction set in force on this thread.
#[inline]
pub(crate) fn dispatch<R: Dispatch, K: Kernel<R>>(kernel: K) -> K::Output {
    R::dispatch(kernel)
}
