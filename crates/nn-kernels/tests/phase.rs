//! Recording of phases: which ones a kernel goes through, and that recording ends. One test, because all threads of a
//! process are recorded together.

use std::time::Duration;

use nn_kernels::Epilogue;
use nn_kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec, Direction};
use nn_kernels::phase::{Phases, record};

/// Which of packing, multiplying and unpacking took any time.
fn phases(g: &ConvGeometry, algorithm: Algorithm, direction: Direction) -> [bool; 3] {
    let images = 3;
    let x = vec![1f32; images * g.input_len()];
    let w = vec![1f32; g.weight_len()];
    let y = vec![1f32; images * g.output_len()];
    let mut out = [y.clone(), w.clone(), x.clone()];
    let ((), Phases { pack, multiply, unpack }) = record(|| match direction {
        Direction::Output => conv::output(g, algorithm, &x, &w, Epilogue::NONE, &mut out[0]),
        Direction::GradWeight => conv::grad_weight(g, algorithm, &x, &y, &mut out[1]),
        Direction::GradInput => conv::grad_input(g, algorithm, &y, &w, &mut out[2]),
    });
    [pack, multiply, unpack].map(|time| time > Duration::ZERO)
}

#[test]
fn phases_are_recorded() {
    let (_, idle) = record(|| ());
    assert_eq!(idle, Phases::default());
    let g = ConvGeometry::new(&ConvSpec::new((20, 20), 16, 16, (3, 3))).expect("valid");
    for direction in Direction::ALL {
        for algorithm in [Algorithm::Winograd2, Algorithm::Winograd4, Algorithm::Winograd6] {
            assert_eq!(phases(&g, algorithm, direction), [true; 3], "{direction:?} by {algorithm}");
        }
        // Patches are laid out, or added back after the product.
        let im2col = [true, true, direction == Direction::GradInput];
        assert_eq!(phases(&g, Algorithm::Im2col, direction), im2col, "{direction:?} by im2col");
        assert_eq!(phases(&g, Algorithm::Reference, direction), [false; 3], "{direction:?} by definition");
    }
    // Only what runs inside is counted.
    let (value, none) = record(|| 5);
    assert_eq!((value, none), (5, Phases::default()));
}
