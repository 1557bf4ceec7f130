//! The chain of multiply-adds that measures a core counts what it does.

use nn_kernels::Isa;
use nn_kernels::peak::fma_chain;

#[test]
fn flops_are_rounds_times_lanes() {
    let outside = Isa::current();
    for isa in Isa::available() {
        let lanes = match isa {
            Isa::Portable | Isa::Avx2 => 8,
            Isa::Neon => 4,
            Isa::Avx512 => 16,
        };
        // 12 sums of 1000 steps, each a multiplication and an addition.
        assert_eq!(fma_chain(isa, 1), 12 * 1000 * 2 * lanes, "{isa}");
        assert_eq!(fma_chain(isa, 7), 7 * fma_chain(isa, 1), "{isa}");
        assert_eq!(fma_chain(isa, 0), 0, "{isa}");
    }
    assert_eq!(Isa::current(), outside);
}
