//! The activations with their slopes, and why softmax and cross-entropy belong together.
//!
//! A gradient that travels back through an activation is multiplied by its slope. Where the slope is near 0
//! the unit has stopped learning: look at sigmoid and tanh at ±4, and at ReLU on the left.
//! At the end of a classifier the slopes of softmax and cross-entropy cancel: what remains of the gradient of
//! the logits is `p - t`, prediction minus truth. With squared errors they do not cancel.

use std::error::Error;

use nn_core::layer::Gradients;
use nn_core::layers::{Activation, ActivationFn, LayerConfig};
use nn_core::loss::Loss;
use nn_core::train::Targets;
use nn_core::{Context, Shape, Tensor, kernels::elementwise, tensor};

const FUNCTIONS: [(&str, ActivationFn); 7] = [
    ("linear", ActivationFn::Linear),
    ("relu", ActivationFn::Relu),
    ("relu6", ActivationFn::Relu6),
    ("leaky_relu", ActivationFn::LEAKY_RELU),
    ("elu", ActivationFn::ELU),
    ("sigmoid", ActivationFn::Sigmoid),
    ("tanh", ActivationFn::Tanh),
];

/// Prints both tables.
pub fn main() -> Result<(), Box<dyn Error>> {
    let z = tensor(&[1, 7], vec![-4.0, -1.0, -0.1, 0.1, 1.0, 4.0, 7.0]);
    row("z", &z);
    for (name, function) in FUNCTIONS {
        let layer = LayerConfig::from(Activation::new(function)).build::<f64>(&Shape::new([7]), 0)?;
        let mut ctx = Context::new(0);
        let (y, cache) = layer.forward(&z, &mut ctx);
        // With dy = 1 the backward pass gives the slope itself.
        let ones = tensor(&[1, 7], vec![1.0; 7]);
        let slope = layer.backward(ones, &cache, &mut Gradients { input: true, params: &mut [] }, &mut ctx);
        row(name, &y);
        row("  slope", &slope.ok_or("no gradient of the input")?);
    }

    println!("\nLogits for three classes; the truth is class 1");
    let truth = Targets::Classes(vec![1]);
    let t = tensor(&[1, 3], vec![0.0, 1.0, 0.0]);
    for logits in [[2.0, 1.0, -1.0], [-3.0, 4.0, -1.0], [9.0, 0.0, -1.0]] {
        let z = tensor(&[1, 3], logits.to_vec());
        let mut p = logits.to_vec();
        elementwise::softmax(&mut p, 3);
        let p = tensor(&[1, 3], p);

        // Cross-entropy takes the logits, with the softmax inside it.
        let mut dz = tensor(&[1, 3], vec![0.0; 3]);
        let crossentropy = Loss::sparse_categorical_crossentropy();
        let entropy = crossentropy.value_and_gradient(&z, &truth, None, &mut dz);
        // Squared errors take the probabilities; the gradient then goes back through the softmax.
        let mut dz_squares = dz.clone();
        let squares = Loss::MeanSquaredError.value_and_gradient(&p, &truth, None, &mut dz_squares);
        let dz_slice = dz_squares.as_slice_mut().ok_or("tensors are contiguous")?;
        elementwise::softmax_backward(p.as_slice().ok_or("tensors are contiguous")?, dz_slice, 3);

        println!();
        row("logits z", &z);
        row("p = softmax(z)", &p);
        row("p - t", &(&p - &t).into_shared());
        row("dz, entropy", &dz);
        row("dz, squares", &dz_squares);
        println!("{:<16}cross-entropy {entropy:.3}, squared error {squares:.3}", "loss");
        assert!(dz.iter().zip((&p - &t).iter()).all(|(dz, difference)| (dz - difference).abs() < 1e-12));
    }
    println!("\nThe last one is sure and wrong: cross-entropy pulls hard, the squared error hardly at all.");
    Ok(())
}

fn row(title: &str, values: &Tensor<f64>) {
    let cells: Vec<_> = values.iter().map(|value| format!("{value:>8.3}")).collect();
    println!("{title:<16}{}", cells.concat());
}
