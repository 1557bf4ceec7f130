//! Convolution by hand: a kernel slides over a picture, and the same as one matrix product (im2col).
//!
//! The kernel is Sobel's edge detector (Sobel & Feldman, 1968): right minus left. It answers 0 where the
//! picture is flat, positive where it gets brighter from left to right, negative where it gets darker.
//! `im2col` writes each patch that the kernel covers as one row of a matrix. Each pixel is copied up to nine
//! times; in return the convolution becomes a matrix product, which computers do faster than anything else.

use std::error::Error;

use ndarray::{Array1, Array2, array};
use nn_core::kernels::Epilogue;
use nn_core::kernels::conv::{self, Algorithm, ConvGeometry, ConvSpec};

/// Finds the edges of a picture in three ways that agree.
pub fn main() -> Result<(), Box<dyn Error>> {
    let picture = array![
        [0., 0., 1., 1., 1., 0.],
        [0., 0., 1., 1., 1., 0.],
        [0., 0., 1., 1., 1., 0.],
        [0., 0., 0., 0., 0., 0.],
        [0., 0., 0., 0., 0., 0.],
    ];
    let kernel = array![[-1., 0., 1.], [-2., 0., 2.], [-1., 0., 1.]];
    show("The picture", &picture);
    show("The kernel", &kernel);

    // Sliding: each output pixel is the sum of a patch, weighted by the kernel.
    let patches = picture.windows((3, 3));
    let sums: Vec<f64> = patches.into_iter().map(|patch| (&patch * &kernel).sum()).collect();
    let by_sliding = Array2::from_shape_vec((3, 4), sums)?;
    show("The kernel slid over the picture: the left and right edges show, fading below", &by_sliding);

    // The same as a matrix product: one row per output pixel, one column per tap of the kernel.
    let geometry = ConvGeometry::new(&ConvSpec::new((5, 6), 1, 1, (3, 3)))?;
    let (pixels, taps) = (geometry.out_h * geometry.out_w, geometry.patch_len());
    let x: Vec<f64> = picture.iter().copied().collect();
    let mut columns = vec![0.0; pixels * taps];
    conv::im2col(&geometry, 0, &x, 0..geometry.out_h, &mut columns);
    let columns = Array2::from_shape_vec((pixels, taps), columns)?;
    let weights: Array1<f64> = kernel.iter().copied().collect();
    let by_product = columns.dot(&weights);
    println!("The column matrix, one patch in each row, and its product with the kernel");
    for (patch, sum) in columns.rows().into_iter().zip(&by_product) {
        println!("{}    |{sum:>4}", line(patch));
    }

    // The engine's convolution; there is no bias and no activation to follow.
    let mut y = vec![0.0; geometry.output_len()];
    let kernel: Vec<f64> = weights.to_vec();
    conv::output(&geometry, Algorithm::Auto, &x, &kernel, Epilogue::NONE, &mut y);
    assert_eq!(y, by_product.to_vec());
    assert_eq!(by_sliding.into_raw_vec_and_offset().0, y);
    println!("\nSliding, the product and the engine's convolution agree.");
    println!(
        "{} multiply-adds; the picture has {} numbers, the matrix {}.",
        geometry.macs(),
        x.len(),
        columns.len()
    );
    Ok(())
}

fn show(title: &str, image: &Array2<f64>) {
    println!("{title}");
    for row in image.rows() {
        println!("{}", line(row));
    }
    println!();
}

/// Small whole numbers, with a dot for 0.
fn line(values: ndarray::ArrayView1<f64>) -> String {
    values.iter().map(|&v| if v == 0.0 { "   ·".into() } else { format!("{v:>4}") }).collect()
}
