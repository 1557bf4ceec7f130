//! Matrix product: exact on integers, bounded on random numbers, on any view and every instruction set.

mod comparison;
mod instruction_sets;
mod random_arrays;

use comparison::{assert_same_bits, worst_ratio};
use instruction_sets::on_each_isa;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Ix2, SliceInfo, SliceInfoElem, s};
use nn_kernels::gemm::{Update, gemm, gemm_block};
use nn_kernels::{Real, reference};
use random_arrays::{integers, magnitudes, poison, poison_scratch, reals, to_f64};

fn matrix<R: Real>(rows: usize, columns: usize, values: Vec<R>) -> Array2<R> {
    Array2::from_shape_vec((rows, columns), values).expect("rows times columns values")
}

/// The same matrix behind other strides.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// Rows one after the other.
    Plain,
    /// Columns one after the other: a transposed view.
    Transposed,
    /// Every second element of every second row of a larger matrix.
    Strided,
    /// Rows from last to first.
    Reversed,
    /// A block in the middle of a larger matrix.
    Inside,
    /// The same, transposed.
    InsideTransposed,
}

/// Rows and columns around [`Layout::Inside`].
const MARGIN: usize = 3;

impl Layout {
    const ALL: [Self; 6] =
        [Self::Plain, Self::Transposed, Self::Strided, Self::Reversed, Self::Inside, Self::InsideTransposed];

    /// An array whose [`Layout::view`] has the given shape, filled with NaN.
    fn storage<R: Real>(self, (rows, columns): (usize, usize)) -> Array2<R> {
        let (rows, columns) = match self {
            Self::Plain | Self::Reversed => (rows, columns),
            Self::Transposed => (columns, rows),
            Self::Strided => (2 * rows, 2 * columns),
            Self::Inside => (rows + 2 * MARGIN, columns + 2 * MARGIN),
            Self::InsideTransposed => (columns + 2 * MARGIN, rows + 2 * MARGIN),
        };
        matrix(rows, columns, poison(rows * columns))
    }

    fn store<R: Real>(self, values: &Array2<R>) -> Array2<R> {
        let mut storage = self.storage(values.dim());
        self.view_mut(&mut storage).assign(values);
        storage
    }

    fn view<R: Real>(self, storage: &Array2<R>) -> ArrayView2<'_, R> {
        match self {
            Self::Plain => storage.view(),
            Self::Transposed => storage.t(),
            Self::Strided => storage.slice(s![..;2, ..;2]),
            Self::Reversed => storage.slice(s![..;-1, ..]),
            Self::Inside => storage.slice(inside(storage)),
            Self::InsideTransposed => storage.slice(inside(storage)).reversed_axes(),
        }
    }

    fn view_mut<R: Real>(self, storage: &mut Array2<R>) -> ArrayViewMut2<'_, R> {
        match self {
            Self::Plain => storage.view_mut(),
            Self::Transposed => storage.view_mut().reversed_axes(),
            Self::Strided => storage.slice_mut(s![..;2, ..;2]),
            Self::Reversed => storage.slice_mut(s![..;-1, ..]),
            Self::Inside => {
                let inside = inside(storage);
                storage.slice_mut(inside)
            }
            Self::InsideTransposed => {
                let inside = inside(storage);
                storage.slice_mut(inside).reversed_axes()
            }
        }
    }
}

/// All but the margin.
fn inside<R>(storage: &Array2<R>) -> SliceInfo<[SliceInfoElem; 2], Ix2, Ix2> {
    let (rows, columns) = storage.dim();
    s![MARGIN..rows - MARGIN, MARGIN..columns - MARGIN]
}

type Gemm<R> = fn(ArrayView2<R>, ArrayView2<R>, ArrayViewMut2<R>, Update);

/// Compares one product in all layouts with the reference.
fn check_exact<R: Real>(m: usize, k: usize, n: usize, layouts: &[Layout]) {
    let a = matrix::<R>(m, k, integers(1, m * k));
    let b = matrix::<R>(k, n, integers(2, k * n));
    let before = matrix::<R>(m, n, integers(3, m * n));
    let product = reference::gemm(a.view(), b.view());
    let sum = &before + &product;
    let functions: [(&str, Gemm<R>); 2] = [("gemm", gemm), ("gemm_block", gemm_block)];
    on_each_isa::<R>(|isa| {
        poison_scratch::<R>();
        for (i, &layout) in layouts.iter().enumerate() {
            // Operands in different layouts, so that swapped strides do not cancel out.
            let (la, lb) = (layout, layouts[(i + 1) % layouts.len()]);
            for (name, function) in functions {
                let what = format!("{name} {m}x{k}x{n} on {isa}, a {la:?}, b {lb:?}, c {layout:?}");
                let (a, b) = (la.store(&a), lb.store(&b));
                let mut assigned = layout.storage((m, n));
                function(la.view(&a), lb.view(&b), layout.view_mut(&mut assigned), Update::Assign);
                assert_same_values(format!("{what}, assign"), layout, &assigned, &product);
                let mut added = layout.store(&before);
                function(la.view(&a), lb.view(&b), layout.view_mut(&mut added), Update::Add);
                assert_same_values(format!("{what}, add"), layout, &added, &sum);
            }
        }
    });
}

/// The view holds `expected`, and what lies between and around its elements is still NaN.
fn assert_same_values<R: Real>(what: String, layout: Layout, storage: &Array2<R>, expected: &Array2<R>) {
    let values: Vec<R> = layout.view(storage).iter().copied().collect();
    assert_same_bits(&what, &values, expected.as_slice().expect("contiguous"));
    let untouched = storage.iter().filter(|value| value.is_nan()).count();
    assert_eq!(untouched, storage.len() - values.len(), "{what}: wrote beside the elements");
}

/// Below, at and above 8 and 16 lanes.
const SMALL: [usize; 6] = [0, 1, 7, 8, 16, 17];

fn check_small<R: Real>() {
    for m in SMALL {
        for k in SMALL {
            for n in SMALL {
                check_exact::<R>(m, k, n, &Layout::ALL);
            }
        }
    }
}

/// Below, at and above the blocks into which the output is cut, alone and with any other size.
fn check_large<R: Real>() {
    const LARGE: [usize; 3] = [255, 256, 257];
    for large in LARGE {
        for small in SMALL {
            check_exact::<R>(large, 9, small, &Layout::ALL);
            check_exact::<R>(small, 9, large, &Layout::ALL);
            check_exact::<R>(small, large, 9, &Layout::ALL);
        }
        for other in LARGE {
            check_exact::<R>(large, 17, other, &Layout::ALL);
        }
    }
    check_exact::<R>(257, 257, 257, &[Layout::Plain, Layout::Transposed]);
    check_exact::<R>(20, 1000, 600, &Layout::ALL);
    check_exact::<R>(600, 3, 520, &Layout::ALL);
}

/// Every number of rows up to beyond the tallest register tile, and of columns up to beyond two panels of the widest,
/// each in one pair of layouts.
fn check_tiles<R: Real>() {
    for m in (1..=15).chain([28, 29]) {
        for n in 1..=70 {
            let (a, b) = (Layout::ALL[(m + n) % 6], Layout::ALL[(m + n / 6) % 6]);
            check_exact::<R>(m, 1 + (m + 5 * n) % 9, n, &[a, b]);
        }
    }
}

#[test]
fn all_register_tiles_are_exact_f32() {
    check_tiles::<f32>();
}

#[test]
fn all_register_tiles_are_exact_f64() {
    check_tiles::<f64>();
}

/// Below, at and above the blocks of the depth, both where `A` is packed and where it is read in place, and of rows and
/// columns.
#[test]
fn blocks_are_exact() {
    for k in [255, 256, 257, 511, 513, 4095, 4096, 4097] {
        check_exact::<f32>(15, k, 7, &[Layout::Plain, Layout::Transposed]);
        check_exact::<f32>(3, k, 65, &[Layout::Plain, Layout::Strided]);
    }
    for m in [223, 224, 225, 449] {
        check_exact::<f32>(m, 5, 66, &[Layout::Plain, Layout::Reversed]);
    }
    for n in [63, 64, 65, 2047, 2048, 2049] {
        check_exact::<f32>(4, 5, n, &[Layout::Plain, Layout::Transposed]);
    }
}

#[test]
fn small_sizes_are_exact() {
    check_small::<f32>();
    check_small::<f64>();
}

#[test]
fn large_sizes_are_exact_f32() {
    check_large::<f32>();
}

#[test]
fn large_sizes_are_exact_f64() {
    check_large::<f64>();
}

#[test]
fn reference_by_hand() {
    let a = matrix(2, 3, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let b = matrix(3, 2, vec![7.0, 10.0, 8.0, 20.0, 9.0, 30.0]);
    // 1·7 + 2·8 + 3·9 = 50
    let c = reference::gemm::<f64>(a.view(), b.view());
    assert_eq!(c, matrix(2, 2, vec![50.0, 140.0, 122.0, 320.0]));
}

#[test]
fn random_products_are_within_the_bound() {
    let mut worst = 0f64;
    for (m, k, n) in [(33, 1, 47), (33, 9, 47), (300, 27, 64), (64, 288, 300), (48, 1000, 31), (33, 4608, 47)]
    {
        let (a, b) = (reals::<f32>(1, m * k), reals::<f32>(2, k * n));
        let exact =
            |a: Vec<f64>, b: Vec<f64>| reference::gemm(matrix(m, k, a).view(), matrix(k, n, b).view());
        let expected = exact(to_f64(&a), to_f64(&b)).into_raw_vec_and_offset().0;
        let magnitude = exact(magnitudes(&a), magnitudes(&b)).into_raw_vec_and_offset().0;
        let (a, b) = (matrix(m, k, a), matrix(k, n, b));
        on_each_isa::<f32>(|isa| {
            let mut c = matrix(m, n, poison(m * n));
            gemm(a.view(), b.view(), c.view_mut(), Update::Assign);
            let got = c.as_slice().expect("contiguous");
            let what = format!("{m}x{k}x{n} on {isa}");
            worst = worst.max(worst_ratio(what, got, &expected, &magnitude, k, 1.0));
        });
    }
    println!("gemm: error / bound {worst:.3}");
}
