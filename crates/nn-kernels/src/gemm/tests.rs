//! Products of operands that lie in lines and runs, their ends (bias, limits), and the bounds that are checked.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, ShapeBuilder};

use super::micro::{Finish, Run};
use super::multiply::{Layout, Lhs, Rhs, multiply, packed_len, packed_width};
use super::pack::{pack_a, pack_b, packed_a_len};
use crate::simd::VectorShape;
use crate::{Isa, Real};

/// Small integers that repeat late.
fn integer(i: usize) -> f32 {
    ((i * i * 7 + i * 3) % 9) as f32 - 4.0
}

fn integers(len: usize) -> Vec<f32> {
    (0..len).map(integer).collect()
}

/// All of some sizes, or where each instruction is interpreted the first two.
fn few<T>(sizes: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
    sizes.into_iter().take(if cfg!(miri) { 2 } else { usize::MAX })
}

fn on_each_isa(test: impl Fn(VectorShape)) {
    for isa in Isa::available() {
        isa.scope(|| test(VectorShape::current::<f32>()));
    }
}

/// `A` as [`Lhs`] describes it, written out.
fn written_out(a: &Lhs<f32>) -> Array2<f32> {
    let depth: Vec<usize> = a
        .runs
        .iter()
        .flat_map(|run| {
            (0..run.depth).map(|k| match a.layout {
                Layout::Rows(_) => run.start + k,
                Layout::Depths(stride) => run.start + k * stride,
            })
        })
        .collect();
    Array2::from_shape_fn((a.lines * a.rows, depth.len()), |(i, k)| {
        let row = match a.layout {
            Layout::Rows(stride) => stride,
            Layout::Depths(_) => 1,
        };
        a.data[i / a.rows * a.line_stride + i % a.rows * row + depth[k]]
    })
}

fn packed(shape: VectorShape, b: ArrayView2<f32>) -> Vec<f32> {
    let mut packed = vec![f32::NAN; packed_len(shape, b.nrows(), b.ncols())];
    pack_b(shape, b, &mut packed);
    packed
}

/// Several lines of several rows, in both layouts, with a depth in several runs of unequal length: the patches of an
/// image.
#[test]
fn lines_and_runs_are_exact() {
    on_each_isa(|shape| {
        let data = integers(4000);
        let runs = [Run { start: 5, depth: 7 }, Run { start: 300, depth: 0 }, Run { start: 40, depth: 4 }];
        for layout in [Layout::Rows(11), Layout::Depths(60)] {
            for (lines, line_stride, rows) in
                few([(2, 500, 5), (3, 400, 7), (5, 3, 1), (1, 0, 31), (2, 500, 29)])
            {
                for columns in few([1, 47, 16, 33]) {
                    let a = Lhs { data: &data, lines, line_stride, rows, layout, runs: &runs };
                    let b = Array2::from_shape_vec((11, columns), integers(11 * columns)).expect("as many");
                    let mut c = Array2::from_elem((lines * rows, columns), f32::NAN);
                    let packed = packed(shape, b.view());
                    let rhs = Rhs::packed(shape, &packed, 11, columns);
                    multiply(a, rhs, c.view_mut(), false, None);
                    assert_eq!(
                        c,
                        written_out(&a).dot(&b),
                        "{lines}x{rows}x{columns} {layout:?} on {}",
                        Isa::current()
                    );
                    multiply(a, rhs, c.view_mut(), true, None);
                    assert_eq!(c, written_out(&a).dot(&b) * 2.0, "added");
                }
            }
        }
    });
}

/// A right operand that is read where it lies.
#[test]
fn rows_in_place_are_exact() {
    on_each_isa(|shape| {
        let (m, k) = (17, 9);
        let data = integers(m * k);
        let runs = [Run { start: 0, depth: k }];
        let a = Lhs { data: &data, lines: 1, line_stride: 0, rows: m, layout: Layout::Rows(k), runs: &runs };
        for vectors in 1..=5 {
            let columns = vectors * shape.lanes;
            let b = Array2::from_shape_vec((k, columns), integers(k * columns)).expect("as many");
            let mut c = Array2::from_elem((m, columns), f32::NAN);
            let rhs = Rhs::rows(shape, b.as_slice().expect("contiguous"), k, columns);
            multiply(a, rhs, c.view_mut(), false, None);
            assert_eq!(c, written_out(&a).dot(&b), "{columns} columns on {}", Isa::current());
        }
    });
}

/// Bias, then limits, NaN included; between the rows of `C` nothing changes.
#[test]
fn sums_are_finished() {
    on_each_isa(|shape| {
        for columns in few((1..=70).step_by(3)) {
            let (m, k, gap) = (9, 5, 4);
            let mut data = integers(m * k);
            data[2 * k] = f32::NAN;
            let runs = [Run { start: 0, depth: k }];
            let a =
                Lhs { data: &data, lines: 1, line_stride: 0, rows: m, layout: Layout::Rows(k), runs: &runs };
            let b = Array2::from_shape_vec((k, columns), integers(k * columns)).expect("as many");
            let packed = packed(shape, b.view());
            let bias = integers(columns + 1)[1..].to_vec();
            for (bias, low, high) in [
                (None, f32::NEG_INFINITY, f32::INFINITY),
                (Some(&bias[..]), 0.0, f32::INFINITY),
                (Some(&bias[..]), 0.0, 6.0),
                (None, -3.0, 6.0),
            ] {
                let mut memory = vec![777.0; m * (columns + gap)];
                let c = ArrayViewMut2::from_shape((m, columns).strides((columns + gap, 1)), &mut memory);
                let finish = Some(Finish { bias, low, high });
                multiply(a, Rhs::packed(shape, &packed, k, columns), c.expect("fits"), false, finish);
                let product = written_out(&a).dot(&b);
                for (i, row) in memory.chunks(columns + gap).enumerate() {
                    for (j, &got) in row[..columns].iter().enumerate() {
                        let sum = product[(i, j)] + bias.map_or(0.0, |bias| bias[j]);
                        // `clamp` keeps NaN.
                        let expected = sum.clamp(low, high);
                        let same = got == expected || got.is_nan() && expected.is_nan();
                        assert!(
                            same,
                            "({i}, {j}) of {columns} columns on {}: {got}, not {expected}",
                            Isa::current()
                        );
                    }
                    assert!(row[columns..].iter().all(|&value| value == 777.0), "wrote beside row {i}");
                }
            }
        }
    });
}

fn check_packed_panels<R: Real>(shape: VectorShape) {
    for (depth, columns) in few([(1, 1), (5, 33), (3, 16), (130, 40), (64, 7), (65, 70)]) {
        let value = |k: usize, c: usize| R::of((k * 100 + c + 1) as f64);
        let plain = Array2::from_shape_fn((depth, columns), |(k, c)| value(k, c));
        let transposed = Array2::from_shape_fn((columns, depth), |(c, k)| value(k, c));
        let spread = Array2::from_shape_fn((2 * depth, 2 * columns), |(k, c)| value(k / 2, c / 2));
        let spread = spread.slice(ndarray::s![..;2, ..;2]);
        for b in [plain.view(), transposed.t(), spread] {
            let width = packed_width(shape, columns);
            let mut to = vec![R::nan(); packed_len(shape, depth, columns)];
            pack_b(shape, b, &mut to);
            for (i, &got) in to.iter().enumerate() {
                let (panel, k, c) = (i / (depth * width), i / width % depth, i % width);
                let column = panel * width + c;
                let expected = if column < columns { value(k, column) } else { R::ZERO };
                assert!(got == expected, "element {i} of {depth}x{columns}: {got:?}, not {expected:?}");
            }
        }
    }
}

#[test]
fn panels_are_packed_column_block_by_column_block() {
    on_each_isa(check_packed_panels::<f32>);
    check_packed_panels::<f64>(VectorShape::current::<f64>());
}

#[test]
fn blocks_of_a_are_packed_as_they_lie() {
    let (rows, depth) = (5, 7);
    let plain = Array2::from_shape_fn((rows, depth), |(i, k)| (10 * i + k) as f32);
    let transposed = plain.t().as_standard_layout().into_owned();
    let mut to = vec![f32::NAN; packed_a_len(rows, depth)];
    for a in [plain.view(), transposed.t(), plain.slice(ndarray::s![..;-1, ..])] {
        let layout = pack_a(a, &mut to);
        for ((i, k), &value) in a.indexed_iter() {
            let place = match layout {
                Layout::Rows(stride) => i * stride + k,
                Layout::Depths(stride) => k * stride + i,
            };
            assert_eq!(to[place], value, "({i}, {k}) in {layout:?}");
        }
    }
    assert_eq!(pack_a(transposed.t(), &mut to), Layout::Depths(rows));
    assert!(matches!(pack_a(plain.view(), &mut to), Layout::Rows(_)));
}

/// A product of 2 lines of 3 rows with runs of 2 and 3 steps by 40 columns, whose parts can be made too short.
#[derive(Clone, Copy)]
struct Sizes {
    a: usize,
    b: usize,
    depth: usize,
    c: (usize, usize),
    c_strides: (usize, usize),
    bias: usize,
}

fn product_of(sizes: Sizes, layout: Layout) {
    let (a, b, bias) = (vec![1f32; sizes.a], vec![1.0; sizes.b], vec![1.0; sizes.bias]);
    let runs = [Run { start: 0, depth: 2 }, Run { start: 20, depth: 3 }];
    let lhs = Lhs { data: &a, lines: 2, line_stride: 50, rows: 3, layout, runs: &runs };
    let mut c = vec![0.0; 1000];
    let c = ArrayViewMut2::from_shape(sizes.c.strides(sizes.c_strides), &mut c).expect("fits");
    Isa::Portable.scope(|| {
        let rhs = Rhs::packed(VectorShape::current::<f32>(), &b, sizes.depth, 40);
        multiply(
            lhs,
            rhs,
            c,
            false,
            Some(Finish { bias: Some(&bias), low: f32::NEG_INFINITY, high: f32::INFINITY }),
        );
    });
}

#[test]
fn operands_that_do_not_fit_panic() {
    // The last element of A is that of line 1, row 2, step 2 of the second run: 50 + 20 + 2·10 + 2.
    let fits = Sizes { a: 93, b: 200, depth: 5, c: (6, 40), c_strides: (40, 1), bias: 40 };
    for layout in [Layout::Rows(10), Layout::Depths(10)] {
        product_of(fits, layout);
        for (sizes, words) in [
            (Sizes { a: 92, ..fits }, "A: a run ends at 93, there are 92"),
            (Sizes { b: 199, ..fits }, "B ends at 200, there are 199"),
            (Sizes { depth: 6, b: 240, ..fits }, "depths of A and B differ"),
            (Sizes { c: (5, 40), ..fits }, "shape of C"),
            (Sizes { c: (6, 39), ..fits }, "shape of C"),
            (Sizes { c_strides: (1, 6), ..fits }, "rows of C are not contiguous"),
            (Sizes { bias: 39, ..fits }, "bias: expected 40 elements, got 39"),
        ] {
            let panic = std::panic::catch_unwind(|| product_of(sizes, layout)).expect_err(words);
            let text = panic.downcast_ref::<&str>().map(|&words| words.to_owned());
            let message = text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("a message");
            assert!(message.contains(words), "{layout:?}: {message}, not {words}");
        }
    }
}
