//! Where gradients go: max pooling sends each to one pixel, average pooling spreads it over the window.
//!
//! Pooling has nothing to learn, but the gradient has to get through it to the layers before. A maximum
//! depends on the winner alone, so the winner gets all; a mean depends on each of its `k` pixels by `1/k`.
//! Where windows overlap a pixel collects from all of them. In every case nothing is lost: `dx` adds up to
//! what `dy` adds up to.

use std::error::Error;

use nn_core::layer::Gradients;
use nn_core::layers::{AveragePooling2D, GlobalAveragePooling2D, LayerConfig, MaxPooling2D};
use nn_core::{Context, Shape, Tensor, tensor};

const SIDE: usize = 4;

/// Sends the same gradients back through five kinds of pooling.
pub fn main() -> Result<(), Box<dyn Error>> {
    #[rustfmt::skip]
    let x = tensor(&[1, SIDE, SIDE, 1], vec![
        1.0, 3.0, 2.0, 0.0,
        5.0, 2.0, 1.0, 4.0,
        0.0, 1.0, 9.0, 3.0,
        2.0, 6.0, 7.0, 8.0,
    ]);
    println!("The input x");
    (0..SIDE).for_each(|row| println!("{}", line(&x, row)));
    send_back("Max pooling, 2x2 windows side by side", MaxPooling2D::new(2), &x)?;
    send_back("Average pooling, 2x2 windows side by side", AveragePooling2D::new(2), &x)?;
    send_back("Max pooling, overlapping 3x3 windows: the 9 wins all", MaxPooling2D::new(3).strides(1), &x)?;
    send_back("Average pooling, overlapping 3x3 windows", AveragePooling2D::new(3).strides(1), &x)?;
    send_back("Global average pooling: one window", GlobalAveragePooling2D::new(), &x)?;
    Ok(())
}

/// Pools `x` and sends the gradients 1, 2, 3, ... back through the layer.
fn send_back(title: &str, layer: impl Into<LayerConfig>, x: &Tensor<f64>) -> Result<(), Box<dyn Error>> {
    let layer = layer.into().build::<f64>(&Shape::new([SIDE, SIDE, 1]), 0)?;
    let mut ctx = Context::new(0);
    let (y, cache) = layer.forward(x, &mut ctx);
    let dy = tensor(y.shape(), (1..=y.len()).map(|i| i as f64).collect());
    let mut gradients = Gradients { input: true, params: &mut [] };
    let dx = layer.backward(dy.clone(), &cache, &mut gradients, &mut ctx).ok_or("dx was asked for")?;

    println!("\n{title}\n{:<28}{:<28}dx, to the front", "y", "dy, from behind");
    for row in 0..SIDE {
        println!("{:<28}{:<28}{}", line(&y, row), line(&dy, row), line(&dx, row));
    }
    assert!((dx.sum() - dy.sum()).abs() < 1e-12, "a gradient was lost");
    Ok(())
}

/// The numbers in one row of a square image; nothing if the image has fewer rows.
fn line(image: &Tensor<f64>, row: usize) -> String {
    let side = image.len().isqrt();
    image.iter().skip(row * side).take(side).map(|value| format!("{value:<7.2}")).collect()
}
