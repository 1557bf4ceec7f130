//! Running a test once for each instruction set.

#![allow(dead_code)] // Each test file uses some of it.

use nn_kernels::{Isa, Real};

/// The instruction sets on which kernels for `R` can run here.
pub fn isas_for<R: Real>() -> Vec<Isa> {
    // `f64` runs on the portable set always.
    if R::NAME == "f64" { vec![Isa::Portable] } else { Isa::available() }
}

/// Runs `test` with each of [`isas_for`] in force.
pub fn on_each_isa<R: Real>(mut test: impl FnMut(Isa)) {
    for isa in isas_for::<R>() {
        isa.scope(|| test(isa));
    }
}
