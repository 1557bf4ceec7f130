//! Stand-ins until nn-kernels has them.

pub mod isa {
    use std::fmt;
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Isa {
        Portable,
    }
    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    pub struct IsaError(String);
    impl fmt::Display for Isa {
        fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("portable")
        }
    }
    impl std::str::FromStr for Isa {
        type Err = IsaError;
        fn from_str(s: &str) -> Result<Self, IsaError> {
            if s == "portable" { Ok(Self::Portable) } else { Err(IsaError(format!("unknown ISA {s:?}"))) }
        }
    }
    impl Isa {
        pub fn available() -> Vec<Isa> {
            vec![Self::Portable]
        }
        pub fn from_env() -> Result<Isa, IsaError> {
            std::env::var("NN_ISA").map_or(Ok(Self::Portable), |name| name.parse())
        }
        pub fn scope<T>(self, body: impl FnOnce() -> T) -> T {
            body()
        }
    }
}

pub mod peak {
    use super::isa::Isa;
    pub fn fma_chain(_isa: Isa, rounds: u64) -> u64 {
        let mut sums = [1f32; 64];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = *sum * 0.999 + 1e-3;
            }
        }
        std::hint::black_box(sums);
        rounds * 128
    }
}
