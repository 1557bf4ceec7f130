//! Matrix products, beside those of two other libraries in the same run.

use std::fmt;
use std::str::FromStr;

use faer::{Accum, MatMut, MatRef, Par};
use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2, Axis};
use nn_kernels::gemm::Update;
use nn_kernels::isa::Isa;
use nn_kernels::reference;
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::peak::PeakPair;
use crate::random;
use crate::timing::{Budget, Timing, interleave, stopwatch};
use crate::verify::{AFFORDABLE_MACS, Bound, Expected, Verified, Wrong, choose};

/// Sizes of a product: `[m, k]` times `[k, n]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The usual names.
pub struct Sizes {
    pub m: usize,
    pub n: usize,
    pub k: usize,
}

impl Sizes {
    /// Floating-point operations.
    pub fn flops(self) -> u64 {
        2 * self.m as u64 * self.n as u64 * self.k as u64
    }

    /// Bytes that verifying and timing take: the operands and each engine's result, and the second operand in `f64`,
    /// twice, to compare with.
    pub fn bytes(self) -> u64 {
        let [m, n, k] = [self.m, self.n, self.k].map(|axis| axis as u64);
        let results = Engine::ALL.len() as u64 * m * n;
        size_of::<f32>() as u64 * (m * k + k * n + results) + 2 * size_of::<f64>() as u64 * k * n
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{},{},{}", self.m, self.n, self.k)
    }
}

impl FromStr for Sizes {
    type Err = String;

    /// Reads `M,N,K`.
    fn from_str(text: &str) -> Result<Self, String> {
        let error = || format!("expected M,N,K, three whole numbers from 1 to 65536, got {text:?}");
        let read = |part: &str| part.parse().ok().filter(|n| (1..=65536).contains(n)).ok_or_else(error);
        match text.split(',').collect::<Vec<_>>()[..] {
            [m, n, k] => Ok(Self { m: read(m)?, n: read(n)?, k: read(k)? }),
            _ => Err(error()),
        }
    }
}

/// Which operands are stored transposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Trans {
    /// `A·B`, both in rows.
    #[default]
    Nn,
    /// `A^T·B`: A is stored as `[k, m]`.
    Tn,
    /// `A·B^T`: B is stored as `[n, k]`.
    Nt,
}

/// Who multiplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `nn_kernels::gemm`.
    Vitrine,
    /// The `matrixmultiply` crate, through `ndarray`; each thread multiplies rows of its own.
    Matrixmultiply,
    /// The `gemm` crate, through `faer`, on its own division among threads.
    Gemm,
}

impl Engine {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Vitrine, Self::Matrixmultiply, Self::Gemm];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vitrine => "vitrine",
            Self::Matrixmultiply => "matrixmultiply",
            Self::Gemm => "gemm",
        }
    }

    /// `C = A·B` on the threads of the current pool.
    fn multiply(self, product: &Product, c: &mut [f32]) {
        let Sizes { m, n, k } = product.sizes;
        let (a, b) = (product.a(), product.b());
        let mut view = ArrayViewMut2::from_shape((m, n), &mut *c).expect("m rows of n");
        match self {
            Self::Vitrine => nn_kernels::gemm::gemm(a, b, view, Update::Assign),
            Self::Matrixmultiply => {
                let rows = m.div_ceil(rayon::current_num_threads());
                let blocks: Vec<_> =
                    a.axis_chunks_iter(Axis(0), rows).zip(view.axis_chunks_iter_mut(Axis(0), rows)).collect();
                blocks.into_par_iter().for_each(|(a, mut c)| general_mat_mul(1.0, &a, &b, 0.0, &mut c));
            }
            Self::Gemm => {
                let a = match product.trans {
                    Trans::Tn => MatRef::from_column_major_slice(&product.a, m, k),
                    Trans::Nn | Trans::Nt => MatRef::from_row_major_slice(&product.a, m, k),
                };
                let b = match product.trans {
                    Trans::Nt => MatRef::from_column_major_slice(&product.b, k, n),
                    Trans::Nn | Trans::Tn => MatRef::from_row_major_slice(&product.b, k, n),
                };
                let c = MatMut::from_row_major_slice_mut(c, m, n);
                let par = match rayon::current_num_threads() {
                    1 => Par::Seq,
                    threads => Par::rayon(threads),
                };
                faer::linalg::matmul::matmul(c, Accum::Replace, a, b, 1.0, par);
            }
        }
    }
}

/// A product with random operands.
struct Product {
    sizes: Sizes,
    trans: Trans,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Product {
    fn random(sizes: Sizes, trans: Trans) -> Self {
        let Sizes { m, n, k } = sizes;
        Self { sizes, trans, a: random::numbers(0, m * k), b: random::numbers(1, k * n) }
    }

    /// `A` as `[m, k]`, however it is stored.
    fn a(&self) -> ArrayView2<'_, f32> {
        let Sizes { m, k, .. } = self.sizes;
        let (shape, transposed) = if self.trans == Trans::Tn { ((k, m), true) } else { ((m, k), false) };
        view(shape, &self.a, transposed)
    }

    /// `B` as `[k, n]`, however it is stored.
    fn b(&self) -> ArrayView2<'_, f32> {
        let Sizes { n, k, .. } = self.sizes;
        let (shape, transposed) = if self.trans == Trans::Nt { ((n, k), true) } else { ((k, n), false) };
        view(shape, &self.b, transposed)
    }

    /// Compares rows of what `multiply` writes with the reference, as many as make `affordable` multiply-adds,
    /// but at least one.
    fn verify(&self, affordable: u64, multiply: impl Fn(&mut [f32])) -> Result<Verified, Wrong> {
        let Sizes { m, n, k } = self.sizes;
        let rows = choose(m, (affordable / (n * k) as u64) as usize);
        let a = self.a().select(Axis(0), &rows).mapv(f64::from);
        let b = self.b().mapv(f64::from);
        let values = reference::gemm(a.view(), b.view()).into_raw_vec_and_offset().0;
        let magnitudes = reference::gemm(a.mapv(f64::abs).view(), b.mapv(f64::abs).view());
        let magnitudes = magnitudes.into_raw_vec_and_offset().0;
        let mut c = vec![f32::NAN; m * n];
        multiply(&mut c);
        let got: Vec<f32> = rows.iter().flat_map(|&row| &c[row * n..][..n]).copied().collect();
        let worst = Expected { values, magnitudes, depth: k }.compare(&got, Bound::Element)?;
        Ok(Verified { checked: rows.len(), of: m, worst })
    }
}

fn view(shape: (usize, usize), values: &[f32], transposed: bool) -> ArrayView2<'_, f32> {
    let view = ArrayView2::from_shape(shape, values).expect("as many values as the shape has");
    if transposed { view.reversed_axes() } else { view }
}

/// What `nn-lab bench gemm` writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GemmReport {
    /// `gemm`.
    pub kind: String,
    /// Instruction set of this engine; the others choose theirs.
    pub isa: String,
    /// Threads.
    pub threads: usize,
    /// The peak before and after, in GFLOP/s.
    pub peak: PeakPair,
    /// The products.
    pub entries: Vec<Entry>,
}

/// A product by one engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// `M,N,K`.
    pub sizes: String,
    /// Which operands are transposed.
    pub trans: Trans,
    /// Who multiplied.
    pub engine: String,
    /// The outcome.
    #[serde(flatten)]
    pub status: Status,
}

/// What became of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It is right and was timed.
    Timed {
        /// The comparison with the reference; counts rows.
        verified: Verified,
        /// The samples.
        #[serde(flatten)]
        timing: Timing,
        /// Rate of the median, in GFLOP/s.
        gflops: f64,
        /// That rate as a part of the peak.
        of_peak: f64,
    },
    /// It is wrong; it was not timed.
    Failed {
        /// What is wrong.
        reason: String,
    },
}

/// Verifies each engine on each product and times them in turn.
pub fn measure(all: &[Sizes], trans: Trans, pool: &ThreadPool, isa: Isa, budget: &Budget) -> GemmReport {
    let (peak, mut entries) = PeakPair::around(pool, isa, || {
        pool.install(|| {
            isa.scope(|| all.iter().flat_map(|&sizes| entries(sizes, trans, budget)).collect::<Vec<_>>())
        })
    });
    for entry in &mut entries {
        if let Status::Timed { gflops, of_peak, .. } = &mut entry.status {
            *of_peak = *gflops / peak.gflops();
        }
    }
    let (isa, threads) = (isa.to_string(), pool.current_num_threads());
    GemmReport { kind: "gemm".into(), isa, threads, peak, entries }
}

fn entries(sizes: Sizes, trans: Trans, budget: &Budget) -> Vec<Entry> {
    let product = Product::random(sizes, trans);
    let verdicts =
        Engine::ALL.map(|engine| product.verify(AFFORDABLE_MACS, |c| engine.multiply(&product, c)));
    let right = Engine::ALL.into_iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok());
    let right: Vec<_> = right.map(|(engine, _)| engine).collect();
    let mut outputs = vec![vec![0.0; sizes.m * sizes.n]; right.len()];
    let mut runs: Vec<_> = right
        .iter()
        .zip(&mut outputs)
        .map(|(engine, c)| stopwatch(|| engine.multiply(&product, c)))
        .collect();
    let mut runs: Vec<&mut dyn FnMut() -> std::time::Duration> =
        runs.iter_mut().map(|run| run as &mut dyn FnMut() -> _).collect();
    let mut samples = interleave(budget, &mut runs).into_iter();
    let entry = |(engine, verdict): (Engine, Result<Verified, Wrong>)| {
        let status = match verdict {
            Err(wrong) => Status::Failed { reason: wrong.to_string() },
            Ok(verified) => {
                let timing = Timing::from(samples.next().expect("one for each right engine"));
                let gflops = sizes.flops() as f64 / timing.median_ms / 1e6;
                Status::Timed { verified, timing, gflops, of_peak: 0.0 }
            }
        };
        Entry { sizes: sizes.to_string(), trans, engine: engine.name().into(), status }
    };
    Engine::ALL.into_iter().zip(verdicts).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_three_numbers() {
        assert_eq!("256,7,2304".parse(), Ok(Sizes { m: 256, n: 7, k: 2304 }));
        for text in ["", "1,2", "1,2,3,4", "1,2,x", "0,2,3", "1,-2,3", "1,2,65537"] {
            assert!(text.parse::<Sizes>().unwrap_err().contains("M,N,K"), "{text}");
        }
    }

    /// Three rows of the larger product.
    const AFFORDABLE: u64 = 3 * 700 * 900;

    #[test]
    fn every_engine_is_right_and_planted_mistakes_are_found() {
        for sizes in [Sizes { m: 37, n: 45, k: 129 }, Sizes { m: 300, n: 700, k: 900 }] {
            for trans in [Trans::Nn, Trans::Tn, Trans::Nt] {
                let product = Product::random(sizes, trans);
                for engine in Engine::ALL {
                    let verified = product.verify(AFFORDABLE, |c| engine.multiply(&product, c)).unwrap();
                    assert!(verified.worst > 0.0, "{engine:?}");
                }
                assert!(product.verify(AFFORDABLE, |_| ()).is_err(), "nothing computed");
                let forgetful = |c: &mut [f32]| {
                    Engine::Vitrine.multiply(&product, c);
                    let last = c.len() - 1;
                    c[last] += 1e-2;
                };
                assert!(product.verify(AFFORDABLE, forgetful).is_err(), "the last element is off");
            }
        }
    }
}
